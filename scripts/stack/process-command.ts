/** What a process number stands for right now: numbers are reused, and only the command line tells. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** The command line of a process, or null when there is none. */
export function commandOf(pid: number): string | null {
  const result = spawnSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  if (result.status === 0) return result.stdout.trim();
  const file = `/proc/${pid}/cmdline`;
  return existsSync(file) ? readFileSync(file, 'utf8').replaceAll('\0', ' ') : null;
}
