/** Writes what the derivation decided: cases, cut-offs, fences, news. All of it inside the transaction of the snapshot. */
import type { LifecycleAction } from '../domain/derive-lifecycle.ts';
import type { EvidenceInput } from '../evidence/log.ts';
import type { CaseKind } from '../schemas/case.ts';
import type { DepartureAuthorisation } from '../schemas/authorisation.ts';
import type { Snapshot } from '../schemas/facts.ts';
import { enqueueNews, insertCase, nextN } from '../store/cases.ts';
import type { Tx } from '../store/db.ts';
import { resolvePersonRefs, type PersonRow } from '../store/people.ts';
import type { CutoffTable } from '../store/tables.ts';
import type { ServerDeps } from './server-deps.ts';

export interface ApplyInput {
  person: PersonRow;
  snapshot: Snapshot;
  /** The facts before; null for somebody who was never seen. */
  previous: Snapshot | null;
  actions: readonly LifecycleAction[];
  event: { event_id: string; received_at: Date };
  /** Evidence that the caller appends last: the log's lock is held until the commit. */
  records: EvidenceInput[];
}

/** Takes the person into the store as somebody who was there before Usher: a spell without a case. Answers its number. */
export async function baselineSpell(tx: Tx, person: PersonRow, state: 'open' | 'ended'): Promise<number> {
  const n = await nextN(tx, person.person_id);
  await setSpell(tx, person.person_id, { spell_n: n, spell_state: state, fence: n });
  person.spell_n = n;
  return n;
}

/** Applies the actions in their order. Answers the case that carries the matter from now on, for the evidence. */
export async function applyLifecycle(deps: ServerDeps, tx: Tx, input: ApplyInput): Promise<{ caseId: string | null }> {
  let caseN: number | null = null;
  for (const action of input.actions) caseN = await applyOne(deps, tx, input, action);
  return { caseId: caseN === null ? null : `case_${input.person.person_id}_${caseN}` };
}

async function applyOne(deps: ServerDeps, tx: Tx, input: ApplyInput, action: LifecycleAction): Promise<number> {
  const personId = input.person.person_id;
  const now = deps.now();
  switch (action.kind) {
    case 'openJoiner':
      return openAccess(deps, tx, input, 'joiner', action.effectiveAt);
    case 'openRehire':
      return openAccess(deps, tx, input, 'rehire', action.effectiveAt);
    case 'openRestore':
      return openAccess(deps, tx, input, 'rescind', action.effectiveAt);
    case 'openLeaver':
      return openLeaver(deps, tx, input, { effectiveAt: action.effectiveAt, reason: null, passesCap: false });
    case 'openMover':
      return openMover(deps, tx, input, action.effectiveAt);
    case 'tellFactsChanged': {
      const effectiveAt = new Date(input.snapshot.window.from);
      await tx
        .updateTable('usher_case')
        .set({ effective_at: effectiveAt })
        .where('person_id', '=', personId)
        .where('n', '=', action.caseN)
        .execute();
      await enqueueNews(tx, personId, action.caseN, { kind: 'factsChanged' }, now);
      return action.caseN;
    }
    case 'rescindJoiner':
      await setSpell(tx, personId, { spell_state: 'ended', fence: await nextN(tx, personId) });
      await enqueueNews(tx, personId, action.caseN, { kind: 'rescinded' }, now);
      return action.caseN;
    case 'rescindLeaver':
      await tx
        .updateTable('cutoff')
        .set({ state: 'rescinded' })
        .where('person_id', '=', personId)
        .where('n', '=', action.caseN)
        .execute();
      await setSpell(tx, personId, { fence: await nextN(tx, personId) });
      await enqueueNews(tx, personId, action.caseN, { kind: 'rescinded' }, now);
      return action.caseN;
    case 'moveLeaver':
      await moveLeaver(deps, tx, personId, action.caseN, action.effectiveAt);
      await enqueueNews(tx, personId, action.caseN, { kind: 'factsChanged' }, now);
      return action.caseN;
    default:
      return action satisfies never;
  }
}

async function setSpell(
  tx: Tx,
  personId: string,
  values: { spell_n?: number; spell_state?: 'pending' | 'open' | 'ended'; fence?: number },
): Promise<void> {
  await tx.updateTable('person').set(values).where('person_id', '=', personId).execute();
}

async function openAccess(
  deps: ServerDeps,
  tx: Tx,
  input: ApplyInput,
  kind: CaseKind & ('joiner' | 'rehire' | 'rescind'),
  effectiveAt: string,
): Promise<number> {
  const personId = input.person.person_id;
  const n = await nextN(tx, personId);
  const spellN = kind === 'rescind' && input.person.spell_n !== null ? input.person.spell_n : n;
  const isPending = Date.parse(effectiveAt) > deps.now().getTime();
  await setSpell(tx, personId, { spell_n: spellN, spell_state: isPending ? 'pending' : 'open', fence: n });
  input.person.spell_n = spellN;
  await openCase(deps, tx, input, { n, kind, effectiveAt, spellN });
  return n;
}

/** Access as such does not change: the fence stays. */
async function openMover(deps: ServerDeps, tx: Tx, input: ApplyInput, effectiveAt: string): Promise<number> {
  const personId = input.person.person_id;
  const n = await nextN(tx, personId);
  const version = await deps.policies.active(tx);
  const handOverSeconds = version?.policy.lifecycle.movers.handOver ?? 0;
  const managerKey = input.previous?.facts.managerKey ?? null;
  const managerRef = managerKey === null ? null : `${input.snapshot.source}/${managerKey}`;
  const people = await resolvePersonRefs(tx, managerRef === null ? [] : [managerRef]);
  const handOver = {
    handover_until: handOverSeconds === 0 ? null : new Date(Date.parse(effectiveAt) + handOverSeconds * 1_000),
    previous_manager_id: managerRef === null ? null : (people.get(managerRef) ?? null),
  };
  await openCase(deps, tx, input, { n, kind: 'mover', effectiveAt, spellN: input.person.spell_n ?? n, handOver });
  return n;
}

interface HandOver {
  handover_until: Date | null;
  previous_manager_id: string | null;
}

async function openCase(
  deps: ServerDeps,
  tx: Tx,
  input: ApplyInput,
  opened: { n: number; kind: CaseKind; effectiveAt: string; spellN: number; handOver?: HandOver },
): Promise<void> {
  const personId = input.person.person_id;
  const caseId = `case_${personId}_${opened.n}`;
  const version = await deps.policies.active(tx);
  await insertCase(tx, {
    person_id: personId,
    n: opened.n,
    case_id: caseId,
    kind: opened.kind,
    effective_at: new Date(opened.effectiveAt),
    spell_n: opened.spellN,
    event_id: input.event.event_id,
    route: null,
    opened_at: deps.now(),
    accepted_at: input.event.received_at,
    policy_hash: version?.policyHash ?? null,
    ...(opened.handOver ?? { handover_until: null, previous_manager_id: null }),
  });
  // Kind and date are values, not body: a future departure must not be told by the public part of the log.
  input.records.push({
    operationKey: caseId,
    kind: 'caseOpened',
    personId,
    caseId,
    body: { n: opened.n },
    values: { kind: opened.kind, effectiveAt: opened.effectiveAt },
  });
}

/**
 * Opens a leaver: the case, and the cut-off with its departure signed now, so that nothing has to be asked for at the
 * moment when it takes effect. `reason` is given where a person, not the HR system, ends the access.
 */
export async function openLeaver(
  deps: ServerDeps,
  tx: Tx,
  input: ApplyInput,
  leave: { effectiveAt: string; reason: string | null; passesCap: boolean },
): Promise<number> {
  const personId = input.person.person_id;
  const n = await nextN(tx, personId);
  const spellN = input.person.spell_n ?? n;
  await setSpell(tx, personId, { fence: n, ...(input.person.spell_n === null ? { spell_n: n } : {}) });
  input.person.spell_n = spellN;
  await openCase(deps, tx, input, { n, kind: 'leaver', effectiveAt: leave.effectiveAt, spellN });
  const signed = await signDeparture(deps, tx, personId, n, leave.effectiveAt);
  await tx
    .insertInto('cutoff')
    .values({
      person_id: personId,
      n,
      effective_at: new Date(leave.effectiveAt),
      state: 'scheduled',
      passes_cap: leave.passesCap,
      reason: leave.reason,
      ...signed,
      received_at: input.event.received_at,
      released_by: null,
    })
    .execute();
  return n;
}

type SignedColumns = { departure: string; key_id: string; signature: string };

async function signDeparture(
  deps: ServerDeps,
  tx: Tx,
  personId: string,
  n: number,
  effectiveAt: string,
): Promise<SignedColumns> {
  const version = await deps.policies.active(tx);
  const departure: DepartureAuthorisation = {
    version: 1,
    kind: 'departure',
    personId: personId as DepartureAuthorisation['personId'],
    caseN: n,
    fence: n,
    effectiveAt,
    systemIds: (version?.policy.systems ?? []).filter((system) => system.authenticates).map((system) => system.id),
    issuedAt: deps.now().toISOString(),
  };
  const { keyId, signature } = deps.signer.sign('departure', departure);
  return { departure: JSON.stringify(departure), key_id: keyId, signature };
}

async function moveLeaver(deps: ServerDeps, tx: Tx, personId: string, n: number, effectiveAt: string): Promise<void> {
  const signed = await signDeparture(deps, tx, personId, n, effectiveAt);
  const isFuture = Date.parse(effectiveAt) > deps.now().getTime();
  const where = { effective_at: new Date(effectiveAt), ...signed };
  // A held departure that moves into the future is due again at its new date; one that only moved within the past stays held.
  const state: Partial<Pick<CutoffTable, 'state'>> = isFuture ? { state: 'scheduled' } : {};
  await tx
    .updateTable('cutoff')
    .set({ ...where, ...state })
    .where('person_id', '=', personId)
    .where('n', '=', n)
    .execute();
  await tx
    .updateTable('usher_case')
    .set({ effective_at: new Date(effectiveAt) })
    .where('person_id', '=', personId)
    .where('n', '=', n)
    .execute();
}
