// A jest reporter that ends every run with one line, "N passed, N failed", summed over all projects. A test file that
// does not load counts as one failure, and so does each check that failed before the tests (USHER_FAILED_CHECKS). The
// integration tests (USHER_TELL_SKIPPED: what is missing, line by line) also say how many tests were skipped.
import { writeFileSync } from 'node:fs';

export default class ClosingLineReporter {
  onRunComplete(_contexts, results) {
    const failedChecks = Number(process.env.USHER_FAILED_CHECKS ?? 0);
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites + failedChecks;
    const missing = process.env.USHER_TELL_SKIPPED;
    const skipped = missing && results.numPendingTests > 0 ? `, ${results.numPendingTests} skipped` : '';
    const line = `${results.numPassedTests} passed, ${failed} failed${skipped}`;
    const before = missing && missing !== 'none' ? `${missing}\n` : '';
    // jest prints its summary after the last reporter; the closing line comes when everything else is said.
    process.once('exit', () => process.stdout.write(`${before}${line}\n`));
    const file = process.env.USHER_CLOSING_LINE_FILE;
    if (file) writeFileSync(file, `${line}\n`);
  }
}
