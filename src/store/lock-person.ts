/** The lock under which a person's lifecycle is written. */
import { lockInTx, type Tx } from './db.ts';

/** The lock that derivations of the person take: what is ordered and what the HR system tells never interleave. */
export async function lockPerson(tx: Tx, personId: string): Promise<void> {
  const links = await tx
    .selectFrom('identity_link')
    .select(['source', 'source_key'])
    .where('person_id', '=', personId)
    .where('valid_to', 'is', null)
    .orderBy('source')
    .orderBy('source_key')
    .execute();
  for (const link of links) await lockInTx(tx, 'sourceKey', `${link.source}/${link.source_key}`);
}
