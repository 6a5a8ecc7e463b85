/**
 * Where the last look of a leaver is missing. A workflow in which somebody completed `findAccounts` by hand believes that
 * nothing was found; the evidence of the looks is written by the activity that really looked.
 */
import type { CaseRow } from '../store/cases.ts';
import { sha256Hex } from '../store/sha256.ts';
import type { WorkerDeps } from './worker-deps.ts';

/** Names all looks of one case at one system. */
export function lookKeyOf({ personId, n, systemId }: { personId: string; n: number; systemId: string }): string {
  return sha256Hex(`find|${personId}|${n}|${systemId}`);
}

/**
 * Target systems that were not looked at after the case reported its last wait. Only what the policy of the opening and
 * the one of today both name is asked for: a system that came in between was not part of the plan.
 */
export async function systemsNotSeenLast(deps: WorkerDeps, usherCase: CaseRow): Promise<string[]> {
  const { person_id: personId, n, policy_hash: policyHash } = usherCase;
  const opened = policyHash === null ? null : await deps.policies.byHash(policyHash);
  const active = await deps.policies.active();
  const targets = await deps.pool.systemsOf('target');
  const planned = new Set(opened?.policy.systems.map(({ id }) => id));
  const systemIds = targets.map(({ id }) => id).filter((id) => planned.has(id));
  const waitedAt = await lastWait(deps, personId, n);
  if (waitedAt === null && (active?.policy.lifecycle.leavers.sweepsAfter.length ?? 0) > 0) return systemIds;
  const seen = await lastSeen(deps, { personId, n, systemIds });
  return systemIds.filter((id) => {
    const at = seen.get(id);
    return at === undefined || (waitedAt !== null && at < waitedAt);
  });
}

async function lastWait(deps: WorkerDeps, personId: string, n: number): Promise<Date | null> {
  const row = await deps.db
    .selectFrom('story')
    .select('at')
    .where('person_id', '=', personId)
    .where('n', '=', n)
    .where('kind', '=', 'caseWaiting')
    .orderBy('at', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.at ?? null;
}

async function lastSeen(
  deps: WorkerDeps,
  { personId, n, systemIds }: { personId: string; n: number; systemIds: readonly string[] },
): Promise<Map<string, Date>> {
  if (systemIds.length === 0) return new Map();
  const idByKey = new Map(systemIds.map((systemId) => [lookKeyOf({ personId, n, systemId }), systemId]));
  const rows = await deps.db
    .selectFrom('evidence')
    .select(({ fn }) => ['operation_key', fn.max('at').as('at')])
    .where('operation_key', 'in', [...idByKey.keys()])
    .where('kind', '=', 'found')
    .groupBy('operation_key')
    .execute();
  return new Map(
    rows.flatMap(({ operation_key, at }) => {
      const id = idByKey.get(operation_key);
      return id === undefined ? [] : [[id, at] as const];
    }),
  );
}
