/** Short readings of the store for tests, as the database's owner. */
import { eventually, type World } from './world.ts';

export async function caseState(world: World, personId: string, n: number): Promise<string | null> {
  const row = await world.ownerDb
    .selectFrom('usher_case')
    .select('state')
    .where('person_id', '=', personId)
    .where('n', '=', n)
    .executeTakeFirst();
  return row?.state ?? null;
}

export async function untilCase(
  world: World,
  personId: string,
  n: number,
  state: string,
  limitMs = 30_000,
): Promise<void> {
  await eventually(
    async () => {
      const now = await caseState(world, personId, n);
      if (now !== state) throw new Error(`case ${n} is ${now}`);
      return true;
    },
    `case ${n} is ${state}`,
    limitMs,
  );
}

/** A leaver's removal is done when its case waits for the next sweep. */
export async function untilSweepWaits(world: World, personId: string, n: number, limitMs = 45_000): Promise<void> {
  await eventually(
    async () => {
      const row = await world.ownerDb
        .selectFrom('usher_case')
        .select(['state', 'is_effective', 'due_at'])
        .where('person_id', '=', personId)
        .where('n', '=', n)
        .executeTakeFirst();
      if (row?.state !== 'waiting' || !row.is_effective || row.due_at === null) throw new Error(JSON.stringify(row));
      return true;
    },
    `case ${n} waits for its sweep`,
    limitMs,
  );
}

export async function openApprovals(world: World, personId: string) {
  return world.ownerDb
    .selectFrom('approval')
    .selectAll()
    .where('person_id', '=', personId)
    .where('state', '=', 'open')
    .orderBy('k')
    .execute();
}

export async function alertsOf(world: World, kind: string): Promise<{ alert_key: string; text: string }[]> {
  return world.ownerDb.selectFrom('alert').select(['alert_key', 'text']).where('kind', '=', kind).execute();
}

export async function evidenceCount(world: World, kind: string, what?: string): Promise<number> {
  const rows = await world.ownerDb.selectFrom('evidence').select('body').where('kind', '=', kind).execute();
  return rows.filter((row) => what === undefined || row.body['what'] === what).length;
}

/** A decision of that person over the API, as the console or CLI gives it. */
export async function decide(
  world: World,
  approvalId: string,
  approverId: string,
  verdictOf: (item: {
    itemDigest: string;
    entitlementId: string | null;
    profileId: string | null;
  }) => 'approve' | 'deny' | null,
): Promise<{ status: number; json: unknown }> {
  const row = await world.ownerDb
    .selectFrom('approval')
    .select('items')
    .where('approval_id', '=', approvalId)
    .executeTakeFirstOrThrow();
  const verdicts = row.items.flatMap((item) => {
    const verdict = verdictOf(item);
    return verdict === null ? [] : [{ itemDigest: item.itemDigest, verdict }];
  });
  const token = await world.tokenOf(approverId, ['decide', 'read:own-cases']);
  return world.api(`/api/v1/approvals/${approvalId}/decisions`, {
    method: 'POST',
    token,
    body: { verdicts, reason: 'test' },
  });
}
