/**
 * The public API of the sandbox HRIS: employees, their changes, webhooks.
 * Wire format: https://documentation.bamboohr.com/reference
 */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { BamboohrHr } from './bamboohr-hr.ts';
import {
  type BamboohrState,
  currentView,
  type Employee,
  EmployeeFields,
  FieldChanges,
  toVendorInstant,
  type Webhook,
} from './bamboohr-state.ts';
import { toVendorDateTime } from './bamboohr-webhooks.ts';
import { readJson, type SandboxContext, type VendorKit } from './kit.ts';
import type { Store } from './store.ts';

const maxFields = 400;
const maxPage = 2500;
const allEvents = ['employee.created', 'employee.updated', 'employee.deleted'];

/** Names of the list endpoint that differ from those of the single employee. */
const listNames: Record<string, string> = {
  workEmail: 'workEmail',
  hireDate: 'hireDate',
  divisionName: 'division',
  departmentName: 'department',
  locationName: 'location',
  employmentStatusName: 'employmentHistoryStatus',
  reportsToId: 'supervisorEId',
};

/** The standard fields have numbers; those of the record that are calculated have none. */
const metaFields = Object.keys(EmployeeFields.shape).map((alias, index) => ({
  id: index + 1,
  name: alias,
  type: /Date$|OfBirth$/.test(alias) ? 'date' : 'text',
  alias,
}));

export function addEmployeeRoutes({ app }: VendorKit, store: Store<BamboohrState>, hr: BamboohrHr): void {
  app.post('/api/v1/employees/:id', (c) => update(c, store, hr));
  app.get('/api/v1/employees/changed', (c) => changed(c, store));
  app.get('/api/v1/employees', (c) => list(c, store));
  app.get('/api/v1/meta/fields', (c) => c.json(metaFields));
  app.get('/api/v1/employees/:id', (c) => {
    const fields = (c.req.query('fields') ?? 'firstName,lastName').split(',');
    if (fields.length > maxFields) return c.body(null, 400);
    const employee = store.data.employees[c.req.param('id')];
    if (employee === undefined) return c.body(null, 404);
    const view = currentView(employee, !['false', '0'].includes(c.req.query('onlyCurrent') ?? 'true'));
    const known = fields.filter((name) => Object.hasOwn(view, name)).map((name) => [name, view[name]]);
    return c.json({ id: employee.id, ...Object.fromEntries(known) });
  });
}

/** Answers 200 without a body; an address that somebody else has is a 409, as the vendor documents it. */
async function update(c: SandboxContext, store: Store<BamboohrState>, hr: BamboohrHr): Promise<Response> {
  const parsed = FieldChanges.safeParse(await readJson(c));
  if (!parsed.success) return c.body(null, 400);
  const id = c.req.param('id') ?? '';
  if (store.data.employees[id] === undefined) return c.body(null, 404);
  const address = parsed.data.workEmail?.toLowerCase();
  const isTaken = Object.values(store.data.employees).some(
    (employee) => employee.id !== id && address !== undefined && employee.workEmail?.toLowerCase() === address,
  );
  if (isTaken) return c.body(null, 409);
  hr.setFields(id, parsed.data);
  return c.body(null, 200);
}

function changed(c: SandboxContext, store: Store<BamboohrState>): Response {
  const since = Date.parse(c.req.query('since') ?? '');
  const type = c.req.query('type') ?? 'all';
  if (Number.isNaN(since) || !['inserted', 'updated', 'deleted', 'all'].includes(type)) return c.body(null, 400);
  const from = toVendorInstant(new Date(since));
  const entries = Object.entries(store.data.changes)
    .filter(([, change]) => change.lastChanged >= from && (type === 'all' || change.action.toLowerCase() === type))
    .map(([id, change]) => [id, { id, ...change }] as const);
  const latest = entries.reduce((last, [, change]) => (change.lastChanged > last ? change.lastChanged : last), from);
  return c.json({ latest, employees: Object.fromEntries(entries) });
}

/** Cursor pages in the order of the ids. */
function list(c: SandboxContext, store: Store<BamboohrState>): Response {
  const limit = Math.min(maxPage, Number(c.req.query('page[limit]') ?? 250));
  const after = readCursor(c.req.query('page[after]'));
  const status = c.req.query('filter[status]')?.toLowerCase();
  const ids = [...(c.req.queries('filter[ids][]') ?? []), ...(c.req.query('filter[ids]')?.split(',') ?? [])];
  if (after === null) return c.json({ error: { code: 'BadPage', message: 'The cursor is malformed.' } }, 400);
  if (!Number.isInteger(limit) || limit < 1 || (status !== undefined && !['active', 'inactive'].includes(status))) {
    return c.json({ error: { code: 'BadRequest', message: 'Invalid request parameters.' } }, 400);
  }
  const all = Object.values(store.data.employees)
    .filter((employee) => ids.length === 0 || ids.includes(employee.id))
    .filter((employee) => status === undefined || (status === 'inactive') === employee.isInactive)
    .sort((a, b) => Number(a.id) - Number(b.id));
  const rest = all.filter((employee) => Number(employee.id) > after);
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  const nextCursor = rest.length > limit && last !== undefined ? writeCursor(last.id) : null;
  const fields = (c.req.query('fields') ?? '').split(',');
  const next = new URL(c.req.url);
  if (nextCursor !== null) next.searchParams.set('page[after]', nextCursor);
  return c.json({
    data: page.map((employee) => toListed(employee, fields)),
    meta: { total: all.length, page: { limit, nextCursor, prevCursor: null } },
    _links: { self: { href: c.req.url }, ...(nextCursor === null ? {} : { next: { href: next.href } }) },
  });
}

function toListed(employee: Employee, fields: string[]): Record<string, unknown> {
  const view = currentView(employee);
  const asked = fields.flatMap((name) =>
    Object.hasOwn(listNames, name) ? [[name, view[listNames[name] ?? name]]] : [],
  );
  return {
    employeeId: employee.id,
    firstName: view['firstName'],
    lastName: view['lastName'],
    preferredName: view['preferredName'],
    photoUrl: null,
    jobTitleName: view['jobTitle'],
    status: view['status'],
    ...Object.fromEntries(asked),
    _restrictedFields: [],
  };
}

function writeCursor(id: string): string {
  return Buffer.from(JSON.stringify({ after: id })).toString('base64url');
}

function readCursor(cursor: string | undefined): number | null {
  if (cursor === undefined) return 0;
  try {
    const text = Buffer.from(cursor, 'base64url').toString('utf8');
    return Number(z.strictObject({ after: z.string().regex(/^\d+$/) }).parse(JSON.parse(text)).after);
  } catch {
    return null;
  }
}

const NewWebhook = z.object({
  name: z.string(),
  url: z.url(),
  format: z.enum(['json', 'form-encoded']),
  events: z.array(z.string()).default(['employee_with_fields.updated']),
  monitorFields: z.array(z.string()).optional(),
});

/** Event-based webhooks in JSON only. The vendor insists on https; the loopback interface is the exception here. */
export function addWebhookRoutes({ app, now }: VendorKit, store: Store<BamboohrState>): void {
  app.get('/api/v1/webhooks', (c) => c.json({ webhooks: store.data.webhooks.map(toSummary) }));
  app.post('/api/v1/webhooks', async (c) => {
    const parsed = NewWebhook.safeParse(await readJson(c));
    const issues = parsed.success ? findIssues(parsed.data) : parsed.error.issues.map((issue) => issue.message);
    if (!parsed.success || issues.length > 0) {
      return c.json({ errors: [{ error: 'Invalid request body', issues }] }, 400);
    }
    const { name, url, events, monitorFields = null } = parsed.data;
    const privateKey = randomBytes(16).toString('hex');
    const webhook = addWebhook(store, { name, url, events, monitorFields, privateKey, created: now() });
    const { id, created } = webhook;
    return c.json({ id, name, created, lastSent: null, url, events, monitorFields, format: 'json', privateKey }, 201);
  });
  app.delete('/api/v1/webhooks/:id', (c) => {
    const rest = store.data.webhooks.filter((webhook) => webhook.id !== c.req.param('id'));
    if (rest.length === store.data.webhooks.length) {
      return c.json({ errors: [{ error: `No webhook was found with ID: ${c.req.param('id')}.` }] }, 404);
    }
    store.data.webhooks = rest;
    return c.body(null, 200);
  });
}

function findIssues({ url, events, monitorFields, format }: z.infer<typeof NewWebhook>): string[] {
  const { protocol, hostname } = new URL(url);
  const isLoopback = protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
  return [
    ...(protocol === 'https:' || isLoopback ? [] : ['url must start with https://']),
    ...(format === 'json' ? [] : ['only the format json is offered']),
    ...(events.every((event) => allEvents.includes(event)) ? [] : ['only employee.* events are offered']),
    ...(events.includes('employee.updated') && !monitorFields?.length ? ['monitorFields is required'] : []),
  ];
}

function toSummary({ id, name, created, lastSent, url }: Webhook): object {
  return { id, name, created, lastSent, url };
}

function addWebhook(
  store: Store<BamboohrState>,
  webhook: Omit<Webhook, 'id' | 'created' | 'lastSent'> & { created: Date },
): Webhook {
  const added = {
    ...webhook,
    id: String(store.data.nextWebhookId++),
    created: toVendorDateTime(webhook.created),
    lastSent: null,
  };
  store.data.webhooks.push(added);
  store.changed();
  return added;
}

/** Registers a receiver of all events and all fields; an URL that is known keeps its id and takes the new key. */
export function keepWebhook(
  store: Store<BamboohrState>,
  { url, privateKey, created }: { url: string; privateKey: string; created: Date },
): void {
  const known = store.data.webhooks.find((webhook) => webhook.url === url);
  if (known === undefined) {
    addWebhook(store, { name: 'Sandbox', url, privateKey, created, events: allEvents, monitorFields: null });
    return;
  }
  known.privateKey = privateKey;
  store.changed();
}
