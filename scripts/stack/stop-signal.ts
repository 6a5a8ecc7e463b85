/** When a command has to end: Ctrl-C, a service manager's SIGTERM, a closed terminal, or the death of its parent. */

/** One Ctrl-C reaches this process up to three times: from the terminal, from npm, and from the first half of the command. */
const SAME_WISH_MS = 1_500;

/**
 * A signal that aborts once; its reason is what happened. A second SIGINT or SIGTERM, well after the first, ends this process at
 * once with 130 or 143: its watchdog then ends what it had started.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  let firstAtMs: number | null = null;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => {
      if (firstAtMs !== null && name !== 'SIGHUP' && performance.now() - firstAtMs > SAME_WISH_MS)
        process.exit(name === 'SIGINT' ? 130 : 143);
      firstAtMs ??= performance.now();
      controller.abort(name);
    });
  // The first half of the command, which runs under another Node, holds the other end.
  if (process.connected) {
    process.on('disconnect', () => controller.abort('the command that started this one ended'));
    process.channel?.unref();
  }
  // A closed terminal must not end the stopping in its middle.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  return controller.signal;
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
