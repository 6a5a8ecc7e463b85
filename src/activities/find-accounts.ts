/** Looks for the accounts of a person in the systems themselves: what the store believes is no proof of absence. */
import type { CallContext } from '../connectors/kit/contract.ts';
import { ConnectorError } from '../connectors/kit/errors.ts';
import type { FoundAccount } from '../domain/plan-leaver.ts';
import { appendEvidence } from '../evidence/log.ts';
import { correlationKeys } from './account-profile.ts';
import { currentSignal, toApplicationFailure, translated } from './failures.ts';
import { noteHealed } from './incidents.ts';
import { lookKeyOf } from './last-looks.ts';
import { noteAccount } from './operation-evidence.ts';
import { outageVerdict } from './outage.ts';
import type { WorkerDeps } from './worker-deps.ts';

export interface FindAccountsInput {
  personId: string;
  n: number;
  systemId: string;
  isIncidentOpen: boolean;
}

export type FindAccountsResult =
  | { kind: 'found'; account: (FoundAccount & { canLogIn: boolean }) | null }
  | { kind: 'failed'; errorCode: string }
  | { kind: 'systemDown'; errorCode: string };

/** One system. Reads only, and remembers what it found; an ambiguous answer is `failed` and never a pick. */
export async function findAccounts(deps: WorkerDeps, input: FindAccountsInput): Promise<FindAccountsResult> {
  try {
    const account = await findOne(deps, input);
    await outageVerdict.noteHealthy(deps, input.systemId);
    await noteHealed(deps, { ...input, itemKeys: ['find'] });
    return { kind: 'found', account };
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    const verdict = await outageVerdict.judge(deps, input.systemId, error);
    if (verdict === 'permanent') return { kind: 'failed', errorCode: error.code };
    if (verdict === 'down' && !input.isIncidentOpen) return { kind: 'systemDown', errorCode: error.code };
    throw toApplicationFailure(error);
  }
}

async function findOne(
  deps: WorkerDeps,
  input: FindAccountsInput,
): Promise<(FoundAccount & { canLogIn: boolean }) | null> {
  const { personId, systemId } = input;
  const { connector } = await translated(() => deps.pool.open('target', systemId));
  const call: CallContext = { operationKey: lookKeyOf(input), ...currentSignal() };
  const keys = await correlationKeys(deps.db, personId, systemId);
  const found = await connector.findAccount(keys, call);
  switch (found.outcome) {
    case 'none':
      await noteFound(deps, input, null, []);
      return null;
    case 'ambiguous':
      throw new ConnectorError('ambiguous', `${found.accountIds.length} accounts carry a key of this person`, {
        systemId,
        operation: 'findAccount',
      });
    case 'found': {
      const { account } = found;
      const vendorEntitlementIds = await connector.listAccountEntitlements(account.accountId, call);
      await noteAccount(deps, input, account, 'found');
      await noteFound(deps, input, account.accountId, vendorEntitlementIds);
      return { systemId, accountId: account.accountId, vendorEntitlementIds, canLogIn: account.canLogIn };
    }
    default:
      return found satisfies never;
  }
}

async function noteFound(
  deps: WorkerDeps,
  input: FindAccountsInput,
  accountId: string | null,
  vendorEntitlementIds: string[],
): Promise<void> {
  const now = deps.now();
  const { personId, n, systemId } = input;
  const record = {
    operationKey: lookKeyOf(input),
    kind: 'found' as const,
    personId,
    caseId: `case_${personId}_${n}`,
    body: { systemId, accountId, vendorEntitlementIds, at: now.toISOString() },
    values: null,
  };
  await deps.db.transaction().execute((tx) => appendEvidence(tx, deps.vault, [record], now));
}
