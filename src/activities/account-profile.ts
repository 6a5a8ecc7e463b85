/** From facts to what an account is made of, and to the keys that find it again. */
import type { AccountProfile, CorrelationKeys } from '../connectors/kit/contract.ts';
import type { PersonFacts } from '../schemas/facts.ts';
import type { Db } from '../store/db.ts';
import { sourceKeysOf } from '../store/people.ts';

/** The account of a person with that address, which is the login name as well. */
export function accountProfile(facts: PersonFacts, address: string): AccountProfile {
  return {
    userName: address,
    givenName: facts.givenName,
    familyName: facts.familyName,
    displayName: facts.displayName,
    email: address,
    title: facts.title,
    department: facts.department,
  };
}

/** Immutable keys, strongest first: the account that was correlated before, the personId, the HRIS keys. */
export async function correlationKeys(db: Db, personId: string, systemId: string): Promise<CorrelationKeys> {
  const stored = await db
    .selectFrom('account')
    .select('account_id')
    .where('person_id', '=', personId)
    .where('system_id', '=', systemId)
    .execute();
  const [only] = stored;
  return {
    accountId: stored.length === 1 && only ? only.account_id : null,
    personId,
    sourceKeys: await sourceKeysOf(db, personId),
  };
}
