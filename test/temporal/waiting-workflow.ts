/** A workflow that only waits: what the tests of time skipping drive ahead. */
import { condition, defineSignal, setHandler, sleep } from '@temporalio/workflow';

export const goOn = defineSignal('goOn');

/** Waits for so many days and gives back when it went on, in milliseconds. */
export async function waitDays(count: number): Promise<number> {
  await sleep(count * 86_400_000);
  return Date.now();
}

/** Waits for a signal, at most so many days; says which of the two came. */
export async function waitForSignal(count: number): Promise<'signal' | 'deadline'> {
  let isTold = false;
  setHandler(goOn, () => void (isTold = true));
  return (await condition(() => isTold, count * 86_400_000)) ? 'signal' : 'deadline';
}
