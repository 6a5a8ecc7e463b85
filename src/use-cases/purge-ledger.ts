/** Forgets what the ledger needs no longer: rows of derived events after 30 days. Evidence keeps what followed from them. */
import type { ServerDeps } from './server-deps.ts';

const KEPT_MS = 30 * 86_400_000;

/** Answers how many rows went. The first reading of a source stays: it says who was there before Usher. */
export async function purgeLedger(deps: ServerDeps): Promise<number> {
  const result = await deps.db
    .deleteFrom('ledger')
    .where('state', '!=', 'received')
    .where('delivery_key', '!=', 'baseline')
    .where('received_at', '<', new Date(deps.now().getTime() - KEPT_MS))
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}
