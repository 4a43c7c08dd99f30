// npm run pictures: draws the README's pictures anew, from a first sync of the sandbox and in a real browser. Nothing differs when nothing changed.
import { setUp } from "./lib/setup.mjs";
import { runVitest } from "./lib/test-run.mjs";

const node = await setUp({ redis: !process.env.TEST_REDIS_URL, chromium: !process.env.TEST_CHROMIUM });
process.env.PICTURES = "1";
const { code } = await runVitest(node, ["--project", "redis", "test/pictures"]);
console.log(code === 0 ? "Drawn in docs/pictures." : "Not drawn: see above.");
process.exitCode = code;
