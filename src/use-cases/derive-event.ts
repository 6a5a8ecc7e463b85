/**
 * From a ledger row to cases: reads the person again from the HR system and, in one transaction, stores the snapshot,
 * derives what changed, and writes the next case or the news for an open one.
 */
import { sql } from 'kysely';
import { deriveLifecycle, type LifecycleState } from '../domain/derive-lifecycle.ts';
import { appendEvidence, type EvidenceInput } from '../evidence/log.ts';
import { withLogContext } from '../observe/log-context.ts';
import { inSpan } from '../observe/tracing.ts';
import type { PersonFacts, Snapshot } from '../schemas/facts.ts';
import type { LedgerTable } from '../store/tables.ts';
import { lockInTx, type Tx } from '../store/db.ts';
import { adoptImported } from '../store/import-people.ts';
import {
  createPerson,
  findPersonByKey,
  getPerson,
  insertSnapshot,
  latestSnapshot,
  type PersonRow,
} from '../store/people.ts';
import { uuidV7 } from '../store/uuid.ts';
import { accessWindow } from './access-window.ts';
import { applyLifecycle, baselineSpell } from './apply-lifecycle.ts';
import { closeHrisIncident, noteEventCarried, openHrisIncident } from './hris-incidents.ts';
import { lifecycleStateOf } from './lifecycle-state.ts';
import type { ServerDeps } from './server-deps.ts';
import type { Selectable } from 'kysely';

type LedgerRow = Selectable<LedgerTable>;

/** Someone who is met for the first time as a leaver still has accounts to close, unless it is long ago. */
const UNSEEN_LEAVER_MAX_AGE_MS = 30 * 86_400_000;

/**
 * Derives one event; an event that is derived already does nothing. The lock on the source key is held from before the
 * read to the commit: of two reads at once the later read is the later commit, so the newer facts win. Throws when the HR
 * system or the database fails: the row then stays `received`.
 */
export async function deriveEvent(deps: ServerDeps, eventId: string): Promise<void> {
  const row = await deps.db.selectFrom('ledger').selectAll().where('event_id', '=', eventId).executeTakeFirst();
  if (!row || row.state !== 'received') return;
  const attributes = { 'usher.event_id': eventId, 'usher.system': row.source };
  await inSpan('derive event', { attributes, parent: row.traceparent }, () => deriveRow(deps, row));
}

async function deriveRow(deps: ServerDeps, row: LedgerRow): Promise<void> {
  const { event_id: eventId } = row;
  const hris = (await deps.hris(row.origin === 'poll' ? 'normal' : 'urgent')).get(row.source);
  const version = await deps.policies.active();
  if (!hris || !version) throw new Error('no active policy names this HR system');
  await deps.db.transaction().execute(async (tx) => {
    await lockInTx(tx, 'sourceKey', `${row.source}/${row.source_key}`);
    const facts = await hris.getPerson(row.source_key, { operationKey: eventId });
    deps.crashPoint('afterReread');
    const records = row.attempts > 0 ? await noteEventCarried(deps, tx, row) : [];
    const verdict = facts
      ? await storeAndDerive(deps, tx, { row, facts, records })
      : await noteGone(deps, tx, { row, records });
    await tx
      .updateTable('ledger')
      .set({ state: facts ? 'derived' : 'gone', verdict, derived_at: deps.now(), body_sealed: null })
      .where('event_id', '=', eventId)
      .execute();
    await sql`select pg_notify('usher_delivery', '')`.execute(tx);
    await appendEvidence(tx, deps.vault, records, deps.now());
  });
  deps.crashPoint('afterTransaction');
}

interface Reading {
  row: LedgerRow;
  /** Evidence that the caller appends last: the log's lock is held until the commit. */
  records: EvidenceInput[];
}

/** Gone from the HR system is never a departure: somebody has to look. */
async function noteGone(deps: ServerDeps, tx: Tx, { row, records }: Reading): Promise<string> {
  const person = await findPersonByKey(tx, row.source, row.source_key);
  if (!person) return 'unknown';
  const { person_id: personId } = person;
  const about = { systemId: row.source, kind: 'personGone', itemKey: personId, personId } as const;
  records.push(...(await openHrisIncident(tx, { ...about, errorCode: 'notFound', now: deps.now() })));
  return 'personGone';
}

/** Found again: whoever looked into it has their answer. */
async function closePersonGone(deps: ServerDeps, tx: Tx, systemId: string, itemKey: string): Promise<EvidenceInput[]> {
  return closeHrisIncident(tx, { systemId, kind: 'personGone', itemKey, now: deps.now() });
}

async function storeAndDerive(
  deps: ServerDeps,
  tx: Tx,
  { row, facts, records }: Reading & { facts: PersonFacts },
): Promise<string> {
  const now = deps.now();
  const version = await deps.policies.active(tx);
  if (!version) throw new Error('no active policy');
  const linked = await findPersonByKey(tx, row.source, row.source_key);
  const importedId = linked ? null : await adoptImported(tx, row.source, row.source_key, now);
  const known = linked ?? (importedId === null ? null : await getPerson(tx, importedId));
  if (known && deps.vault.isErased(known.person_id)) return 'erased';
  if (known) records.push(...(await closePersonGone(deps, tx, row.source, known.person_id)));
  const person = known ?? (await createPerson(tx, row.source, row.source_key, now));
  const previous = known ? await latestSnapshot(tx, deps, person.person_id) : null;
  const next: Snapshot = {
    snapshotId: uuidV7(now) as Snapshot['snapshotId'],
    personId: person.person_id as Snapshot['personId'],
    source: row.source,
    observedAt: now.toISOString(),
    window: accessWindow(facts, version.policy.lifecycle, now),
    facts,
  };
  if (previous && isSameMatter(previous, next)) return 'unchanged';
  await insertSnapshot(tx, deps, next);
  const state = await lifecycleStateOf(tx, person, previous, now);
  // What the file said is no earlier word of the HR system: differences to it are no change, and no case.
  const context = importedId === null ? { state } : { state: { ...state, snapshot: next }, imported: previous };
  const outcome = await deriveActions(tx, { row, person, ...context, next, isNew: known === null, now });
  const { actions } = outcome;
  const applied = await applyLifecycle(deps, tx, { person, snapshot: next, previous, actions, event: row, records });
  const about = { operationKey: row.event_id, personId: person.person_id, caseId: applied.caseId };
  // What kind of case it is would tell of a departure that lies ahead.
  if (applied.caseId !== null)
    withLogContext({ caseId: applied.caseId }, () => deps.log.info({ source: row.source }, 'event belongs to a case'));
  const { snapshotId } = next;
  const snapshotBody = { snapshotId, source: row.source };
  const derivedBody = { snapshotId, policyHash: version.policyHash };
  records.push(
    { ...about, kind: 'snapshot', body: snapshotBody, values: { facts, window: next.window } },
    { ...about, kind: 'derived', body: derivedBody, values: outcome },
  );
  return outcome.verdict;
}

/** Facts and window equal, but for an end that is only "now" again. */
function isSameMatter(previous: Snapshot, next: Snapshot): boolean {
  const ended = (snapshot: Snapshot): boolean => snapshot.facts.isTerminated;
  if (previous.source !== next.source) return false;
  const windows = (snapshot: Snapshot): string =>
    JSON.stringify(ended(previous) && ended(next) ? { ...snapshot.window, until: 'ended' } : snapshot.window);
  return JSON.stringify(previous.facts) === JSON.stringify(next.facts) && windows(previous) === windows(next);
}

interface DeriveContext {
  row: LedgerRow;
  person: PersonRow;
  state: LifecycleState & { isManualDeparture: boolean };
  next: Snapshot;
  isNew: boolean;
  now: Date;
  /** The snapshot of the file, where this is the HR system's first word about somebody who was imported. */
  imported?: Snapshot | null;
}

/**
 * Whether the person belongs to those who were there before Usher: named by the first reading of the source, whichever
 * event of theirs is derived first, or met before that reading was made.
 */
async function isOfBaseline(tx: Tx, row: LedgerRow): Promise<boolean> {
  if (row.delivery_key === 'baseline') return true;
  const first = await tx
    .selectFrom('ledger')
    .select('event_id')
    .where('source', '=', row.source)
    .where('source_key', '=', row.source_key)
    .where('delivery_key', '=', 'baseline')
    .executeTakeFirst();
  if (first) return true;
  const watermark = await tx
    .selectFrom('watermark')
    .select('value')
    .where('source', '=', row.source)
    .executeTakeFirst();
  return watermark === undefined;
}

async function deriveActions(
  tx: Tx,
  { row, person, state, next, isNew, now, imported }: DeriveContext,
): Promise<{ actions: ReturnType<typeof deriveLifecycle>; verdict: string }> {
  const at = now.toISOString();
  const endsAtMs = next.window.until === null ? null : Date.parse(next.window.until);
  const isOver = next.facts.isTerminated || (endsAtMs !== null && endsAtMs <= now.getTime());
  if (state.isManualDeparture && !isOver) return { actions: [], verdict: 'manualLeaveStands' };
  const hasStarted = Date.parse(next.window.from) <= now.getTime();
  const isBaseline = isNew && hasStarted && (await isOfBaseline(tx, row));
  const wasThereBefore = isBaseline || (isNew && hasStarted && isOver);
  const isListedAsEnded = imported && state.spell?.state === 'ended' && state.departure === null;
  if (isListedAsEnded && !isOver && hasStarted && next.window.startsAt <= imported.observedAt) {
    // The file called them gone, the HR system does not: they were there before Usher all the same.
    await baselineSpell(tx, person, 'open');
    return { actions: [], verdict: 'baseline' };
  }
  if (!wasThereBefore) {
    const actions = deriveLifecycle(state, next, at);
    return { actions, verdict: actions.map((action) => action.kind).join('+') || 'unchanged' };
  }
  const spell = await baselineSpell(tx, person, isOver ? 'ended' : 'open');
  const isLongOver = endsAtMs !== null && endsAtMs < now.getTime() - UNSEEN_LEAVER_MAX_AGE_MS;
  if (isOver && (isBaseline || isLongOver)) return { actions: [], verdict: 'baselineEnded' };
  const actions = deriveLifecycle({ ...state, spell: { spellN: spell, state: 'open' } }, next, at);
  return {
    actions,
    verdict: `baseline${actions.length > 0 ? '+' : ''}${actions.map((action) => action.kind).join('+')}`,
  };
}
