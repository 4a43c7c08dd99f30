// npm run check: every static check and the unit tests; needs no service.
import { runChecks } from "./lib/checks.mjs";
import { setUp } from "./lib/setup.mjs";
import { runVitest } from "./lib/test-run.mjs";

const node = await setUp();
const failed = await runChecks(node);
const unit = await runVitest(node, ["--project", "unit", "--silent=passed-only"]);
if (unit.failed > 0) failed.push("unit tests");
console.log(failed.length === 0 ? "All checks passed." : `Failed: ${failed.join(", ")}.`);
process.exitCode = failed.length === 0 ? 0 : 1;
