/** What the parts of a case share: its news, its counter of route groups, what was verified and what failed. */
import { condition, setCurrentDetails, setHandler, sleep, upsertSearchAttributes, uuid4 } from '@temporalio/workflow';
import type { PlanCaseInput, PlanCaseResult } from '../activities/plan-case.ts';
import type { CaseNews, CaseState } from '../schemas/case.ts';
import { bookkeeping } from './options.ts';
import { SignalBudget, SIGNALS_RECORDED_MAX } from './signal-budget.ts';
import * as wire from './wire.ts';

/** In a flood of signals the case looks at its rows once in so long. */
const FLOOD_PAUSE_MS = 60_000;
const STALE_PAUSE_MS = 2_000;
const STALE_PAUSE_MAX_MS = 3_600_000;

/** A plan that is to be carried out now. */
export type DuePlan = Exclude<PlanCaseResult, { phase: 'wait' | 'superseded' | 'rescinded' }>;

export class CaseDesk {
  readonly personId: string;
  readonly n: number;
  readonly log: string[] = [];
  readonly verified = new Set<string>();
  state: CaseState = 'waiting';
  isRescinded = false;
  /** Facts changed since the last plan. */
  hasNewFacts = false;
  /** Systems whose failed items somebody wants tried again. */
  readonly retrySystemIds = new Set<string>();
  /** Of the latest plan: a case may end only on the latest facts. */
  snapshotId: string | null = null;
  /** Systems at which a look, or the removals that it led to, did not come to its end: the next one begins there. */
  readonly unsettledSystemIds = new Set<string>();
  #k: number;
  readonly #budget = new SignalBudget();
  #lookedAtMs = 0;
  #stalePlans = 0;

  constructor(input: wire.CaseInput) {
    this.personId = input.personId;
    this.n = input.n;
    this.#k = input.afterK ?? 0;
  }

  /** Handlers are set before anything is awaited, and only lay news on the desk. */
  listen(): void {
    setHandler(wire.tell, (news) => this.#hear(news), {
      description: 'News: {"kind":"factsChanged"}, {"kind":"rescinded"} or {"kind":"retryItem","systemId":"…"}',
    });
    setHandler(wire.status, () => ({ state: this.state, log: this.log }), { description: 'State and log of the case' });
  }

  async #hear(news: CaseNews): Promise<void> {
    const verdict = this.#budget.take(false);
    this.#lay(news, verdict !== 'record');
    if (verdict !== 'ignoreAndTell') return;
    this.note('too many signals: no more of them are recorded, and news is read once a minute');
    const { personId, n } = this;
    await bookkeeping.noteFlood.executeWithOptions({ summary: 'too many signals' }, [
      { personId, n, signalCount: SIGNALS_RECORDED_MAX },
    ]);
  }

  /** In a flood news still counts, since it only says "look again", but nothing else is kept and each look waits its minute. */
  #lay(news: CaseNews, isFlooded: boolean): void {
    const { kind, systemId }: { kind?: unknown; systemId?: unknown } =
      typeof news === 'object' && news !== null ? news : {};
    // A signal stays in the history whatever it holds; it must not fail the task for ever.
    switch (kind) {
      case 'factsChanged':
        this.hasNewFacts = true;
        break;
      case 'rescinded':
        this.isRescinded = true;
        break;
      case 'retryItem':
        if (typeof systemId !== 'string') this.#logMalformed(isFlooded);
        else if (!isFlooded || this.#isNextLookDue()) this.retrySystemIds.add(systemId);
        break;
      default:
        this.#logMalformed(isFlooded);
    }
  }

  #logMalformed(isFlooded: boolean): void {
    if (!isFlooded) this.log.push('a malformed signal was ignored');
  }

  #isNextLookDue(): boolean {
    if (Date.now() - this.#lookedAtMs < FLOOD_PAUSE_MS) return false;
    this.#lookedAtMs = Date.now();
    return true;
  }

  /** Counts the route groups in the order of their opening: it is part of workflow ids. */
  nextK(): number {
    this.#k += 1;
    return this.#k;
  }

  /** Something that the plan under way does not know. */
  get hasNews(): boolean {
    return this.hasNewFacts || this.isRescinded;
  }

  /** Systems whose failed items somebody wants tried again; asking is over with it. */
  takeRetries(): string[] {
    const systemIds = [...this.retrySystemIds];
    this.retrySystemIds.clear();
    return systemIds;
  }

  enter(state: CaseState, extra: Parameters<typeof upsertSearchAttributes>[0] = []): void {
    this.state = state;
    upsertSearchAttributes([{ key: wire.searchAttributes.UsherState, value: state }, ...(extra as [])]);
  }

  note(line: string): void {
    this.log.push(line);
    setCurrentDetails(this.log.map((entry) => `- ${entry}`).join('\n'));
  }

  async plan(accounts: PlanCaseInput['accounts'] = null): Promise<PlanCaseResult> {
    // A look at one account answers no news.
    if (accounts === null) this.hasNewFacts = false;
    const at = new Date(Date.now()).toISOString();
    const { personId, n } = this;
    const plan = await bookkeeping.planCase.executeWithOptions({ summary: 'plan on the latest facts' }, [
      { personId, n, at, proposalId: uuid4(), accounts },
    ]);
    if (plan.phase === 'items' && accounts === null) this.snapshotId = plan.snapshotId;
    return plan;
  }

  /** Before a plan is made again that was out of date when it was carried out: at first a moment, then ever longer. */
  async pauseBeforePlan(): Promise<void> {
    const pauseMs = Math.min(STALE_PAUSE_MAX_MS, STALE_PAUSE_MS * 2 ** this.#stalePlans);
    this.#stalePlans += 1;
    await sleep(pauseMs, { summary: 'plan again' });
  }

  /** Waits until the plan can be made, through moved dates and rescissions. Null: there is nothing to do any more. */
  async planWhenDue(): Promise<DuePlan | null> {
    for (;;) {
      if (this.isRescinded) return this.#stop('cancelled', 'rescinded');
      const plan = await this.plan();
      switch (plan.phase) {
        case 'superseded':
          return this.isRescinded
            ? this.#stop('cancelled', 'rescinded')
            : this.#stop('superseded', 'superseded by a newer event');
        case 'rescinded':
          this.isRescinded = true;
          return this.#stop('cancelled', 'rescinded');
        case 'leave':
        case 'items':
          return plan;
        case 'wait':
          await this.#waitForNews(plan.until);
          break;
        default:
          return plan satisfies never;
      }
    }
  }

  async #waitForNews(until: string | null): Promise<void> {
    if (this.#budget.isFlooded)
      await condition(() => this.isRescinded, FLOOD_PAUSE_MS, { summary: 'signals come in a flood' });
    if (until === null) return condition(() => this.hasNews);
    await condition(() => this.hasNews, Math.max(1, Date.parse(until) - Date.now()), { summary: 'until it is time' });
  }

  #stop(state: CaseState, line: string): null {
    this.note(line);
    this.state = state;
    return null;
  }
}
