/** Opens a mover for a person by hand, for a plan on facts that did not change. */
import { insertCase, nextN } from '../../src/store/cases.ts';
import type { World } from './world.ts';

/** Answers its number. */
export async function openMover(world: World, personId: string): Promise<number> {
  const now = world.clock.now();
  const version = await world.serverDeps.policies.active();
  return world.serverDeps.db.transaction().execute(async (tx) => {
    const n = await nextN(tx, personId);
    const person = await tx
      .selectFrom('person')
      .select('spell_n')
      .where('person_id', '=', personId)
      .executeTakeFirstOrThrow();
    await insertCase(tx, {
      person_id: personId,
      n,
      case_id: `case_${personId}_${n}`,
      kind: 'mover',
      effective_at: now,
      spell_n: person.spell_n ?? n,
      event_id: null,
      route: null,
      opened_at: now,
      accepted_at: now,
      policy_hash: version?.policyHash ?? null,
    });
    return n;
  });
}

export async function snapshotIds(world: World, personId: string): Promise<string[]> {
  const rows = await world.ownerDb
    .selectFrom('snapshot')
    .select('snapshot_id')
    .where('person_id', '=', personId)
    .orderBy('observed_at', 'desc')
    .orderBy('snapshot_id', 'desc')
    .execute();
  return rows.map((row) => row.snapshot_id);
}
