/** Steps of the set-up and the start, told in one line each: what, how big, how long. */

/** Prints one line. Injected everywhere, so that tests can listen. */
export type Say = (line: string) => void;

/** `1.5 GB`, `44.5 MB`, `12 kB`. */
export function size(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${Math.ceil(bytes / 1e3)} kB`;
}

/** Seconds since `startedAtMs` (of `performance.now()`), as printed. */
export const secondsSince = (startedAtMs: number): string =>
  `${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`;

/** Runs `work` and prints `name: result (time)`. What `work` returns as `text` is printed, `value` is returned. */
export async function step<T>(say: Say, name: string, work: () => Promise<{ value: T; text: string }>): Promise<T> {
  const startedAtMs = performance.now();
  const { value, text } = await work();
  say(`${name}: ${text} (${secondsSince(startedAtMs)})`);
  return value;
}

/** An error whose message is the whole story: commands print it without a stack trace. */
export class PlainError extends Error {
  override name = 'PlainError';
}

/** Runs a command's main function: a `PlainError` becomes a sentence and exit code 1, anything else keeps its trace. */
export async function runMain(main: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await main();
  } catch (error) {
    console.error(error instanceof PlainError ? error.message : error);
    process.exitCode = 1;
  }
}
