// npm run test:compose: brings fleets of docker-compose.yml up and runs end-to-end tests against them from outside. Builds the image, or takes the one
// that TEST_IMAGE names. Needs a Docker engine with its compose plugin, which `npm test` does not.
import path from "node:path";
import { root } from "./lib/processes.mjs";
import { setUp } from "./lib/setup.mjs";
import { runVitest } from "./lib/test-run.mjs";

const node = await setUp({ chromium: true });
const config = path.join(root, "test/compose/vitest.config.ts");
const { passed, failed, code } = await runVitest(node, ["--config", config, ...process.argv.slice(2)]);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : code || 1;
