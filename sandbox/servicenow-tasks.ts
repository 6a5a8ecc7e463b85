/**
 * Tasks of the sandbox's ServiceNow: the Table API for `sc_task` and `sc_req_item`, and what people do with them. As with
 * incidents, POST always inserts and a query leaves out what it cannot read. Rows may be hidden from Usher's user, and
 * closed tasks may be read-only, as on instances with such rules: the write is then left out without a word.
 */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import {
  createVendorKit,
  isSameSecret,
  readBasicAuth,
  readJson,
  type SandboxContext,
  type SandboxOptions,
  type SandboxServer,
} from './kit.ts';
import { parseQuery, refusal, refuse, toVendorDateTime } from './servicenow.ts';
import { openStore, type Store } from './store.ts';

export interface ServicenowTasksSandboxOptions extends SandboxOptions {
  username: string;
  password: string;
  /** Closed tasks take no write any more. Default false. */
  closedIsReadOnly?: boolean;
  /** Numbers of tasks that Usher's user does not see. */
  hidden?: Set<string>;
}

const Row = z.record(z.string(), z.string());
type Row = z.infer<typeof Row>;

export interface ServicenowTasksSandbox extends SandboxServer {
  /** All tasks, oldest first; every value is a string, as on the wire. */
  tasks(): Row[];
  /** What a person does: closes the task as done (3), not done (4) or skipped (7), or opens it again (1). */
  setState(number: string, state: '1' | '3' | '4' | '7'): void;
}

const TasksState = z.strictObject({
  nextNumber: z.number().int(),
  tables: z.record(z.string(), z.record(z.string(), Row)),
});
type TasksState = z.infer<typeof TasksState>;
const tables = { sc_task: 'SCTASK', sc_req_item: 'RITM' } as const;
const columns: Row = {
  short_description: '',
  description: '',
  correlation_id: '',
  correlation_display: '',
  urgency: '3',
  impact: '3',
  priority: '4',
  state: '1',
  active: 'true',
  assignment_group: '',
  close_notes: '',
};
const readOnly = new Set(['sys_id', 'number', 'sys_created_on', 'sys_updated_on', 'active']);
const closedStates = ['3', '4', '7'];
const maxPage = 10_000;

export function createServicenowTasksSandbox(options: ServicenowTasksSandboxOptions): ServicenowTasksSandbox {
  const seed = () => ({ nextNumber: 10_001, tables: { sc_task: {}, sc_req_item: {} } });
  const store = openStore<TasksState>(TasksState, options.state, seed, options.onChange);
  const tasks = (): Row[] => structuredClone(Object.values(store.data.tables).flatMap((rows) => Object.values(rows)));
  const kit = createVendorKit({ store, options, refuse, describe: () => ({ tasks: tasks() }) });
  const { app, now } = kit;
  const rowsOf = (c: SandboxContext): Record<string, Row> | null =>
    store.data.tables[c.req.param('table') ?? ''] ?? null;
  app.onError((_error, c) => refusal(c, 500, 'Internal error', ''));
  app.use('/api/*', async (c, next) => {
    const auth = readBasicAuth(c);
    const isKnown = auth !== null && isSameSecret(auth.username, options.username);
    if (!isKnown || !isSameSecret(auth.password, options.password)) {
      return refusal(c, 401, 'User Not Authenticated', 'Required to provide Auth information');
    }
    return next();
  });
  const write = createWrite(store, rowsOf, now, options.closedIsReadOnly === true);
  const path = '/api/now/table/:table';
  app.get(path, (c) => {
    const rows = rowsOf(c);
    return rows === null ? refusal(c, 400, 'Invalid table', '') : list(c, Object.values(rows), options.hidden);
  });
  app.post(path, (c) => write(c, null));
  app.patch(`${path}/:id`, (c) => write(c, c.req.param('id')));
  return {
    ...kit.server,
    tasks,
    setState(number, state) {
      const row = Object.values(store.data.tables)
        .flatMap((rows) => Object.values(rows))
        .find((each) => each['number'] === number);
      if (row === undefined) throw new Error(`there is no task ${number}`);
      row['state'] = state;
      row['active'] = closedStates.includes(state) ? 'false' : 'true';
    },
  };
}

/** POST inserts, PATCH changes; what names no column, or a closed task, is left out without a word. */
function createWrite(
  store: Store<TasksState>,
  rowsOf: (c: SandboxContext) => Record<string, Row> | null,
  now: () => Date,
  closedIsReadOnly: boolean,
) {
  return async (c: SandboxContext, id: string | null): Promise<Response> => {
    const rows = rowsOf(c);
    if (rows === null) return refusal(c, 400, 'Invalid table', '');
    const body = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).safeParse(await readJson(c));
    if (!body.success) return refusal(c, 400, 'Exception while reading request', 'The payload is not valid JSON');
    const at = toVendorDateTime(now());
    const prefix = tables[(c.req.param('table') ?? '') as keyof typeof tables];
    const known = id === null ? newRow(prefix, store.data.nextNumber, at) : rows[id];
    if (known === undefined)
      return refusal(c, 404, 'No Record found', "Record doesn't exist or ACL restricts the record retrieval");
    const row = { ...known };
    const isLocked = closedIsReadOnly && closedStates.includes(row['state'] ?? '');
    for (const [name, value] of Object.entries(body.data)) {
      if (!isLocked && Object.hasOwn(columns, name) && !readOnly.has(name)) row[name] = String(value);
    }
    row['active'] = closedStates.includes(row['state'] ?? '') ? 'false' : 'true';
    row['sys_updated_on'] = at;
    if (id === null) store.data.nextNumber += 1;
    rows[row['sys_id'] ?? ''] = row;
    return c.json({ result: toView(c, row) }, id === null ? 201 : 200);
  };
}

function newRow(prefix: string, nextNumber: number, at: string): Row {
  const number = `${prefix}${String(nextNumber).padStart(7, '0')}`;
  return { ...columns, sys_id: randomBytes(16).toString('hex'), number, sys_created_on: at, sys_updated_on: at };
}

/** Rows that are hidden leave gaps in a page, and the total counts them all the same. */
function list(c: SandboxContext, all: Row[], hidden: ReadonlySet<string> = new Set()): Response {
  const limit = Number(c.req.query('sysparm_limit') ?? maxPage);
  if (!Number.isInteger(limit) || limit < 0) return refusal(c, 400, 'Invalid paging parameter', '');
  const { conditions, order } = parseQuery(c.req.query('sysparm_query') ?? '');
  const rows = all.filter((row) => conditions.every((isMet) => isMet(row)));
  if (order !== null) {
    const { column, sign } = order;
    rows.sort((a, b) => sign * ((a[column] ?? '') < (b[column] ?? '') ? -1 : 1));
  }
  c.header('X-Total-Count', String(rows.length));
  const page = rows.slice(0, limit).filter((row) => !hidden.has(row['number'] ?? ''));
  return c.json({ result: page.map((row) => toView(c, row)) });
}

function toView(c: SandboxContext, row: Row): Row {
  const asked = c.req.query('sysparm_fields')?.split(',');
  return asked === undefined ? row : Object.fromEntries(Object.entries(row).filter(([name]) => asked.includes(name)));
}
