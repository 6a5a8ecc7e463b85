/** When a command has to end: Ctrl-C, a service manager's SIGTERM, a closed terminal, or the death of its parent. */

/** A signal that aborts once; its reason is what happened. Repeated signals change nothing: stopping is bounded anyway. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => controller.abort(name));
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
