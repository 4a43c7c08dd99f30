import path from "node:path";
import { defineConfig } from "vitest/config";
import { againstCompose } from "./suite.ts";

/** Apart from the other projects: only where an engine runs. */
export default defineConfig({
  test: {
    name: "compose",
    root: path.join(import.meta.dirname, "../.."),
    include: [...againstCompose.map((file) => `test/e2e/${file}`), "test/compose/*.compose.test.ts"],
    env: { TEST_FLEET: "compose" },
    globalSetup: ["test/compose/build.ts"],
    testTimeout: 240_000,
    hookTimeout: 300_000,
    // Each brings a fleet up; side by side they would only fight for the processor.
    maxWorkers: 1,
  },
});
