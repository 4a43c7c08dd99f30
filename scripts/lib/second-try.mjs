/**
 * More failures than this are a defect or a broken machine, which a second try would only hide for some minutes.
 * A loaded machine has failed one or two of some 5,300 tests.
 */
export const maxSecondTries = 5;

/** What a found counterexample says of itself (fast-check). Another seed would find another, or none: it stays a failure. */
const counterexample = "Property failed after";
/** Simulated crashes have no clock of their own: what fails there fails again, or says something of the product. */
const simulated = /\.crash\.test\.ts$/;

/**
 * The files whose failed tests may be a matter of the machine (a limit in wall time met while something else ran), to be run once more,
 * alone. Empty where anything failed that is not: then nothing is run again.
 * @param {{ testResults: { name: string, status: string, assertionResults: { status: string, failureMessages?: string[] }[] }[] }} report vitest's JSON report
 * @returns {string[]} absolute paths
 */
export function filesToTryAgain(report) {
  const failed = report.testResults.filter(({ status }) => status === "failed");
  const tests = failed.flatMap(({ assertionResults }) => assertionResults.filter(({ status }) => status === "failed"));
  const isMatterOfMachine =
    tests.length > 0 &&
    tests.length <= maxSecondTries &&
    failed.every(({ name, assertionResults }) => !simulated.test(name) && assertionResults.some(({ status }) => status === "failed")) &&
    tests.every(({ failureMessages = [] }) => !failureMessages.some((message) => message.includes(counterexample)));
  return isMatterOfMachine ? failed.map(({ name }) => name) : [];
}

/** The names of a report's failed tests. */
export function namesOfFailed(report) {
  return report.testResults.flatMap(({ assertionResults }) =>
    assertionResults.filter(({ status }) => status === "failed").map(({ fullName }) => fullName),
  );
}
