/** Answers the server's questions about systems: it has no vendor credentials, the worker has. Reads only. */
import type { CallContext } from '../connectors/kit/contract.ts';
import { ConnectorError } from '../connectors/kit/errors.ts';
import { collectPages } from '../connectors/kit/paging.ts';
import type { SystemAccountsAnswer, ListedAccounts } from '../schemas/system-accounts.ts';
import type { SystemCheckAnswer } from '../store/system-requests.ts';
import type { WorkerDeps } from '../activities/worker-deps.ts';

const ANSWER_TIMEOUT_MS = 20_000;
const ENTITLEMENT_READS_AT_ONCE = 6;

/** Answers everything that is open, systems side by side. */
export async function answerRequests(deps: WorkerDeps): Promise<void> {
  const open = await deps.db
    .selectFrom('system_request')
    .select(['request_id', 'kind', 'system_id'])
    .where('done_at', 'is', null)
    .where('kind', '!=', 'inventory')
    .orderBy('requested_at')
    .limit(50)
    .execute();
  await Promise.all(
    open.map(async (row) => {
      const result =
        row.kind === 'check'
          ? await check(deps, row.system_id)
          : await listAccounts(deps, row.system_id, callOf(row.system_id));
      await deps.db
        .updateTable('system_request')
        .set({ done_at: deps.now(), result: JSON.stringify(result) })
        .where('request_id', '=', row.request_id)
        .execute();
    }),
  );
}

function callOf(systemId: string): CallContext {
  return { operationKey: `question/${systemId}`, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) };
}

async function check(deps: WorkerDeps, systemId: string): Promise<SystemCheckAnswer> {
  try {
    const ticketing = await deps.pool.systemsOf('ticketing');
    const kind = ticketing.some((system) => system.id === systemId) ? 'ticketing' : 'target';
    const { connector } = await deps.pool.open(kind, systemId);
    return await connector.check(callOf(systemId));
  } catch (error) {
    return { isHealthy: false, findings: [{ level: 'error', text: textOf(error) }] };
  }
}

/** Every account of a system with what it holds; `patiently` wraps each call. A failure is an answer. */
export async function listAccounts(
  deps: WorkerDeps,
  systemId: string,
  call: CallContext,
  patiently: <T>(read: () => Promise<T>) => Promise<T> = (read) => read(),
): Promise<SystemAccountsAnswer> {
  try {
    const { connector } = await deps.pool.open('target', systemId);
    const views = await collectPages((cursor) => patiently(() => connector.listAccounts(cursor, call)), {
      systemId,
      operation: 'listAccounts',
    });
    const answers: ListedAccounts = [];
    const waiting = [...views];
    const read = async (): Promise<void> => {
      for (let view = waiting.shift(); view; view = waiting.shift()) {
        const { accountId, correlationKey, vendorStatus, canLogIn } = view;
        const vendorEntitlementIds = await patiently(() => connector.listAccountEntitlements(accountId, call));
        answers.push({ accountId, correlationKey, vendorStatus, canLogIn, vendorEntitlementIds });
      }
    };
    await Promise.all(Array.from({ length: ENTITLEMENT_READS_AT_ONCE }, read));
    return { outcome: 'listed', accounts: answers };
  } catch (error) {
    return { outcome: 'failed', error: error instanceof ConnectorError ? error.code : 'internal' };
  }
}

function textOf(error: unknown): string {
  return error instanceof ConnectorError ? `${error.code}: ${error.message}` : 'the check failed';
}
