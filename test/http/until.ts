/** Waits for something that another part of the system does on its own. */
import { setTimeout as delay } from 'node:timers/promises';

/** Resolves when `isDone` answers true; throws after 20 s. */
export async function until(isDone: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await isDone())) {
    if (performance.now() > deadline) throw new Error('it did not happen in time');
    await delay(20);
  }
}
