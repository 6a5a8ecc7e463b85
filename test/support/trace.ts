/**
 * What is left of one person's matter when it is over: in the systems, in the store, in the evidence. Without ids and
 * times, so that a person whom a crash hit can be compared with one whom nothing disturbed.
 */
import type { CompanyProcesses } from './company-processes.ts';
import { holdingAt } from './company-view.ts';

export interface Trace {
  systems: { system: string; accounts: number; groupIds: string[]; canLogIn: boolean; sessions: number }[];
  cases: string[];
  grants: string[];
  operations: string[];
  approvals: string[];
  decisions: number;
  incidents: number;
  cutoffs: string[];
  /** Kinds of records that say what was done; how often facts were read is not among them. */
  evidence: string[];
  /** Acknowledged and not derived, or derived and not delivered. */
  leftBehind: number;
}

const systems = ['okta', 'crm', 'wiki', 'warehouse'] as const;
const toldTwice: ReadonlySet<string> = new Set(['snapshot', 'derived']);

export async function traceOf(of: CompanyProcesses, personId: string, sourceKey: string): Promise<Trace> {
  const { ownerDb: db } = of;
  const cases = await db.selectFrom('usher_case').selectAll().where('person_id', '=', personId).orderBy('n').execute();
  const grants = await db.selectFrom('person_grant').selectAll().where('person_id', '=', personId).execute();
  const operations = await db.selectFrom('operation').selectAll().where('person_id', '=', personId).execute();
  const approvals = await db.selectFrom('approval').select('state').where('person_id', '=', personId).execute();
  const decisions = await db.selectFrom('decision').select('decision_id').where('person_id', '=', personId).execute();
  const incidents = await db.selectFrom('incident_item').select('item_key').where('person_id', '=', personId).execute();
  const cutoffs = await db.selectFrom('cutoff').select(['n', 'state']).where('person_id', '=', personId).execute();
  // The archive takes a closed case up at some later moment, which belongs to no story.
  const evidence = await db
    .selectFrom('evidence')
    .select('kind')
    .where('person_id', '=', personId)
    .where('kind', '!=', 'archived')
    .execute();
  return {
    systems: systems.map((system) => {
      const { accountIds, ...holding } = holdingAt(of, system, [personId, sourceKey]);
      return { system, accounts: accountIds.length, ...holding };
    }),
    cases: cases.map(({ n, kind, state }) => `${n} ${kind} ${state}`),
    grants: grants.map((row) => `${row.system_id} ${row.vendor_entitlement_id} ${row.basis} ${row.state}`).toSorted(),
    // Without the number of the group: systems are found side by side, and the first found is the first numbered.
    operations: operations.map((row) => `${row.n}, round ${row.round}: ${row.system_id} ${row.state}`).toSorted(),
    approvals: approvals.map(({ state }) => state),
    decisions: decisions.length,
    incidents: incidents.length,
    cutoffs: cutoffs.map(({ n, state }) => `${n} ${state}`),
    evidence: evidence
      .map(({ kind }) => kind)
      .filter((kind) => !toldTwice.has(kind))
      .toSorted(),
    leftBehind: await countLeftBehind(of, personId, sourceKey),
  };
}

async function countLeftBehind({ ownerDb: db }: CompanyProcesses, personId: string, key: string): Promise<number> {
  const received = await db
    .selectFrom('ledger')
    .select('event_id')
    .where('source_key', '=', key)
    .where('state', '=', 'received')
    .execute();
  const undelivered = await db
    .selectFrom('delivery')
    .select('delivery_id')
    .where('person_id', '=', personId)
    .where('delivered_at', 'is', null)
    .execute();
  return received.length + undelivered.length;
}
