/**
 * Reads whole systems for the server, which has no vendor credentials: every account with what it holds. A lane of its
 * own, because a large system takes minutes. Reads only.
 */
import type { WorkerDeps } from '../activities/worker-deps.ts';
import type { CallContext } from '../connectors/kit/contract.ts';
import { ConnectorError } from '../connectors/kit/errors.ts';
import type { SystemAccountsAnswer } from '../schemas/system-accounts.ts';
import { listAccounts } from './answer-requests.ts';

const INVENTORY_TIMEOUT_MS = 20 * 60_000;
const THROTTLED_PAUSE_MS = 1_000;

/** One inventory a pass; answers how many were read. */
export async function readInventories(deps: WorkerDeps): Promise<number> {
  const row = await deps.db
    .selectFrom('system_request')
    .select(['request_id', 'system_id'])
    .where('kind', '=', 'inventory')
    .where('done_at', 'is', null)
    .orderBy('requested_at')
    .limit(1)
    .executeTakeFirst();
  if (!row) return 0;
  const result = await inventory(deps, row.system_id);
  await deps.db
    .updateTable('system_request')
    .set({ done_at: deps.now(), result: JSON.stringify(result) })
    .where('request_id', '=', row.request_id)
    .execute();
  return 1;
}

async function inventory(deps: WorkerDeps, systemId: string): Promise<SystemAccountsAnswer> {
  const signal = AbortSignal.timeout(INVENTORY_TIMEOUT_MS);
  const call: CallContext = { operationKey: `inventory/${systemId}`, signal };
  const patiently = async <T>(read: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await read();
      } catch (error) {
        if (!(error instanceof ConnectorError) || error.code !== 'throttled' || signal.aborted) throw error;
        await new Promise((resolve) => setTimeout(resolve, error.detail.retryAfterMs ?? THROTTLED_PAUSE_MS));
      }
    }
  };
  return listAccounts(deps, systemId, call, patiently);
}
