/**
 * The only code that waits for weeks. Decisions come as an update (after the API signed them) or as a signal with a
 * one-time code; both go through one queue, one at a time in the order of arrival, and count only with the server's
 * signature. Silence is a denial.
 */
import {
  allHandlersFinished,
  CancellationScope,
  CancelledFailure,
  condition,
  isCancellation,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  uuid4,
  workflowInfo,
  ApplicationFailure,
} from '@temporalio/workflow';
import type { CountedDecision } from '../activities/approvals.ts';
import { eligibleApprovers } from '../domain/quorum.ts';
import { SeatCount } from '../domain/seat-count.ts';
import { approvalDetails } from './details.ts';
import { bookkeeping } from './options.ts';
import { SignalBudget, SIGNALS_RECORDED_MAX } from './signal-budget.ts';
import * as wire from './wire.ts';

type Arrival =
  | { via: 'signal'; claimId: string; payload: unknown; answer: wire.DecisionAnswer | null }
  | { via: 'update'; decisionId: string; payload: null; answer: wire.DecisionAnswer | null }
  | { via: 'news' };

type Claim = Exclude<Arrival, { via: 'news' }>;
type What = 'reminder' | 'escalation' | 'expired';

export async function approval(input: wire.ApprovalInput): Promise<wire.ApprovalResult> {
  const desk = new Desk(input);
  setHandler(wire.decide, (payload) => desk.takeSignal(payload), {
    description:
      'Decide with the code from your mail: {approvalId, approverId, verdicts: [{itemDigest, verdict}], reason, code}',
  });
  setHandler(wire.tellApproval, () => desk.hear(), {
    description: 'Something changed: read approvers and clock again: {"kind":"changed"}',
  });
  setHandler(wire.submitDecision, (reference) => desk.takeUpdate(reference.decisionId), {
    validator: (reference: unknown) => {
      const id =
        typeof reference === 'object' && reference !== null && 'decisionId' in reference ? reference.decisionId : null;
      if (typeof id !== 'string') throw ApplicationFailure.nonRetryable('expected {decisionId}', 'invalidInput');
    },
    description: 'A decision that the API signed: {decisionId}',
  });
  setHandler(wire.status, () => ({ state: desk.state, log: desk.log }), {
    description: 'Who decided what, and what is open',
  });
  upsertSearchAttributes([
    {
      key: wire.searchAttributes.UsherApprovers,
      value: eligibleApprovers({ kind: 'people', seats: input.seats }).slice(0, 20),
    },
    { key: wire.searchAttributes.UsherState, value: 'awaitingApproval' },
    { key: wire.searchAttributes.UsherDueAt, value: new Date(desk.startedMs + input.expireAfterSeconds * 1000) },
    {
      key: wire.searchAttributes.UsherRiskPoints,
      value: Math.max(0, ...input.items.map((item) => Math.ceil(item.risk))),
    },
  ]);
  setCurrentDetails(approvalDetails(input, desk.log));
  try {
    await desk.run();
  } catch (error) {
    desk.end('cancelled');
    if (!isCancellation(error) && !CancellationScope.current().consideredCancelled) throw error;
    await CancellationScope.nonCancellable(() => desk.close());
    // A call that failed as it was cancelled is no failure of the approval.
    throw isCancellation(error) ? error : new CancelledFailure('the question was withdrawn');
  }
  await desk.close();
  return desk.result();
}

/** The state of one approval. Only `run` changes it; handlers just lay things on the desk. */
class Desk {
  readonly log: string[] = [];
  readonly startedMs = workflowInfo().startTime.getTime();
  state: 'open' | 'decided' | 'expired' | 'cancelled' = 'open';
  readonly #input: wire.ApprovalInput;
  readonly #queue: Arrival[] = [];
  readonly #counts = new Map<string, SeatCount>();
  /** What was approved once: people who come and go later change nothing about it. */
  readonly #approved = new Set<string>();
  readonly #seen = new Set<string>();
  #seats: wire.ApprovalInput['seats'];
  /** Length of the stops of the clock, and until when it stands now. */
  #pausedMs = 0;
  #resumesAtMs: number | null = null;
  #isStale = false;
  readonly #budget = new SignalBudget();

  constructor(input: wire.ApprovalInput) {
    this.#input = input;
    this.#seats = input.seats;
  }

  /** A flood is not recorded: each claim costs events, and a history that is full ends the approval. */
  async takeSignal(payload: unknown): Promise<void> {
    switch (this.#budget.take(this.#looksHonest(payload))) {
      case 'record':
        return this.take({ via: 'signal', claimId: uuid4(), payload, answer: null });
      case 'ignoreAndTell': {
        const { personId, n, k } = this.#input;
        this.log.push('too many signals: no more of them are recorded');
        await bookkeeping.noteFlood.executeWithOptions({ summary: 'too many signals' }, [
          { personId, n, k, signalCount: SIGNALS_RECORDED_MAX },
        ]);
        return;
      }
      case 'ignore':
    }
  }

  /** From one of the approvers, about this approval, with something like a code. Whether it proves anything the server says. */
  #looksHonest(payload: unknown): boolean {
    const claim: { approvalId?: unknown; approverId?: unknown; code?: unknown } =
      typeof payload === 'object' && payload !== null ? payload : {};
    return (
      claim.approvalId === this.#approvalId() &&
      typeof claim.code === 'string' &&
      claim.code.length >= 8 &&
      eligibleApprovers({ kind: 'people', seats: this.#seats }).some((approverId) => approverId === claim.approverId)
    );
  }

  take(arrival: Arrival): void {
    this.#queue.push(arrival);
  }

  /** However many tell that something changed, it is read once. */
  hear(): void {
    if (!this.#queue.some(({ via }) => via === 'news')) this.#queue.push({ via: 'news' });
  }

  async takeUpdate(decisionId: string): Promise<wire.DecisionAnswer> {
    const arrival: Claim = { via: 'update', decisionId, payload: null, answer: null };
    this.take(arrival);
    await CancellationScope.nonCancellable(() => condition(() => arrival.answer !== null));
    return arrival.answer ?? { isCounted: false, reason: 'closed' };
  }

  async run(): Promise<void> {
    const { isOpen } = await this.#notify('opened');
    if (!isOpen) {
      this.log.push('not asked: what it was about is planned no more');
      this.#isStale = true;
      return this.end('cancelled');
    }
    for (const deadline of this.#deadlines()) {
      await this.#listenUntil(deadline.afterMs, deadline.what);
      if (this.state !== 'open') return;
      if (deadline.what === 'expired') {
        this.log.push('expired: silence is a denial');
        return this.end('expired');
      }
      this.log.push(deadline.what === 'reminder' ? 'reminded' : `escalated to level ${deadline.level}`);
      await this.#notify(deadline.what, deadline.level);
    }
  }

  #deadlines(): { afterMs: number; what: What; level: number }[] {
    const { remindAfterSeconds, escalateAfterSeconds = [], expireAfterSeconds } = this.#input;
    return [
      { afterMs: remindAfterSeconds * 1000, what: 'reminder' as const, level: 0 },
      ...escalateAfterSeconds.map((seconds, index) => ({
        afterMs: seconds * 1000,
        what: 'escalation' as const,
        level: index + 1,
      })),
      { afterMs: expireAfterSeconds * 1000, what: 'expired' as const, level: 0 },
    ].toSorted((a, b) => a.afterMs - b.afterMs);
  }

  /** Hears out what arrived before the deadline, even when its proof is still being checked. */
  async #listenUntil(afterMs: number, what: string): Promise<void> {
    for (;;) {
      await this.#drain();
      if (this.state !== 'open') return;
      if (this.#resumesAtMs !== null) {
        await this.#standStill(this.#resumesAtMs - Date.now());
        continue;
      }
      const leftMs = this.startedMs + afterMs + this.#pausedMs - Date.now();
      if (leftMs <= 0) return;
      await condition(() => this.#queue.length > 0, leftMs, { summary: `next: ${what}` });
    }
  }

  /** While a question is open; its bound lets the clock go on by itself. */
  async #standStill(leftMs: number): Promise<void> {
    const hasNews =
      leftMs > 0 && (await condition(() => this.#queue.length > 0, leftMs, { summary: 'a question is open' }));
    if (!hasNews) await this.#reload();
  }

  async #reload(): Promise<void> {
    const loaded = await bookkeeping.loadApproval.executeWithOptions({ summary: 'read approvers and clock' }, [
      { approvalId: this.#approvalId() },
    ]);
    if (!loaded) return;
    this.#seats = loaded.seats;
    this.#pausedMs = loaded.pausedMs;
    // A stop of no length would be a loop without rest.
    this.#resumesAtMs = loaded.pauseLeftMs === null ? null : Date.now() + Math.max(1000, loaded.pauseLeftMs);
    const dueMs = this.startedMs + this.#input.expireAfterSeconds * 1000 + this.#pausedMs;
    upsertSearchAttributes([
      { key: wire.searchAttributes.UsherApprovers, value: loaded.approverIds.slice(0, 20) },
      { key: wire.searchAttributes.UsherDueAt, value: new Date(dueMs) },
    ]);
  }

  async #drain(): Promise<void> {
    for (let arrival = this.#queue.shift(); arrival; arrival = this.#queue.shift()) {
      if (arrival.via === 'news') {
        if (this.state === 'open') await this.#reload();
        this.#endWhenDecided();
        continue;
      }
      arrival.answer = await this.#judge(arrival);
      this.log.push(`${arrival.via}: ${arrival.answer.reason}`);
      setCurrentDetails(approvalDetails(this.#input, this.log));
      this.#endWhenDecided();
    }
  }

  #endWhenDecided(): void {
    if (this.state === 'open' && this.#input.items.every((item) => this.#outcome(item.itemDigest) !== 'open'))
      this.end('decided');
  }

  async #judge(arrival: Claim): Promise<wire.DecisionAnswer> {
    if (this.state !== 'open') return { isCounted: false, reason: `closed: ${this.state}` };
    if (arrival.via === 'update') {
      const decision = await bookkeeping.loadDecision.executeWithOptions({ summary: 'read the signed decision' }, [
        { approvalId: this.#approvalId(), decisionId: arrival.decisionId },
      ]);
      return decision ? this.#count(decision) : { isCounted: false, reason: 'no signed decision of that id' };
    }
    const proved = await bookkeeping.recordDecision.executeWithOptions({ summary: 'check the code' }, [
      { approvalId: this.#approvalId(), claimId: arrival.claimId, payload: arrival.payload ?? null },
    ]);
    return proved.outcome === 'accepted' ? this.#count(proved.decision) : { isCounted: false, reason: proved.reason };
  }

  /** The count says only when to go on: what may be written is the issuer's own count over signed rows. */
  #count(decision: CountedDecision): wire.DecisionAnswer {
    if (this.#seen.has(decision.decisionId)) return { isCounted: false, reason: 'counted already' };
    this.#seen.add(decision.decisionId);
    for (const { itemDigest, verdict } of decision.verdicts) {
      const count = this.#counts.get(itemDigest) ?? new SeatCount();
      count.add({ ...decision, verdict });
      this.#counts.set(itemDigest, count);
      if (count.state(decision.seats ?? this.#seats) === 'approved') this.#approved.add(itemDigest);
    }
    return { isCounted: true, reason: `${decision.verdicts.length} decided by ${decision.approverId}` };
  }

  #outcome(itemDigest: string): 'open' | 'approved' | 'denied' {
    const now = this.#counts.get(itemDigest)?.state(this.#seats) ?? 'open';
    return now === 'open' && this.#approved.has(itemDigest) ? 'approved' : now;
  }

  #approvalId(): string {
    return wire.approvalWorkflowId(this.#input.personId, this.#input.n, this.#input.k);
  }

  end(state: 'decided' | 'expired' | 'cancelled'): void {
    this.state = state;
  }

  async #notify(
    what: 'opened' | 'reminder' | 'escalation' | 'decided' | 'expired' | 'cancelled',
    level = 0,
  ): Promise<{ isOpen: boolean }> {
    const { personId, n, k, proposalId, items } = this.#input;
    const itemDigests = items.map((item) => item.itemDigest);
    return bookkeeping.notifyApprover.executeWithOptions({ summary: `approvers: ${what}` }, [
      { personId, n, k, proposalId, itemDigests, what, ...(level > 0 ? { level } : {}) },
    ]);
  }

  /** Tells the server, and answers everybody who still waits for an answer. */
  async close(): Promise<void> {
    if (this.state !== 'open') await this.#notify(this.state);
    await this.#drain();
    await condition(allHandlersFinished);
    upsertSearchAttributes([
      { key: wire.searchAttributes.UsherState, value: this.state === 'cancelled' ? 'cancelled' : 'done' },
    ]);
  }

  result(): wire.ApprovalResult {
    const digests = this.#input.items.map((item) => item.itemDigest as string);
    return {
      approved: digests.filter((digest) => this.#outcome(digest) === 'approved'),
      denied: digests.filter((digest) => this.#outcome(digest) === 'denied'),
      expired: digests.filter((digest) => this.#outcome(digest) === 'open'),
      ...(this.#isStale ? { isStale: true } : {}),
    };
  }
}
