/** Waits for a condition, not for a time: it fails when the condition does not come true within a generous bound. */
const everyMs = 50;

/** Resolves when `isTrue` answers true; rejects with `what` after the bound. */
export async function until(what: string, isTrue: () => boolean, boundMs = 30_000): Promise<void> {
  for (const deadline = performance.now() + boundMs; !isTrue();) {
    if (performance.now() > deadline) throw new Error(`not within ${boundMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
