// npm run audit: known vulnerabilities of level high and above in what is installed to run. Exit codes: 0 none, or it could not be looked at,
// which the line says; 1 there are some, or npm failed.
import { judgeAudit } from "./lib/audit-report.mjs";
import { run } from "./lib/npm-json.mjs";

const level = "high";
// One try: whoever has no network learns it at once.
const answer = await run(["audit", "--omit=dev", `--audit-level=${level}`, "--json", "--fetch-retries=0", "--fetch-timeout=20000"]);
const { outcome, words } = judgeAudit(answer, level);
console.log(outcome === "not looked at" ? `not looked at: ${words}` : words);
process.exitCode = outcome === "clean" || outcome === "not looked at" ? 0 : 1;
