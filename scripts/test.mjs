// npm test: sets up what is missing, runs every test, and ends with the line `N passed, N failed`.
// Arguments go to vitest (npm test -- packages/core); --with-checks runs the static checks first, as .ci/run does.
import { runChecks } from "./lib/checks.mjs";
import { setUp } from "./lib/setup.mjs";
import { runVitest } from "./lib/test-run.mjs";

const withChecks = process.argv.includes("--with-checks");
const vitestArgs = process.argv.slice(2).filter((arg) => arg !== "--with-checks");

const node = await setUp({
  redis: !process.env.TEST_REDIS_URL,
  dovecot: !process.env.TEST_IMAP_URL,
  python: true,
  chromium: !process.env.TEST_CHROMIUM,
  helm: true,
});
const failedChecks = withChecks ? await runChecks(node) : [];
const { passed, failed, code } = await runVitest(node, vitestArgs, { secondTry: vitestArgs.length === 0 });
const allFailed = failed + failedChecks.length;
if (failedChecks.length > 0) console.log(`\nFailed before the tests: ${failedChecks.join(", ")}. See above, or run: npm run check`);
console.log(`${passed} passed, ${allFailed} failed`);
process.exitCode = allFailed === 0 ? 0 : code || 1;
