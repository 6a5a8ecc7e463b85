/** Who speaks for a system on which people work by hand. */
import type { Policy } from '../schemas/policy.ts';
import type { Db, Tx } from './db.ts';
import { resolvePersonRefs } from './people.ts';

/**
 * The owner that policy names; whoever it is about gives way to the fallback owner, and so does somebody whom Usher does not
 * know. Null where neither is there.
 */
export async function ownerOfSystem(
  db: Db | Tx,
  policy: Policy,
  systemId: string,
  aboutPersonId: string,
): Promise<string | null> {
  const ownerRef = policy.systems.find(({ id }) => id === systemId)?.owner;
  const refs = [...(ownerRef === undefined ? [] : [ownerRef]), policy.routing.fallbackOwner];
  const people = await resolvePersonRefs(db, refs);
  const candidates = refs.flatMap((ref) => people.get(ref) ?? []);
  return candidates.find((personId) => personId !== aboutPersonId) ?? null;
}
