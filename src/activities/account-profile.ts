/** From facts to what an account is made of, and to the keys that find it again. */
import type { AccountProfile, CorrelationKeys } from '../connectors/kit/contract.ts';
import { ConnectorError } from '../connectors/kit/errors.ts';
import type { PersonFacts } from '../schemas/facts.ts';
import type { Db } from '../store/db.ts';
import { sourceKeysOf } from '../store/people.ts';

/** Throws `precondition` where the HR system gives no work e-mail: a login name is never guessed. */
export function accountProfile(facts: PersonFacts, systemId: string): AccountProfile {
  if (facts.workEmail === null) {
    throw new ConnectorError('precondition', 'the HR system holds no work e-mail for this person', {
      systemId,
      operation: 'ensureAccount',
    });
  }
  return {
    userName: facts.workEmail,
    givenName: facts.givenName,
    familyName: facts.familyName,
    displayName: facts.displayName,
    email: facts.workEmail,
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
