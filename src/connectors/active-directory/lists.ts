/**
 * Listings of Active Directory by `uSNCreated`: a number that a domain controller gives to each object once, that rises,
 * and that it keeps an index of. It is another number on another domain controller, so that a listing stays with one.
 */
import type { Filter } from 'ldapts';
import type { CallContext, Page } from '../kit/contract.ts';
import { allOf, between } from '../kit/ldap/filters.ts';
import { KeyRangeError, readKeyRange } from '../kit/ldap/key-ranges.ts';
import { type LdapEntry, textOf } from '../kit/ldap/ldap-entry.ts';
import { type AdApi, readServerFacts } from './api.ts';
import { binaryAttributes } from './user.ts';

const counter = 'uSNCreated';

export interface AdListing {
  operation: string;
  cursor: string | null;
  base: string;
  filter: Filter;
  attributes: string[];
}

/**
 * One page. Throws `transient` where another domain controller answers than at the start of the listing, and
 * `validation` for a cursor that is not one of ours.
 */
export async function listObjects(
  { client, pageMax, ...api }: AdApi,
  { operation, cursor, base, filter, attributes }: AdListing,
  ctx: CallContext,
): Promise<Page<LdapEntry> & { nowMs: number }> {
  const [startedOn, place] = cursor === null ? [null, null] : splitCursor(cursor);
  if (place === undefined) throw client.fail('validation', operation, 'the cursor is not one of this listing');
  return client.read(
    operation,
    async (connection) => {
      const facts = await readServerFacts({ client, pageMax, ...api }, operation, connection);
      if (startedOn !== null && startedOn !== facts.counterId) {
        throw client.fail(
          'transient',
          operation,
          'another domain controller answered than at the start of the listing',
        );
      }
      const search = (from: bigint, to: bigint) => {
        const inRange = allOf(filter, between(counter, from.toString(), to.toString()));
        const query = { base, scope: 'sub' as const, filter: inRange, attributes: [...attributes, counter] };
        return connection.searchUpTo(pageMax, { ...query, binary: binaryAttributes });
      };
      try {
        const space = () => ({ first: 0n, last: facts.highestChange });
        const keyOf = (entry: LdapEntry) => BigInt(textOf(entry, counter) ?? '-1');
        const { items, nextCursor } = await readKeyRange({ cursor: place, space, search, keyOf, pageMax });
        const next = nextCursor === null ? null : `${facts.counterId}:${nextCursor}`;
        return { items, nextCursor: next, nowMs: facts.nowMs };
      } catch (error) {
        if (!(error instanceof KeyRangeError)) throw error;
        throw client.fail(error.kind === 'cursor' ? 'validation' : 'transient', operation, error.message);
      }
    },
    ctx,
  );
}

function splitCursor(cursor: string): [string | null, string | undefined] {
  const [counterId = null, place] = cursor.split(':');
  return [counterId, place];
}
