import { defineConfig } from "vitest/config";

/** Apart from the other projects: only where an engine runs. */
export default defineConfig({
  test: {
    name: "image",
    root: import.meta.dirname,
    include: ["*.image.test.ts"],
    testTimeout: 240_000,
    // The image is built first.
    hookTimeout: 900_000,
  },
});
