/** A change by hand whose ticket says that it was made, at a system whose owner is asked; without the ticketing system. */
import { uuidV7 } from '../../src/store/uuid.ts';
import { ownerOfSystem } from '../../src/store/system-owner.ts';
import type { World } from './world.ts';

/** The number of the ticket, and a token of the owner. */
export async function claimTask(world: World, personId: string): Promise<{ task: string; token: string }> {
  const now = world.clock.now();
  const version = await world.serverDeps.policies.active();
  if (!version) throw new Error('there is no policy');
  const ownerId = await ownerOfSystem(world.ownerDb, version.policy, 'wiki', personId);
  if (ownerId === null) throw new Error('the wiki has no owner');
  const row = {
    wait_id: uuidV7(now),
    operation_key: 'a'.repeat(64),
    system_id: 'wiki',
    person_id: personId,
    n: 1,
    action: 'grant',
    vendor_entitlement_id: 'wiki-reader',
    ticket_number: 'TASK0010001',
    state: 'claimed' as const,
    opened_at: now,
    claimed_at: now,
  };
  await world.ownerDb.insertInto('outside_wait').values(row).execute();
  return { task: row.ticket_number, token: await world.tokenOf(ownerId, ['decide']) };
}
