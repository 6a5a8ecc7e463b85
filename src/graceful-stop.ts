/**
 * How every process ends: the first SIGTERM or SIGINT lets it finish what is under way, within a bound; a second one, or the
 * bound, ends it at once. Nothing is lost either way: what was not finished is taken up at the next start.
 */

/** Exit codes of a stopped process. */
export const stopCodes = {
  /** Everything under way was finished. */
  orderly: 0,
  /** Stopping failed, or took longer than its bound. */
  unfinished: 1,
  /** A second signal ended it: 128 + the number of SIGINT or SIGTERM. */
  forcedBy: { SIGINT: 130, SIGTERM: 143 },
} as const;

/** One Ctrl-C can reach a process twice, from the terminal and from a parent that passes it on: that is one wish. */
const SAME_WISH_MS = 750;

export interface GracefulStopOptions {
  /** Finishes what is under way. Called once. */
  stop: () => Promise<void>;
  boundMs: number;
  /** Told what happened; must not throw. */
  say: (event: 'stopping' | 'stopped' | 'forced' | 'bound' | 'failed', error?: unknown) => void;
  /** Ends the process; tests give their own. */
  exit?: (code: number) => void;
  nowMs?: () => number;
}

/** Listens for the signals of `source` (default: this process). Answers how to ask for the stop without a signal. */
export function stopGracefully(
  options: GracefulStopOptions,
  source: Pick<NodeJS.Process, 'on'> = process,
): { stop: () => void } {
  const { stop, boundMs, say } = options;
  const exit = options.exit ?? ((code: number): void => process.exit(code));
  const nowMs = options.nowMs ?? (() => performance.now());
  let firstAtMs: number | null = null;
  const begin = (): void => {
    firstAtMs = nowMs();
    say('stopping');
    setTimeout(() => {
      say('bound');
      exit(stopCodes.unfinished);
    }, boundMs).unref();
    stop().then(
      () => {
        say('stopped');
        exit(stopCodes.orderly);
      },
      (error: unknown) => {
        say('failed', error);
        exit(stopCodes.unfinished);
      },
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    source.on(signal, () => {
      if (firstAtMs === null) return begin();
      if (nowMs() - firstAtMs < SAME_WISH_MS) return;
      say('forced');
      exit(stopCodes.forcedBy[signal]);
    });
  return { stop: () => void (firstAtMs === null && begin()) };
}
