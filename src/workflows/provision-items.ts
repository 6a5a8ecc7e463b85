/**
 * Writes and verifies decided items, inside whichever workflow calls it: identity provider first, then the other systems
 * side by side. A write that the verifying read contradicts is tried once more; what fails then opens one incident.
 */
import { allOf } from './all-of.ts';
import { bookkeeping, systemCalls } from './options.ts';
import type * as wire from './wire.ts';
import { withOutage } from './with-outage.ts';

/** At most so many items go into one call: the issuer answers for ten at a time. */
const ITEMS_PER_CALL = 10;

/** By item digest; an item without one is under way. */
export type Outcomes = Map<string, wire.ItemOutcome>;

/** Fills `outcomes` as they come in. When it is cancelled it ends only after every call under way has ended. */
export async function provisionItems(
  input: wire.ProvisioningInput,
  outcomes: Outcomes,
): Promise<wire.ProvisioningResult> {
  const systemIds = systemIdsOf(input.items);
  const first = systemIds.filter((id) => input.items.some((item) => item.systemId === id && item.isFirst));
  const others = systemIds.filter((id) => !first.includes(id));
  for (const systemId of first) await provisionSystem(input, systemId, outcomes);
  await allOf(others.map((systemId) => provisionSystem(input, systemId, outcomes)));
  return {
    outcomes: input.items.map((item) => ({
      itemDigest: item.itemDigest,
      systemId: item.systemId,
      outcome: outcomes.get(item.itemDigest) ?? 'failed',
    })),
  };
}

export function systemIdsOf(items: readonly { systemId: string }[]): string[] {
  return [...new Set(items.map((item) => item.systemId))];
}

async function provisionSystem(input: wire.ProvisioningInput, systemId: string, outcomes: Outcomes): Promise<void> {
  const digests = input.items.filter((item) => item.systemId === systemId).map((item) => item.itemDigest);
  for (let start = 0; start < digests.length; start += ITEMS_PER_CALL) {
    await provisionSome(input, systemId, digests.slice(start, start + ITEMS_PER_CALL), outcomes);
  }
}

async function provisionSome(
  input: wire.ProvisioningInput,
  systemId: string,
  digests: string[],
  outcomes: Outcomes,
): Promise<void> {
  const first = await writeAndVerify(input, systemId, digests, 1, outcomes);
  const second = first.length === 0 ? [] : await writeAndVerify(input, systemId, first, 2, outcomes);
  for (const digest of second) outcomes.set(digest, 'failed');
  const failed = digests.filter((digest) => outcomes.get(digest) === 'failed');
  if (failed.length === 0) return;
  const { personId, n } = input;
  const incident = { personId, n, systemId, kind: 'itemFailed' as const, itemKeys: failed, errorCode: 'contradicted' };
  await bookkeeping.openIncident.executeWithOptions({ summary: `${systemId}: ${failed.length} failed` }, [incident]);
}

/** Answers the digests whose write the read contradicted: those get the one business retry. */
async function writeAndVerify(
  input: wire.ProvisioningInput,
  systemId: string,
  digests: string[],
  round: number,
  outcomes: Outcomes,
): Promise<string[]> {
  const { personId, n, k } = input;
  const subject = { personId, n, systemId, itemKeys: digests };
  const applied = await withOutage(subject, 'written', (isIncidentOpen) =>
    systemCalls.applyAccess.executeWithOptions({ summary: `${systemId}: write ${digests.length}` }, [
      { personId, n, k, round, systemId, itemDigests: digests, isIncidentOpen },
    ]),
  );
  const toVerify: string[] = [];
  for (const { itemDigest, outcome } of applied.outcomes) {
    if (outcome === 'applied') toVerify.push(itemDigest);
    else outcomes.set(itemDigest, outcome);
  }
  if (toVerify.length === 0) return [];
  const verified = await withOutage({ ...subject, itemKeys: toVerify }, 'verified', (isIncidentOpen) =>
    systemCalls.verifyAccess.executeWithOptions({ summary: `${systemId}: read back ${toVerify.length}` }, [
      { personId, n, k, round, systemId, itemDigests: toVerify, isIncidentOpen },
    ]),
  );
  const contradicted: string[] = [];
  for (const { itemDigest, outcome } of verified.outcomes) {
    if (outcome === 'verified') outcomes.set(itemDigest, 'verified');
    else contradicted.push(itemDigest);
  }
  return contradicted;
}
