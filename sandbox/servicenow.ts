/**
 * The ticketing of the sandbox, ServiceNow-shaped: the Table API for incidents. POST always inserts, whatever stands
 * there already; a query with an unknown field leaves that condition out, as the vendor does by default.
 * Wire format: https://www.servicenow.com/docs/bundle/latest-api-reference/page/integrate/inbound-rest/concept/c_TableAPI.html
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
import { openStore, type Store } from './store.ts';

export interface ServicenowSandboxOptions extends SandboxOptions {
  username: string;
  password: string;
  /** Resolving or closing needs `close_code` and `close_notes`, as the vendor's data policy demands. Default true. */
  requiresCloseNotes?: boolean;
  /** A resolved incident stays active until it is closed, as on instances that close later by themselves. Default false. */
  resolvedStaysActive?: boolean;
}

export interface ServicenowSandbox extends SandboxServer {
  /** All incidents, oldest first. */
  incidents(): Incident[];
}

const journalFields = ['work_notes', 'comments'] as const;

export const Incident = z.strictObject({
  /** Column values; every one is a string, as on the wire. */
  fields: z.record(z.string(), z.string()),
  journal: z.array(z.strictObject({ field: z.enum(journalFields), text: z.string(), at: z.string() })),
});
export type Incident = z.infer<typeof Incident>;

const ServicenowState = z.strictObject({ nextNumber: z.number().int(), incidents: z.record(z.string(), Incident) });
type ServicenowState = z.infer<typeof ServicenowState>;

/** Columns with the value of a new row. */
const columns: Record<string, string> = {
  short_description: '',
  description: '',
  correlation_id: '',
  correlation_display: '',
  urgency: '3',
  impact: '3',
  priority: '5',
  state: '1',
  active: 'true',
  category: 'inquiry',
  assignment_group: '',
  caller_id: '',
  close_code: '',
  close_notes: '',
};
const readOnly = new Set(['sys_id', 'number', 'sys_created_on', 'sys_updated_on', 'active']);
const maxPage = 10_000;

export function createServicenowSandbox(options: ServicenowSandboxOptions): ServicenowSandbox {
  const seed = (): ServicenowState => ({ nextNumber: 10_001, incidents: {} });
  const store = openStore(ServicenowState, options.state, seed, options.onChange);
  const incidents = (): Incident[] => structuredClone(Object.values(store.data.incidents));
  const kit = createVendorKit({ store, options, refuse, describe: () => ({ incidents: incidents() }) });
  const { app, now } = kit;
  const path = '/api/now/table/incident';
  const parts = {
    store,
    now,
    requiresCloseNotes: options.requiresCloseNotes ?? true,
    inactiveStates: options.resolvedStaysActive === true ? ['7', '8'] : ['6', '7', '8'],
  };
  app.onError((_error, c) => refusal(c, 500, 'Internal error', ''));
  app.use('/api/*', async (c, next) => {
    const auth = readBasicAuth(c);
    const isKnown = auth !== null && isSameSecret(auth.username, options.username);
    if (!isKnown || !isSameSecret(auth.password, options.password)) {
      return refusal(c, 401, 'User Not Authenticated', 'Required to provide Auth information');
    }
    return next();
  });
  app.get(path, (c) => listIncidents(c, store.data));
  app.post(path, (c) => writeIncident(c, parts));
  app.get(`${path}/:id`, (c) => {
    const incident = store.data.incidents[c.req.param('id')];
    return incident === undefined ? noRecord(c) : c.json({ result: toView(c, incident) });
  });
  app.patch(`${path}/:id`, (c) => writeIncident(c, parts, c.req.param('id')));
  app.all('/api/now/table/*', (c) => refusal(c, 400, 'Invalid table', ''));
  return { ...kit.server, incidents };
}

interface WriteParts {
  store: Store<ServicenowState>;
  now: () => Date;
  requiresCloseNotes: boolean;
  inactiveStates: string[];
}

async function writeIncident(c: SandboxContext, parts: WriteParts, id?: string): Promise<Response> {
  const body = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).safeParse(await readJson(c));
  if (!body.success) return refusal(c, 400, 'Exception while reading request', 'The payload is not valid JSON');
  const { data } = parts.store;
  const existing = id === undefined ? newIncident(data, parts.now()) : data.incidents[id];
  if (existing === undefined) return noRecord(c);
  const changed = structuredClone(existing);
  const at = toVendorDateTime(parts.now());
  for (const [name, value] of Object.entries(body.data)) {
    const text = String(value);
    const journal = journalFields.find((field) => field === name);
    if (journal !== undefined && text !== '') changed.journal.push({ field: journal, text, at });
    else if (Object.hasOwn(columns, name) && !readOnly.has(name)) changed.fields[name] = text;
  }
  const isDone = parts.inactiveStates.includes(changed.fields['state'] ?? '');
  const hasNotes = changed.fields['close_code'] !== '' && changed.fields['close_notes'] !== '';
  if (parts.requiresCloseNotes && ['6', '7'].includes(changed.fields['state'] ?? '') && !hasNotes) {
    const detail = 'Data Policy Exception:\nThe following fields are mandatory: Resolution code, Resolution notes';
    return refusal(c, 403, 'Operation Failed', detail);
  }
  changed.fields['active'] = isDone ? 'false' : 'true';
  changed.fields['sys_updated_on'] = at;
  if (id === undefined) data.nextNumber += 1;
  data.incidents[changed.fields['sys_id'] ?? ''] = changed;
  if (id === undefined) c.header('Location', `${c.req.url.split('?')[0]}/${changed.fields['sys_id']}`);
  return c.json({ result: toView(c, changed) }, id === undefined ? 201 : 200);
}

function newIncident(state: ServicenowState, now: Date): Incident {
  const at = toVendorDateTime(now);
  const number = `INC${String(state.nextNumber).padStart(7, '0')}`;
  const own = { sys_id: randomBytes(16).toString('hex'), number, sys_created_on: at, sys_updated_on: at };
  return { fields: { ...columns, ...own }, journal: [] };
}

/** `sysparm_query` with `^`, then keyset or offset paging; the total stands in `X-Total-Count`. */
function listIncidents(c: SandboxContext, state: ServicenowState): Response {
  const limit = Number(c.req.query('sysparm_limit') ?? maxPage);
  const offset = Number(c.req.query('sysparm_offset') ?? 0);
  if (!Number.isInteger(limit) || limit < 0 || !Number.isInteger(offset) || offset < 0) {
    return refusal(c, 400, 'Invalid paging parameter', '');
  }
  const { conditions, order } = parseQuery(c.req.query('sysparm_query') ?? '');
  const rows = Object.values(state.incidents).filter((row) => conditions.every((isMet) => isMet(row.fields)));
  if (order !== null) {
    const { column, sign } = order;
    rows.sort((a, b) => sign * ((a.fields[column] ?? '') < (b.fields[column] ?? '') ? -1 : 1));
  }
  c.header('X-Total-Count', String(rows.length));
  return c.json({ result: rows.slice(offset, offset + limit).map((row) => toView(c, row)) });
}

interface Query {
  conditions: ((fields: Record<string, string>) => boolean)[];
  order: { column: string; sign: 1 | -1 } | null;
}

/** `^` joins with and; a literal `^` is written twice. What names no known column is left out without a word. */
export function parseQuery(text: string): Query {
  const query: Query = { conditions: [], order: null };
  const terms = text
    .replaceAll('^^', '\u0000')
    .split('^')
    .map((term) => term.replaceAll('\u0000', '^'));
  for (const term of terms) {
    const order = /^ORDERBY(DESC)?(\w+)$/.exec(term);
    if (order?.[2] !== undefined) {
      query.order = { column: order[2], sign: order[1] === undefined ? 1 : -1 };
      continue;
    }
    const [, column = '', operator, value = ''] = /^([a-z_]+)(!=|>=|<=|=|>|<|STARTSWITH|IN)(.*)$/su.exec(term) ?? [];
    if (!Object.hasOwn(columns, column) && !readOnly.has(column)) continue;
    query.conditions.push((fields) => isMet(fields[column] ?? '', operator, value));
  }
  return query;
}

function isMet(actual: string, operator: string | undefined, value: string): boolean {
  switch (operator) {
    case '=':
      return actual.toLowerCase() === value.toLowerCase();
    case '!=':
      return actual.toLowerCase() !== value.toLowerCase();
    case '>':
      return actual > value;
    case '<':
      return actual < value;
    case '>=':
      return actual >= value;
    case '<=':
      return actual <= value;
    case 'STARTSWITH':
      return actual.toLowerCase().startsWith(value.toLowerCase());
    default:
      return value.split(',').includes(actual);
  }
}

/** Journal columns read empty, except with display values. */
function toView(c: SandboxContext, { fields, journal }: Incident): Record<string, string> {
  const shown = c.req.query('sysparm_display_value') === 'true';
  const texts = journalFields.map((field) => {
    const entries = shown ? journal.filter((entry) => entry.field === field).reverse() : [];
    return [field, entries.map((entry) => `${entry.at} - Usher\n${entry.text}\n\n`).join('')];
  });
  const view: Record<string, string> = { ...fields, ...Object.fromEntries(texts) };
  const asked = c.req.query('sysparm_fields')?.split(',');
  return asked === undefined ? view : Object.fromEntries(Object.entries(view).filter(([name]) => asked.includes(name)));
}

export function toVendorDateTime(at: Date): string {
  return at.toISOString().slice(0, 19).replace('T', ' ');
}

function noRecord(c: SandboxContext): Response {
  return refusal(c, 404, 'No Record found', "Record doesn't exist or ACL restricts the record retrieval");
}

export function refusal(c: SandboxContext, status: number, message: string, detail: string): Response {
  return c.json({ error: { message, detail }, status: 'failure' }, status as 400);
}

export function refuse(c: SandboxContext, status: number, retryAfterSeconds: number | null): Response {
  if (retryAfterSeconds !== null) c.header('Retry-After', String(retryAfterSeconds));
  return refusal(c, status, status === 429 ? 'Rate limit exceeded' : 'Service unavailable', '');
}
