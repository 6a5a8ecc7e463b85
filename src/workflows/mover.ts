/**
 * Takes away what nothing justifies any more: looks into the systems, removes, and, where policy gives the old work time to
 * be handed over, waits and looks again. A case in which nothing can have become unjustified looks nowhere.
 */
import { CancellationScope, sleep } from '@temporalio/workflow';
import type { Item } from '../schemas/item.ts';
import type { ItemsPlan } from './access.ts';
import { allOf } from './all-of.ts';
import { runBeside } from './beside.ts';
import type { CaseDesk } from './case-desk.ts';
import { findAccount } from './find-account.ts';
import { wasOvertaken, toWire } from './joiner.ts';
import { bookkeeping } from './options.ts';
import { provisionItems } from './provision-items.ts';

/** Runs beside the giving, so that a question that is open for weeks keeps nothing in the old systems. */
export class Taking {
  isDone = false;
  hasRemoved = false;
  readonly #scope = new CancellationScope();
  readonly #run: Promise<void>;
  #error: Error | null = null;

  /** What could not be removed joins what failed, and is looked for again with it. */
  constructor(desk: CaseDesk, plan: ItemsPlan, giving: { failed: Map<string, Item>; isIdle: boolean }) {
    if (plan.lookAtSystemIds.length + desk.unsettledSystemIds.size === 0) {
      this.isDone = true;
      this.#run = Promise.resolve();
      return;
    }
    const note = (error: Error): void => void (this.#error = error);
    this.#run = runBeside(this.#scope, () => this.#takeAll(desk, plan, giving), note).finally(() => {
      this.isDone = true;
    });
  }

  /** Ends it where it is not done, after every call under way. Throws what ended it. */
  async stop(): Promise<void> {
    this.#scope.cancel();
    await this.#run;
    if (this.#error !== null) throw this.#error;
  }

  async #takeAll(
    desk: CaseDesk,
    plan: ItemsPlan,
    giving: { failed: Map<string, Item>; isIdle: boolean },
  ): Promise<void> {
    await this.#lookAtAll(desk, plan, giving.failed);
    if (plan.handOverUntil === null) return;
    const leftMs = Date.parse(plan.handOverUntil) - Date.now();
    if (leftMs <= 0) return;
    desk.note(`hand-over until ${plan.handOverUntil}`);
    if (giving.isIdle) await reportWait(desk, plan.handOverUntil);
    await sleep(leftMs, { summary: 'end of the hand-over' });
    await this.#lookAtAll(desk, plan, giving.failed);
  }

  /** All systems side by side: one that is down delays only itself. */
  async #lookAtAll(desk: CaseDesk, plan: ItemsPlan, failed: Map<string, Item>): Promise<void> {
    const systemIds = [...new Set([...plan.lookAtSystemIds, ...desk.unsettledSystemIds])];
    const removed = await allOf(systemIds.map((systemId) => lookAt(desk, systemId, failed)));
    if (removed.some(Boolean)) this.hasRemoved = true;
  }
}

async function reportWait(desk: CaseDesk, until: string): Promise<void> {
  const { personId, n } = desk;
  await bookkeeping.writeReport.executeWithOptions({ summary: 'hand-over' }, [
    { personId, n, claimedVerified: [...desk.verified], nextSweepAt: until, leftSystemIds: [] },
  ]);
}

/** True when something was removed. What is broken off on the way is looked at again by the next plan. */
async function lookAt(desk: CaseDesk, systemId: string, failed: Map<string, Item>): Promise<boolean> {
  desk.unsettledSystemIds.add(systemId);
  for (;;) {
    const { removedCount, mustRepeat } = await lookAndRemove(desk, systemId, failed);
    if (!mustRepeat) {
      desk.unsettledSystemIds.delete(systemId);
      return removedCount > 0;
    }
    await desk.pauseBeforePlan();
  }
}

const nothingToTake = { removedCount: 0, mustRepeat: false };

async function lookAndRemove(
  desk: CaseDesk,
  systemId: string,
  failed: Map<string, Item>,
): Promise<{ removedCount: number; mustRepeat: boolean }> {
  const { personId, n } = desk;
  const account = (await findAccount(desk, systemId))?.account;
  if (!account) return nothingToTake;
  const plan = await desk.plan([account]);
  if (plan.phase !== 'items' || plan.items.length === 0) return nothingToTake;
  const k = desk.nextK();
  const input = { personId, n, k, items: plan.items.map((item) => toWire(item, [])) };
  const result = await provisionItems(input, new Map());
  const { outcomes } = result;
  const itemOf = new Map<string, Item>(plan.items.map((item) => [item.itemDigest, item]));
  for (const { itemDigest, outcome } of outcomes) {
    const item = itemOf.get(itemDigest);
    if (outcome === 'verified') {
      desk.verified.add(itemDigest);
      failed.delete(itemDigest);
    } else if (outcome === 'failed' && item) failed.set(itemDigest, item);
  }
  const count = outcomes.filter(({ outcome }) => outcome === 'verified').length;
  desk.note(`${systemId}: ${count} of ${plan.items.length} changes verified`);
  return { removedCount: count, mustRepeat: wasOvertaken(result) };
}
