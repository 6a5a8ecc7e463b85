/**
 * Tasks in ServiceNow through the Table API: catalogue tasks (`sc_task`) or request items (`sc_req_item`).
 * `correlation_display` names system and account, `correlation_id` the change; both are ours alone, so that no flow of the
 * instance reacts to them. The API inserts whatever it is sent, and leaves out of a query what it cannot read.
 * https://www.servicenow.com/docs/bundle/zurich-api-reference/page/integrate/inbound-rest/concept/c_TableAPI.html
 */
import { z } from 'zod';
import type { CallContext, ConnectorRuntime, Page } from '../kit/contract.ts';
import { clip, encodedQuery, type EncodedQueryTerm, pathOf } from '../kit/escape.ts';
import type { DialectVerdict, VendorAnswer } from '../kit/http.ts';
import { collectPages } from '../kit/paging.ts';
import { createVendorClient, type VendorClient } from '../kit/vendor-client.ts';
import type { NewTask, TaskDesk } from './task-desk.ts';
import { parseTaskKey, taskKey, type Task, type TaskState } from './task-log.ts';

export interface ServicenowTasksConfig {
  url: string;
  username: string;
  password: string;
  table: 'sc_task' | 'sc_req_item';
  assignmentGroup?: string | undefined;
  doneStates: string[];
  withdrawnState: string;
}

const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((value) => value === 'true')]);
const Row = z.object({
  sys_id: z.string().min(1),
  number: z.string().min(1),
  correlation_id: z.string().nullish(),
  correlation_display: z.string().nullish(),
  state: z.union([z.string(), z.number().transform(String)]),
  active: flag.nullish(),
  description: z.string().nullish(),
  sys_created_on: z.string().nullish(),
});
type Row = z.infer<typeof Row>;
const RowReply = z.object({ result: Row });
const RowList = z.object({ result: z.array(Row) });
const fieldList = 'sys_id,number,correlation_id,correlation_display,state,active,description,sys_created_on';
const pageSize = 100;

const Refusal = z.object({ error: z.object({ detail: z.string() }) });

/** A data policy that asks for more fields answers 403 as well; that is no matter of credentials. */
function readRefusal({ status, body }: VendorAnswer): DialectVerdict | null {
  const parsed = status === 403 ? Refusal.safeParse(body) : null;
  return parsed?.success === true && /data policy/i.test(parsed.data.error.detail) ? { code: 'validation' } : null;
}

export function createServicenowTasks(
  runtime: Pick<ConnectorRuntime<unknown>, 'systemId'> & ConnectorRuntime<unknown>,
  config: ServicenowTasksConfig,
): TaskDesk {
  const { url, username, password } = config;
  const client = createVendorClient(runtime, { baseUrl: url, auth: { username, password } }, { dialect: readRefusal });
  const prefix = `usher:${runtime.systemId}:`;
  const table = () => pathOf('api', 'now', 'table', config.table);
  const desk = { client, config, prefix, table };
  return {
    async check(ctx) {
      const params = () => ({ sysparm_limit: 1, sysparm_fields: fieldList });
      await client.call({ operation: 'check', method: 'GET', path: table, params, schema: RowList }, ctx);
      return { isHealthy: true, findings: [{ level: 'ok', text: `The table ${config.table} can be read.` }] };
    },
    async tasksOf(operation, accountId, ctx) {
      const rows = await query(desk, operation, { operator: '=', value: prefix + accountId }, ctx);
      return toTasks(rows, config);
    },
    async allTasks(operation, ctx) {
      const rows = await query(desk, operation, { operator: 'STARTSWITH', value: prefix }, ctx);
      const byAccount = Map.groupBy(rows, (row) => (row.correlation_display ?? '').slice(prefix.length));
      return new Map([...byAccount].map(([accountId, own]) => [accountId, toTasks(own, config)]));
    },
    open: (operation, task, ctx) => insert(desk, operation, task, ctx),
    async withdraw(task, ctx) {
      const body = {
        correlation_id: taskKey(task, 'withdrawn'),
        work_notes:
          'Usher does not want this any more. What was done of it already is taken back by a task of its own.',
        state: config.withdrawnState,
      };
      await patch(desk, 'withdraw', task.taskId, body, ctx);
    },
    async mark(task, word, ctx) {
      const correlationId = taskKey(task, word);
      const row = await patch(desk, 'settleTasks', task.taskId, { correlation_id: correlationId }, ctx);
      if (row.correlation_id !== correlationId) {
        throw client.fail(
          'precondition',
          'settleTasks',
          `${task.number} does not take the mark: it cannot be written once it is closed`,
        );
      }
    },
  };
}

interface Desk {
  client: VendorClient;
  config: ServicenowTasksConfig;
  prefix: string;
  table: () => string;
}

async function insert({ client, config, prefix, table }: Desk, operation: string, task: NewTask, ctx: CallContext) {
  const body = {
    correlation_display: prefix + task.accountId,
    correlation_id: taskKey(task),
    short_description: clip(task.shortDescription, 160),
    description: clip(task.description, 4000),
    urgency: String(task.urgency),
    impact: String(task.urgency),
    priority: String(task.urgency),
    ...(config.assignmentGroup === undefined ? {} : { assignment_group: config.assignmentGroup }),
  };
  const params = () => ({ sysparm_fields: fieldList, sysparm_exclude_reference_link: true });
  const call = { operation, method: 'POST' as const, path: table, params, body, schema: RowReply };
  const { data, receipt } = await client.call(call, ctx);
  const [made] = toTasks([data.result], config);
  if (made === undefined) throw client.fail('precondition', operation, 'the task does not keep what Usher knows it by');
  return { task: made, receipt };
}

async function patch(
  { client, config }: Desk,
  operation: string,
  taskId: string,
  body: Record<string, string>,
  ctx: CallContext,
): Promise<Row> {
  const path = () => pathOf('api', 'now', 'table', config.table, taskId);
  const params = () => ({ sysparm_fields: fieldList });
  const { data } = await client.call({ operation, method: 'PATCH', path, params, body, schema: RowReply }, ctx);
  return data.result;
}

async function query(
  desk: Desk,
  operation: string,
  { operator, value }: Pick<EncodedQueryTerm, 'operator' | 'value'>,
  ctx: CallContext,
): Promise<Row[]> {
  const term = { field: 'correlation_display', operator, value };
  const rows = await collectPages((cursor) => queryPage(desk, operation, term, cursor, ctx), {
    systemId: desk.client.systemId,
    operation,
  });
  // ServiceNow drops terms that it cannot read, and then answers with every row; it compares without case.
  return rows.filter(({ correlation_display: text }) =>
    operator === '=' ? text === value : text?.startsWith(value) === true,
  );
}

/**
 * Pages by key. Rows that our user may not see shorten a page and are counted all the same, so that only the count says
 * where the end is. Hidden rows are an error: a task among them would be opened again at each attempt.
 */
async function queryPage(
  { client, table }: Desk,
  operation: string,
  term: EncodedQueryTerm,
  cursor: string | null,
  ctx: CallContext,
): Promise<Page<Row>> {
  const after: EncodedQueryTerm[] = cursor === null ? [] : [{ field: 'sys_id', operator: '>', value: cursor }];
  const params = () => ({
    sysparm_query: encodedQuery([term, ...after], 'sys_id'),
    sysparm_limit: pageSize,
    sysparm_fields: fieldList,
    sysparm_exclude_reference_link: true,
  });
  const reply = await client.call({ operation, method: 'GET', path: table, params, schema: RowList }, ctx);
  const rows = reply.data.result;
  const last = rows.at(-1);
  const counted = reply.header('x-total-count');
  const total = counted !== null && /^\d+$/.test(counted) ? Number(counted) : null;
  if (last !== undefined) {
    const isComplete = total !== null && rows.length >= total;
    return { items: rows, nextCursor: isComplete ? null : last.sys_id };
  }
  if (total !== null && total > 0) throw client.fail('auth', operation, 'some tasks are hidden from the user');
  return { items: [], nextCursor: null };
}

function toTasks(rows: Row[], config: ServicenowTasksConfig): Task[] {
  const tasks = rows.toSorted(byAge).map((row): Task | null => {
    const key = parseTaskKey(row.correlation_id ?? '');
    if (key === null) return null;
    const { mark, ...named } = key;
    return {
      ...named,
      taskId: row.sys_id,
      number: row.number,
      state: stateOf(row, mark, config),
      vendorState: row.state,
      description: row.description ?? '',
    };
  });
  return tasks.filter((task) => task !== null);
}

const endStates = ['3', '4', '7'];

function stateOf(
  row: Row,
  mark: 'confirmed' | 'denied' | 'withdrawn' | null,
  { doneStates, withdrawnState }: ServicenowTasksConfig,
): TaskState {
  const isDone = doneStates.includes(row.state);
  const isOpen = row.active !== false && !isDone && ![...endStates, withdrawnState].includes(row.state);
  // Somebody opened it again: what was said of it before counts no more.
  if (isOpen) return 'open';
  if (mark !== null) return mark;
  return isDone ? 'claimed' : 'rejected';
}

/** Times have no fractions of a second; within one, the number counts up. */
function byAge(a: Row, b: Row): number {
  const [first, second] = [`${a.sys_created_on ?? ''} ${a.number}`, `${b.sys_created_on ?? ''} ${b.number}`];
  return first < second ? -1 : Number(first > second);
}
