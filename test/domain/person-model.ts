/**
 * One person of the model test: HR's record with changes that wait for their day, what Usher read of it, the cases that
 * work, the systems, the decisions. The rules are the real ones (`deriveLifecycle`, the plan of a case, `justified`); only
 * rows and systems are replaced by maps, which keep what the rows keep.
 */
import type { LifecycleSnapshot } from '../../src/domain/derive-lifecycle.ts';
import type { Decision, Verdict } from '../../src/schemas/decision.ts';
import type { Item } from '../../src/schemas/item.ts';
import { itemsOfCase, type PlanContext, type PlanRequest } from '../../src/store/case-plan.ts';
import { grantableIds, grantsOf, justifiedNow, mayAccess, planAccess } from '../../src/store/person-context.ts';
import { birthrightsOf } from '../../src/domain/birthrights.ts';
import { ApprovalId, SnapshotId } from '../../src/schemas/ids.ts';
import { LifecycleModel } from './lifecycle-model.ts';
import { modelPolicy, type ModelTitle } from './person-model-rules.ts';
import { beneficiary, decision, facts, manager, people, window } from './support.ts';

export const dayMs = 86_400_000;
const leadMs = 8 * 3_600_000;
const systemIds = ['idp', 'app'] as const;
export type ModelSystem = (typeof systemIds)[number];

/** What HR has on file. Changes of the title wait for their day, in whatever order they were entered. */
interface HrRecord {
  startMs: number;
  endMs: number | null;
  isTerminated: boolean;
  titles: { fromMs: number; title: ModelTitle }[];
}

type GrantRow = Parameters<typeof grantsOf>[0][number] & { itemDigest: string };

/** A question that is open: what a person may answer. */
interface Question {
  approvalN: number;
  item: Item;
}

export class PersonModel {
  readonly lifecycle: LifecycleModel;
  readonly hr: HrRecord;
  /** Vendor ids by system: what the person really holds. */
  readonly held = new Map<ModelSystem, Set<string>>(systemIds.map((id) => [id, new Set<string>()]));
  readonly canLogIn = new Set<ModelSystem>();
  readonly down = new Set<ModelSystem>();
  /** With the spell in which each was made. */
  readonly decisions: { spellN: number; decision: Decision }[] = [];
  questions: Question[] = [];
  #nowMs: number;
  #approvals = 0;
  /** A departure took effect and its case has not stripped everything yet; a new hire that is announced does not end it. */
  #isLeaving = false;
  readonly #rows = new Map<string, GrantRow>();
  readonly #given: { id: string; spellN: number; atMs: number }[] = [];
  readonly #read: LifecycleSnapshot[] = [];

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
    this.lifecycle = new LifecycleModel(nowMs);
    this.hr = {
      startMs: nowMs + 5 * dayMs,
      endMs: null,
      isTerminated: false,
      titles: [{ fromMs: 0, title: 'Builder' }],
    };
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  get at(): string {
    return new Date(this.#nowMs).toISOString();
  }

  /** The title that counts on that day: the latest effective date wins, not the latest entry. */
  titleAt(ms: number): ModelTitle {
    const due = this.hr.titles.filter(({ fromMs }) => fromMs <= ms);
    return due.toSorted((a, b) => a.fromMs - b.fromMs).at(-1)?.title ?? 'Builder';
  }

  /** The record as HR shows it now. */
  snapshot(): LifecycleSnapshot {
    const { startMs, endMs, isTerminated } = this.hr;
    return {
      window: window({
        startsAt: new Date(startMs).toISOString(),
        from: new Date(startMs - leadMs).toISOString(),
        until: endMs === null ? null : new Date(endMs).toISOString(),
      }),
      facts: facts({ title: this.titleAt(this.#nowMs), isTerminated }),
    };
  }

  /** Some event reached Usher: it reads the record as it is now, whatever the event said. */
  read(): number {
    const snapshot = this.snapshot();
    const actions = this.lifecycle.read(snapshot);
    this.#read.push(snapshot);
    this.#noteDeparture(actions.some(({ kind }) => kind === 'openRestore'));
    return actions.length;
  }

  advance(days: number): void {
    this.#nowMs += days * dayMs;
    this.lifecycle.advance(days * dayMs);
    this.#noteDeparture(false);
  }

  /** Everything that cases and expiry can do now is done; what a system that is down holds stays as it is. */
  work(): void {
    const context = this.context();
    if (context === null) return;
    if (!mayAccess(context, this.at)) {
      this.questions = [];
      if (this.#isLeaving) this.#leave(context);
      return;
    }
    if (this.lifecycle.state.joiner?.isEffective === true) this.#carryOut(context);
    this.#takeBack();
  }

  /** Somebody answers the oldest open question. */
  decide(verdict: Verdict): void {
    const question = this.questions.shift();
    const spellN = this.lifecycle.state.spell?.spellN;
    if (question === undefined || spellN === undefined) return;
    const { item, approvalN } = question;
    const made = decision(manager, [item.itemDigest], verdict, this.at);
    const approvalId = ApprovalId.parse(`approval_${beneficiary}_1_${approvalN}`);
    this.decisions.push({ spellN, decision: { ...made, approvalId } });
  }

  /** What the rules are told; null before the first spell. */
  context(): PlanContext | null {
    const { spell, departure, snapshot } = this.lifecycle.state;
    if (spell === null || snapshot === null) return null;
    const { spellN } = spell;
    const rows = [...this.#rows.values()];
    return {
      person: { person_id: beneficiary },
      spellN,
      snapshot: {
        ...snapshot,
        snapshotId: SnapshotId.parse(beneficiary),
        personId: beneficiary,
        source: 'hr',
        observedAt: this.at,
      },
      policyHash: '0'.repeat(64),
      index: modelPolicy,
      people,
      managerLine: [],
      decisions: this.decisions.filter((made) => made.spellN === spellN).map((made) => made.decision),
      ...grantsOf(
        rows.map((row) => ({ ...row, state: this.#holds(row) ? 'held' : 'revoked' })),
        spellN,
        new Set(),
      ),
      managerSince: null,
      nextManagerRef: null,
      departsAt: departure?.effectiveAt ?? null,
    };
  }

  /** Catalogue ids of all that the systems hold. */
  heldIds(): string[] {
    return [...this.held].flatMap(([systemId, vendorIds]) => [...vendorIds].map((id) => idOf(systemId, id))).toSorted();
  }

  /** Catalogue ids that `justified` names now. */
  justifiedIds(): string[] {
    const context = this.context();
    if (context === null) return [];
    const entries = justifiedNow(context, planAccess(context, this.at), this.at);
    return [...new Set(entries.flatMap(({ entitlementId }) => entitlementId ?? []))].toSorted();
  }

  /** All moments of the spell of now at which it was given, in milliseconds. */
  givenMs(entitlementId: string): number[] {
    const spellN = this.lifecycle.state.spell?.spellN;
    return this.#given.filter((one) => one.id === entitlementId && one.spellN === spellN).map(({ atMs }) => atMs);
  }

  #noteDeparture(isTakenBack: boolean): void {
    if (this.lifecycle.state.spell?.state === 'ended') {
      this.questions = [];
      this.#isLeaving = true;
    }
    if (isTakenBack) this.#isLeaving = false;
  }

  #holds({
    system_id: systemId,
    vendor_entitlement_id: vendorId,
  }: Pick<GrantRow, 'system_id' | 'vendor_entitlement_id'>): boolean {
    return this.held.get(systemId as ModelSystem)?.has(vendorId) === true;
  }

  #carryOut(context: PlanContext): void {
    const { items, approvedDigests } = itemsOfCase(context, this.#request('joiner', []));
    const approved = new Set<string>(approvedDigests);
    const grantable = grantableIds(justifiedNow(context, planAccess(context, this.at), this.at));
    const ready = items.filter((item) => item.route.kind === 'policy' || approved.has(item.itemDigest));
    // The issuer signs nothing that is not justified.
    for (const item of ready.filter(({ entitlementId }) => grantable.has(entitlementId))) this.#grant(item);
    this.#ask(items.filter((item) => !ready.includes(item)));
    const isAllGiven = ready.every(
      ({ entitlementId: id, systemId, vendorEntitlementId }) =>
        !grantable.has(id) || this.#holds({ system_id: systemId, vendor_entitlement_id: vendorEntitlementId ?? '' }),
    );
    if (this.questions.length === 0 && isAllGiven) this.lifecycle.finishJoiner();
  }

  /** Questions that nobody needs answered any more are withdrawn; the same question stays the same. */
  #ask(items: readonly Item[]): void {
    this.questions = items.map((item) => {
      const known = this.questions.find((question) => question.item.itemDigest === item.itemDigest);
      return known ?? { approvalN: (this.#approvals += 1), item };
    });
  }

  #grant(item: Item): void {
    const { systemId, vendorEntitlementId, entitlementId } = item;
    const systemHolds = this.held.get(systemId as ModelSystem);
    if (systemHolds === undefined || vendorEntitlementId === null || entitlementId === null) return;
    if (this.down.has(systemId as ModelSystem)) return;
    this.canLogIn.add(systemId as ModelSystem);
    const wasHeld = systemHolds.has(vendorEntitlementId);
    systemHolds.add(vendorEntitlementId);
    this.#remember(item, entitlementId, vendorEntitlementId, wasHeld);
  }

  /** As the row does: within a spell the first grant counts, and each later one that is not the same read again. */
  #remember({ systemId, route, itemDigest }: Item, entitlementId: string, vendorId: string, wasHeld: boolean): void {
    const spellN = this.lifecycle.state.spell?.spellN ?? 0;
    const known = this.#rows.get(entitlementId);
    const now = new Date(this.#nowMs);
    const isSameSpell = known?.spell_n === spellN;
    const again = isSameSpell && (!wasHeld || known.itemDigest !== itemDigest) ? [now] : [];
    if (!isSameSpell || again.length > 0) this.#given.push({ id: entitlementId, spellN, atMs: this.#nowMs });
    this.#rows.set(entitlementId, {
      system_id: systemId,
      vendor_entitlement_id: vendorId,
      entitlement_id: entitlementId,
      basis: route.kind === 'policy' ? 'policy' : 'decision',
      spell_n: spellN,
      state: 'held',
      verified_at: now,
      since: isSameSpell ? known.since : now,
      given_again: isSameSpell ? [...known.given_again, ...again] : [],
      itemDigest,
    });
  }

  /** What nothing justifies any more goes, as far as it is Usher's to take. */
  #takeBack(): void {
    const context = this.context();
    if (context === null) return;
    const byRole = this.#read.flatMap((read) => birthrightsOf(read.facts, modelPolicy).birthrights);
    const ids = [...context.grants.map(({ entitlementId }) => entitlementId), ...byRole.map((b) => b.entitlement.id)];
    const { items } = itemsOfCase(context, this.#request('mover', ids));
    for (const item of items) this.#take(item);
  }

  #leave(context: PlanContext): void {
    const { items } = itemsOfCase(context, this.#request('leaver', []));
    for (const item of items) this.#take(item);
    if (this.heldIds().length === 0 && this.canLogIn.size === 0) this.#isLeaving = false;
  }

  #take({ action, systemId, vendorEntitlementId }: Item): void {
    if (this.down.has(systemId as ModelSystem)) return;
    if (action === 'disable') this.canLogIn.delete(systemId as ModelSystem);
    else if (action === 'revoke') this.held.get(systemId as ModelSystem)?.delete(vendorEntitlementId ?? '');
    else throw new Error(`a plan that takes back says ${action}`);
  }

  #request(kind: PlanRequest['kind'], takeableIds: readonly string[]): PlanRequest {
    const accounts = [...this.held].map(([systemId, vendorIds]) => ({
      systemId,
      accountId: `account-${systemId}`,
      vendorEntitlementIds: [...vendorIds],
      canLogIn: this.canLogIn.has(systemId),
    }));
    return {
      kind,
      at: this.at,
      accounts: kind === 'joiner' ? null : accounts,
      takeableIds: [...new Set(takeableIds)].toSorted(),
      isHandingOver: false,
    };
  }
}

function idOf(systemId: string, vendorId: string): string {
  return modelPolicy.entitlementByVendorKey.get(`${systemId} ${vendorId}`)?.id ?? `${systemId}/unknown`;
}
