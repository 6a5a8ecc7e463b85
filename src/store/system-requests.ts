/**
 * Questions of the server to systems. The server has no vendor credentials, so it writes a question as a row and the
 * worker answers into it: `check` asks whether the system can be used, `accounts` asks which accounts it holds.
 * Answers carry keys and states and never a name, because they are kept in clear; they live for an hour.
 * An `inventory` reads a whole system into rows of its own (`inventory-readings.ts`); its answer says only how it ended.
 */
import type { Db } from './db.ts';
import { uuidV7 } from './uuid.ts';

export type SystemRequestKind = 'check' | 'accounts' | 'inventory';

/** What the worker writes into `result` of a `check`. */
export interface SystemCheckAnswer {
  isHealthy: boolean;
  findings: { level: 'ok' | 'warning' | 'error'; text: string }[];
}

export interface SystemAnswer {
  requestId: string;
  systemId: string;
  requestedAt: Date;
  doneAt: Date | null;
  /** As it lies in the row: parse it before use. */
  result: unknown;
}

const KEPT_MS = 3_600_000;
/** A large system is read for hours. */
const INVENTORY_KEPT_MS = 24 * KEPT_MS;
/** A question that nobody took up in this time is asked again: the worker may have died with it. */
const PATIENCE_MS = 60_000;

/** Asks, or joins the question that is already under way; answers the request ids in the order of `systemIds`. */
export async function askSystems(db: Db, kind: SystemRequestKind, systemIds: string[], now: Date): Promise<string[]> {
  return db.transaction().execute(async (tx) => {
    await tx
      .deleteFrom('system_request')
      .where('requested_at', '<', new Date(now.getTime() - KEPT_MS))
      .where((eb) =>
        eb.or([eb('kind', '!=', 'inventory'), eb('requested_at', '<', new Date(now.getTime() - INVENTORY_KEPT_MS))]),
      )
      .execute();
    const ids: string[] = [];
    for (const systemId of systemIds) {
      const pending = await tx
        .selectFrom('system_request')
        .select('request_id')
        .where('kind', '=', kind)
        .where('system_id', '=', systemId)
        .where('done_at', 'is', null)
        .where('requested_at', '>', new Date(now.getTime() - PATIENCE_MS))
        .executeTakeFirst();
      const requestId = pending?.request_id ?? uuidV7(now);
      ids.push(requestId);
      if (pending) continue;
      await tx
        .insertInto('system_request')
        .values({ request_id: requestId, kind, system_id: systemId, requested_at: now })
        .execute();
    }
    return ids;
  });
}

/** The questions with their answers so far. */
export async function readAnswers(db: Db, requestIds: string[]): Promise<SystemAnswer[]> {
  if (requestIds.length === 0) return [];
  const rows = await db.selectFrom('system_request').selectAll().where('request_id', 'in', requestIds).execute();
  return rows.map(asAnswer);
}

/** The newest answered question of each system. */
export async function newestAnswers(db: Db, kind: SystemRequestKind): Promise<Map<string, SystemAnswer>> {
  const rows = await db
    .selectFrom('system_request')
    .selectAll()
    .distinctOn('system_id')
    .where('kind', '=', kind)
    .where('done_at', 'is not', null)
    .orderBy('system_id')
    .orderBy('requested_at', 'desc')
    .execute();
  return new Map(rows.map((row) => [row.system_id, asAnswer(row)]));
}

function asAnswer(row: {
  request_id: string;
  system_id: string;
  requested_at: Date;
  done_at: Date | null;
  result: unknown;
}): SystemAnswer {
  return {
    requestId: row.request_id,
    systemId: row.system_id,
    requestedAt: row.requested_at,
    doneAt: row.done_at,
    result: row.result,
  };
}
