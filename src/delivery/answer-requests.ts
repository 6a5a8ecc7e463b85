/** Answers the server's questions about systems: it has no vendor credentials, the worker has. Reads only. */
import { setTimeout as delay } from 'node:timers/promises';
import type { CallContext } from '../connectors/kit/contract.ts';
import { ConnectorError } from '../connectors/kit/errors.ts';
import { collectPages } from '../connectors/kit/paging.ts';
import { AppError } from '../domain/errors.ts';
import type { SystemAccountsAnswer, ListedAccounts } from '../schemas/system-accounts.ts';
import type { SystemCheckAnswer } from '../store/system-requests.ts';
import type { WorkerDeps } from '../activities/worker-deps.ts';

const ANSWER_TIMEOUT_MS = 20_000;
const ENTITLEMENT_READS_AT_ONCE = 6;
const ANSWERS_AT_ONCE = 20;
/** While some are under way, new questions are looked for so often: a system that hangs holds up none of the others. */
const LOOK_AGAIN_MS = 250;
/** Then a pass begins nothing new, so that it ends where somebody asks all the time. */
const BEGINS_FOR_MS = 20_000;

interface Question {
  request_id: string;
  kind: 'check' | 'accounts' | 'inventory';
  system_id: string;
}

/** Answers everything that is open, and what is asked meanwhile; ends when nothing is under way. */
export async function answerRequests(deps: WorkerDeps): Promise<void> {
  const underWay = new Map<string, Promise<void>>();
  const begin = (question: Question): void => {
    const { request_id: id, system_id: systemId } = question;
    // An answer that could not be written stays an open question.
    const answered = answer(deps, question)
      .catch((error: unknown) => deps.log.warn({ systemId, err: error }, 'a question was not answered'))
      .finally(() => underWay.delete(id));
    underWay.set(id, answered);
  };
  const untilMs = performance.now() + BEGINS_FOR_MS;
  for (;;) {
    const atMost = performance.now() < untilMs ? ANSWERS_AT_ONCE - underWay.size : 0;
    const open = await openQuestions(deps, [...underWay.keys()], atMost);
    open.forEach(begin);
    if (underWay.size === 0) return;
    await Promise.race([...underWay.values(), delay(LOOK_AGAIN_MS)]);
  }
}

async function openQuestions(deps: WorkerDeps, besides: string[], atMost: number): Promise<Question[]> {
  if (atMost <= 0) return [];
  let query = deps.db
    .selectFrom('system_request')
    .select(['request_id', 'kind', 'system_id'])
    .where('done_at', 'is', null)
    .where('kind', '!=', 'inventory');
  if (besides.length > 0) query = query.where('request_id', 'not in', besides);
  return query.orderBy('requested_at').limit(atMost).execute();
}

async function answer(deps: WorkerDeps, { kind, request_id, system_id }: Question): Promise<void> {
  const result = kind === 'check' ? await check(deps, system_id) : await listAccounts(deps, system_id);
  await deps.db
    .updateTable('system_request')
    .set({ done_at: deps.now(), result: JSON.stringify(result) })
    .where('request_id', '=', request_id)
    .execute();
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

/** Every account of a system with what it holds. A failure is an answer. */
async function listAccounts(deps: WorkerDeps, systemId: string): Promise<SystemAccountsAnswer> {
  const call = callOf(systemId);
  try {
    const { connector } = await deps.pool.open('target', systemId);
    const views = await collectPages((cursor) => connector.listAccounts(cursor, call), {
      systemId,
      operation: 'listAccounts',
    });
    const answers: ListedAccounts = [];
    const waiting = [...views];
    const read = async (): Promise<void> => {
      for (let view = waiting.shift(); view; view = waiting.shift()) {
        const { accountId, correlationKey, vendorStatus, canLogIn } = view;
        const vendorEntitlementIds = await connector.listAccountEntitlements(accountId, call);
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
  return error instanceof ConnectorError || error instanceof AppError
    ? `${error.code}: ${error.message}`
    : 'the check failed';
}
