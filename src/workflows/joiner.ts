/**
 * Gives access: what policy approves at once, each other route group on its own after its decision. When the plan changes
 * under it, what is still asked for in the same way goes on, what is asked for no more is withdrawn.
 */
import { CancellationScope, ChildWorkflowCancellationType, ParentClosePolicy, startChild } from '@temporalio/workflow';
import { groupForApproval, type ApprovalGroup } from '../domain/approval-groups.ts';
import type { Item } from '../schemas/item.ts';
import type { ItemsPlan } from './access.ts';
import { approval } from './approval.ts';
import { runBeside } from './beside.ts';
import type { CaseDesk } from './case-desk.ts';
import { provisionItems, systemIdsOf } from './provision-items.ts';
import { provisionInChild } from './provisioning-child.ts';
import * as wire from './wire.ts';

interface Job {
  /** Same key, same people and same items: the job of the old plan is the job of the new one. */
  key: string;
  digests: readonly string[];
  scope: CancellationScope;
  done: Promise<void>;
  /** Holds something that the plan of now does not. */
  isOutdated: boolean;
}

export class Giving {
  /** What was tried and failed for now, by digest. */
  readonly failed = new Map<string, Item>();
  readonly #desk: CaseDesk;
  readonly #jobs = new Map<string, Job>();
  #error: Error | null = null;
  /** The manager was asked for profiles and has answered: the same questions again would never end. */
  #hasChosen = false;
  #mustReplan = false;

  constructor(desk: CaseDesk) {
    this.#desk = desk;
  }

  /** Nothing is asked, written or read any more. Throws what ended a job. */
  get isIdle(): boolean {
    this.#rethrow();
    return this.#jobs.size === 0;
  }

  /** A choice was made that the plan does not know yet. */
  get mustReplan(): boolean {
    this.#rethrow();
    return this.#mustReplan;
  }

  #rethrow(): void {
    if (this.#error !== null) throw this.#error;
  }

  /** Begins what the plan adds and withdraws what it has no more; does not wait for either to be decided. */
  async begin(plan: ItemsPlan): Promise<void> {
    this.#mustReplan = false;
    const items = plan.items.filter((item) => item.action !== 'assignProfile' || !this.#hasChosen);
    const { ready, groups } = split(plan, items);
    await this.#withdrawOthers(new Set([...groups.map(keyOf), ...[...this.#jobs.keys()].filter(isReadyKey)]));
    this.#markOutdated(plan.items);
    const isUnderWay = (item: Item): boolean =>
      [...this.#jobs.values()].some(({ digests }) => digests.includes(item.itemDigest));
    const now = ready.filter((item) => !isUnderWay(item) && !this.failed.has(item.itemDigest));
    if (now.length > 0) this.#start(readyKey(now), now, (k) => this.#provisionHere(plan, now, k));
    for (const group of groups) {
      if (!this.#jobs.has(keyOf(group))) this.#start(keyOf(group), group.items, (k) => this.#decide(plan, group, k));
    }
    this.#showState(plan, groups.length > 0);
  }

  /** Withdraws everything that is under way, and waits until it ended. */
  async stop(): Promise<void> {
    await this.#withdrawOthers(new Set());
  }

  /** Gives again what failed: all of it, or what lies on these systems. A removal that failed is found by the next look. */
  async retry(systemIds: readonly string[] | null): Promise<void> {
    const items = [...this.failed.values()].filter(
      (item) => isGiven(item) && (systemIds?.includes(item.systemId) ?? true),
    );
    if (items.length === 0) return;
    const k = this.#desk.nextK();
    const { personId, n } = this.#desk;
    const input = { personId, n, k, items: items.map((item) => toWire(item, [])) };
    const result = await provisionInChild(input, {
      staticSummary: `Provisioning ${k}: ${items.length} items`,
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    });
    this.#note(items, k, result);
  }

  #start(key: string, items: readonly Item[], run: (k: number) => Promise<void>): void {
    const k = this.#desk.nextK();
    const scope = new CancellationScope();
    const note = (error: Error): void => void (this.#error = error);
    const done = runBeside(scope, () => run(k), note).finally(() => {
      if (this.#jobs.get(key)?.isOutdated) this.#mustReplan = true;
      this.#jobs.delete(key);
    });
    const digests = items.map(({ itemDigest }) => itemDigest);
    this.#jobs.set(key, { key, digests, scope, done, isOutdated: false });
  }

  /** What such a job still writes may land after the look into its system: when it ended, the case plans and looks again. */
  #markOutdated(planned: readonly Item[]): void {
    const digests = new Set<string>(planned.map(({ itemDigest }) => itemDigest));
    for (const job of this.#jobs.values()) job.isOutdated = job.digests.some((digest) => !digests.has(digest));
  }

  async #withdrawOthers(keep: ReadonlySet<string>): Promise<void> {
    const gone = [...this.#jobs.values()].filter(({ key }) => !keep.has(key));
    for (const { scope } of gone) scope.cancel();
    for (const { done } of gone) await done;
  }

  #showState(plan: ItemsPlan, isAsking: boolean): void {
    this.#desk.enter(isAsking ? 'awaitingApproval' : 'provisioning', [
      { key: wire.searchAttributes.UsherKind, value: plan.kind },
      { key: wire.searchAttributes.UsherPolicy, value: plan.policyHash },
      { key: wire.searchAttributes.UsherSystems, value: systemIdsOf(plan.items) },
    ] as never);
  }

  async #decide(plan: ItemsPlan, group: ApprovalGroup, k: number): Promise<void> {
    const { personId, n } = this.#desk;
    const child = await startChild(approval, {
      workflowId: wire.approvalWorkflowId(personId, n, k),
      taskQueue: wire.queues.cases,
      args: [
        {
          personId,
          n,
          k,
          proposalId: plan.proposalId,
          seats: [...group.seats],
          items: [...group.items],
          remindAfterSeconds: plan.remindAfterSeconds,
          escalateAfterSeconds: plan.escalateAfterSeconds,
          expireAfterSeconds: plan.expireAfterSeconds,
        },
      ],
      typedSearchAttributes: [
        { key: wire.searchAttributes.UsherPersonId, value: personId },
        { key: wire.searchAttributes.UsherCaseId, value: wire.caseWorkflowId(personId, n) },
      ],
      staticSummary: `Approval ${k}`,
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    });
    const { approved, denied, expired, isStale } = await child.result();
    if (isStale) {
      this.#desk.note(`group ${k}: nobody was asked, the plan is older than the facts`);
      // The news is on its way; should it never come, the plan is made again all the same.
      return this.#planAgain();
    }
    this.#desk.note(`group ${k}: ${approved.length} approved, ${denied.length} denied, ${expired.length} expired`);
    const isApproved = new Set(approved);
    if (group.items.some((item) => item.action === 'assignProfile')) {
      // A choice changes no system: what was chosen is planned and routed now.
      this.#hasChosen = true;
      this.#mustReplan = true;
    }
    const items = group.items.filter((item) => isApproved.has(item.itemDigest) && item.action !== 'assignProfile');
    // With new facts, or a start date that moved while people decided, the next plan carries what was approved.
    if (items.length > 0 && !this.#desk.hasNews) await this.#provisionInChild(plan, items, k);
  }

  async #provisionInChild(plan: ItemsPlan, items: readonly Item[], k: number): Promise<void> {
    const { personId, n } = this.#desk;
    const input = { personId, n, k, items: items.map((item) => toWire(item, plan.firstSystemIds)) };
    const result = await provisionInChild(input, {
      staticSummary: `Provisioning ${k}: ${items.length} items`,
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    });
    this.#note(items, k, result);
    if (wasOvertaken(result)) await this.#planAgain();
  }

  /** In the case itself: what nobody has to decide needs no workflow of its own, and most joiners are nothing else. */
  async #provisionHere(plan: ItemsPlan, items: readonly Item[], k: number): Promise<void> {
    const { personId, n } = this.#desk;
    const input = { personId, n, k, items: items.map((item) => toWire(item, plan.firstSystemIds)) };
    const result = await provisionItems(input, new Map());
    this.#note(items, k, result);
    if (wasOvertaken(result)) await this.#planAgain();
  }

  async #planAgain(): Promise<void> {
    await this.#desk.pauseBeforePlan();
    this.#mustReplan = true;
  }

  #note(items: readonly Item[], k: number, { outcomes }: wire.ProvisioningResult): void {
    const byDigest = new Map<string, Item>(items.map((item) => [item.itemDigest, item]));
    for (const { itemDigest, outcome } of outcomes) {
      const item = byDigest.get(itemDigest);
      if (!item) continue;
      if (outcome === 'verified') {
        this.#desk.verified.add(itemDigest);
        this.failed.delete(itemDigest);
      } else if (outcome === 'failed') this.failed.set(itemDigest, item);
    }
    const verifiedCount = outcomes.filter(({ outcome }) => outcome === 'verified').length;
    this.#desk.note(`group ${k}: ${verifiedCount} of ${items.length} verified`);
  }
}

/** A newer event came between the plan and the write. The case may go on under it, and then these items are still wanted. */
export const wasOvertaken = ({ outcomes }: wire.ProvisioningResult): boolean =>
  outcomes.some(({ outcome }) => outcome === 'superseded');

const isGiven = ({ action }: Item): boolean => action === 'grant' || action === 'update';

function split(plan: ItemsPlan, items: readonly Item[]): { ready: Item[]; groups: ApprovalGroup[] } {
  const decided = new Set(plan.approvedDigests);
  const { policyItems, groups } = groupForApproval(items.filter((item) => !decided.has(item.itemDigest)));
  return { ready: [...policyItems, ...items.filter((item) => decided.has(item.itemDigest))], groups };
}

const READY = 'ready ';
const isReadyKey = (key: string): boolean => key.startsWith(READY);
const readyKey = (items: readonly Item[]): string => READY + items.map(({ itemDigest }) => itemDigest).join(' ');

function keyOf({ key, items }: ApprovalGroup): string {
  return `${key} ${items.map(({ itemDigest }) => itemDigest).join(' ')}`;
}

export function toWire(item: Item, firstSystemIds: readonly string[]): wire.ProvisioningItem {
  const action = item.action === 'assignProfile' ? 'grant' : item.action;
  const { itemDigest, systemId } = item;
  return { itemDigest, systemId, action, isFirst: firstSystemIds.includes(systemId) };
}
