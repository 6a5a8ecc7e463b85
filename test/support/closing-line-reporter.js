// A jest reporter that ends every run with one line, "N passed, N failed", summed over all projects. A test file that
// does not load counts as one failure, and so does each check that failed before the tests (USHER_FAILED_CHECKS).
import { writeFileSync } from 'node:fs';

export default class ClosingLineReporter {
  onRunComplete(_contexts, results) {
    const failedChecks = Number(process.env.USHER_FAILED_CHECKS ?? 0);
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites + failedChecks;
    const line = `${results.numPassedTests} passed, ${failed} failed`;
    // jest prints its summary after the last reporter; the closing line comes when everything else is said.
    process.once('exit', () => process.stdout.write(`${line}\n`));
    const file = process.env.USHER_CLOSING_LINE_FILE;
    if (file) writeFileSync(file, `${line}\n`);
  }
}
