// `npm run check`: format, types, lint and import directions, each with its time. All four run even when one fails.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureInstalled, main, projectNode, root } from './bootstrap.js';

const bin = (...path) => join(root, 'node_modules', ...path);
const folders = ['src', 'sandbox', 'temporal', 'scripts', 'test', 'bench'];
const checks = [
  { name: 'format', args: [bin('prettier', 'bin', 'prettier.cjs'), '--check', '--log-level', 'warn', '.'] },
  { name: 'types', args: [bin('typescript', 'bin', 'tsc'), '-p', '.', '--noEmit'] },
  { name: 'lint', args: [bin('oxlint', 'bin', 'oxlint'), '--type-aware', '--quiet', ...folders] },
  {
    name: 'imports',
    args: [
      bin('dependency-cruiser', 'bin', 'dependency-cruiser.mjs'),
      '--config',
      '.dependency-cruiser.cjs',
      ...folders,
    ],
  },
];

/** Runs every check and returns the names of those that failed. */
function runChecks() {
  const failed = [];
  for (const { name, args } of checks) {
    const startedAt = performance.now();
    const result = spawnSync(projectNode, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
    const isFine = result.status === 0;
    console.log(`${isFine ? 'ok    ' : 'FAILED'} ${name} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
    if (!isFine) {
      failed.push(name);
      process.stdout.write(`${result.stdout}${result.stderr}`);
    }
  }
  return failed;
}

await main(async () => {
  ensureInstalled();
  const failed = runChecks();
  if (failed.length > 0) console.log(`check failed: ${failed.join(', ')}`);
  return failed.length;
});
