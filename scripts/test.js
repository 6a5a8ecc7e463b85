// `npm test`: set-up, all checks, and the tests of the jest projects `unit` and `engine`; the last line is "N passed, N failed".
// With arguments (paths or jest options) it runs only those tests, without the checks.
import { ensureInstalled, goOn, main } from './bootstrap.js';

const jest = (args, env) =>
  goOn(
    'node_modules/jest/bin/jest.js',
    // The paths come first: after an option of many values they would be taken for more of them.
    [
      ...args,
      '--ignoreProjects=integration',
      '--reporters=default',
      '--reporters=./test/support/closing-line-reporter.js',
    ],
    {
      nodeArgs: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
      env,
    },
  );

await main(async () => {
  ensureInstalled();
  const setUp = await goOn('scripts/stack/set-up.ts');
  if (setUp !== 0) return setUp;
  const args = process.argv.slice(2);
  if (args.length > 0) return jest(args, {});
  const failedChecks = await goOn('scripts/run-check.js');
  // A failed check counts as one failure, so that the closing line never says "0 failed" for a red run.
  const tests = await jest([], { USHER_FAILED_CHECKS: String(failedChecks) });
  return tests === 0 && failedChecks === 0 ? 0 : 1;
});
