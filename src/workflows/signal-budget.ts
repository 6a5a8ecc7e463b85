/**
 * How many signals a workflow records before it takes them for junk. Whoever may write to the namespace can send ten
 * thousand to one workflow; each that is recorded costs seven events, each that is not costs four, and a history ends at
 * fifty thousand. What the budget refuses leaves no trace but the signal itself.
 */
import { workflowInfo } from '@temporalio/workflow';

/** So many are recorded whatever they hold. */
export const SIGNALS_RECORDED_MAX = 200;
/** And after them so many of those that look honest. */
export const HONEST_SIGNALS_MAX = 300;
const HISTORY_EVENTS_MAX = 20_000;
const HISTORY_BYTES_MAX = 20_000_000;

export type SignalVerdict = 'record' | 'ignore' | 'ignoreAndTell';

export class SignalBudget {
  #count = 0;
  #honest = 0;
  #isFlooded = false;

  /** True from the first signal on that was refused. */
  get isFlooded(): boolean {
    return this.#isFlooded;
  }

  /** Counts one signal. `ignoreAndTell` is answered once. */
  take(looksHonest: boolean): SignalVerdict {
    this.#count += 1;
    if (this.#fits(looksHonest)) return 'record';
    if (this.#isFlooded) return 'ignore';
    this.#isFlooded = true;
    return 'ignoreAndTell';
  }

  #fits(looksHonest: boolean): boolean {
    if (this.#count <= SIGNALS_RECORDED_MAX) return true;
    const { historyLength, historySize } = workflowInfo();
    if (!looksHonest || historyLength > HISTORY_EVENTS_MAX || historySize > HISTORY_BYTES_MAX) return false;
    this.#honest += 1;
    return this.#honest <= HONEST_SIGNALS_MAX;
  }
}
