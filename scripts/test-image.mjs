// npm run test:image: builds the image, or takes the one that TEST_IMAGE names, and runs a fleet of it. Needs a Docker engine, which `npm test` does not.
import path from "node:path";
import { root } from "./lib/processes.mjs";
import { setUp } from "./lib/setup.mjs";
import { runVitest } from "./lib/test-run.mjs";

const node = await setUp();
const config = path.join(root, "test/image/vitest.config.ts");
const { passed, failed, code } = await runVitest(node, ["--config", config, ...process.argv.slice(2)]);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : code || 1;
