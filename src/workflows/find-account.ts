/** Looks for the person's account at one system, through an outage; what a look cannot settle becomes an incident. */
import type { FindAccountsResult } from '../activities/find-accounts.ts';
import { bookkeeping, systemCalls } from './options.ts';
import { withOutage } from './with-outage.ts';

type Found = Extract<FindAccountsResult, { kind: 'found' }>;

/** Null where the look failed for good: somebody has to see to it. */
export async function findAccount(
  { personId, n }: { personId: string; n: number },
  systemId: string,
): Promise<Found | null> {
  const subject = { personId, n, systemId, itemKeys: ['find'] };
  const found = await withOutage(subject, 'searched', (isIncidentOpen) =>
    systemCalls.findAccounts.executeWithOptions({ summary: `${systemId}: find accounts` }, [
      { personId, n, systemId, isIncidentOpen },
    ]),
  );
  if (found.kind === 'found') return found;
  const incident = { ...subject, kind: 'itemFailed' as const, errorCode: found.errorCode };
  await bookkeeping.openIncident.executeWithOptions({ summary: `${systemId}: ${found.errorCode}` }, [incident]);
  return null;
}
