/**
 * ServiceNow incidents through the Table API. The API inserts whatever it is sent, so that the correlation id is looked
 * for first, in such a way that rows hidden from our user cannot pass for "no ticket".
 * https://www.servicenow.com/docs/bundle/zurich-api-reference/page/integrate/inbound-rest/concept/c_TableAPI.html
 */
import { z } from 'zod';
import {
  type CallContext,
  type ConnectorRuntime,
  defineConnector,
  type Page,
  type TicketFields,
  type TicketingConnector,
} from './kit/contract.ts';
import { clip, encodedQuery, type EncodedQueryTerm, pathOf } from './kit/escape.ts';
import type { DialectVerdict, VendorAnswer } from './kit/http.ts';
import { noAccounts } from './kit/no-accounts.ts';
import { collectPages } from './kit/paging.ts';
import { createVendorClient, type VendorClient } from './kit/vendor-client.ts';

export const ServicenowConfig = z.strictObject({
  /** Origin of the instance. */
  url: z.url({ protocol: /^https?$/ }),
  username: z.string().min(1),
  password: z.string().min(1),
  /** Written when a ticket is closed; instances name their codes differently. */
  closeCode: z.string().min(1).default('Solved (Permanently)'),
});
export type ServicenowConfig = z.infer<typeof ServicenowConfig>;

const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((value) => value === 'true')]);
const Incident = z.object({
  sys_id: z.string().min(1),
  number: z.string().min(1),
  correlation_id: z.string().nullish(),
  state: z.union([z.string(), z.number().transform(String)]),
  active: flag.nullish(),
  sys_created_on: z.string().nullish(),
});
type Incident = z.infer<typeof Incident>;
const IncidentReply = z.object({ result: Incident });
const IncidentList = z.object({ result: z.array(Incident) });

const fieldList = 'sys_id,number,correlation_id,state,active,sys_created_on';
/** Resolved, closed, cancelled; a resolved incident stays `active` for some days. */
const endStates = ['6', '7', '8'];
const resolved = '6';
const pageSize = 100;

export const servicenow = defineConnector<'ticketing', ServicenowConfig>({
  manifest: {
    id: 'servicenow',
    displayName: 'ServiceNow',
    kind: 'ticketing',
    capabilities: { ...noAccounts, pageMax: pageSize, workEmailWriteBack: false },
    consistency: { reads: 1, delayMs: 0, windowMs: 0 },
    ratePolicy: { callsPerMinute: 120 },
    scopes: ['create, read and write the table incident'],
    provedOn: ['vendorDescription'],
  },
  configSchema: ServicenowConfig,
  secretFields: ['password'],
  create: createServicenow,
});

function createServicenow(runtime: ConnectorRuntime<ServicenowConfig>): TicketingConnector {
  const { url, username, password, closeCode } = runtime.config;
  const client = createVendorClient(
    runtime,
    { baseUrl: url, auth: { username, password } },
    { dialect: readServicenowRefusal },
  );
  return {
    async check(ctx) {
      const params = () => ({ sysparm_limit: 1, sysparm_fields: fieldList });
      await client.call({ operation: 'check', method: 'GET', path: table, params, schema: IncidentList }, ctx);
      return { isHealthy: true, findings: [{ level: 'ok', text: 'Incidents can be read.' }] };
    },
    ensureTicket: (correlationId, fields, ctx) => ensureTicket(client, correlationId, fields, ctx),
    async comment(ticketId, text, ctx) {
      await update(client, 'comment', ticketId, { work_notes: text }, ctx);
    },
    async close(ticketId, text, ctx) {
      const incident = await readIncident(client, 'close', ticketId, ctx);
      if (incident === null) throw client.fail('notFound', 'close', 'the ticket does not exist');
      if (!isOpen(incident)) return;
      const end = { state: resolved, close_code: closeCode, close_notes: clip(text || 'Closed.', 4000) };
      await update(client, 'close', ticketId, end, ctx);
    },
    async getTicket(ticketId, ctx) {
      const incident = await readIncident(client, 'getTicket', ticketId, ctx);
      if (incident === null) return null;
      return { ...toRef(incident), isOpen: isOpen(incident), correlationId: incident.correlation_id || null };
    },
  };
}

const ServicenowError = z.object({ error: z.object({ detail: z.string() }) });

/** A data policy that asks for more fields answers 403 as well; that is no matter of credentials. */
export function readServicenowRefusal({ status, body }: VendorAnswer): DialectVerdict | null {
  const parsed = status === 403 ? ServicenowError.safeParse(body) : null;
  return parsed?.success === true && /data policy/i.test(parsed.data.error.detail) ? { code: 'validation' } : null;
}

const table = () => pathOf('api', 'now', 'table', 'incident');

/** The oldest open ticket with the id, or a new one. What people wrote into a ticket that exists is left alone. */
async function ensureTicket(client: VendorClient, correlationId: string, fields: TicketFields, ctx: CallContext) {
  const operation = 'ensureTicket';
  const [oldest] = (await findOpen(client, correlationId, ctx)).toSorted(byAge);
  if (oldest !== undefined) return { ...toRef(oldest), outcome: 'adopted' as const };
  const body = {
    correlation_id: correlationId,
    correlation_display: 'usher',
    short_description: clip(fields.shortDescription, 160),
    description: clip(fields.description, 4000),
    urgency: String(fields.urgency),
    impact: String(fields.urgency),
  };
  const params = () => ({ sysparm_fields: fieldList, sysparm_exclude_reference_link: true });
  const call = { operation, method: 'POST' as const, path: table, params, body, schema: IncidentReply };
  const { data } = await client.call(call, ctx);
  return { ...toRef(data.result), outcome: 'created' as const };
}

async function findOpen(client: VendorClient, correlationId: string, ctx: CallContext): Promise<Incident[]> {
  const operation = 'ensureTicket';
  const terms: EncodedQueryTerm[] = [
    { field: 'correlation_id', operator: '=', value: correlationId },
    { field: 'active', operator: '=', value: 'true' },
  ];
  const rows = await collectPages((cursor) => queryPage(client, terms, cursor, ctx), {
    systemId: client.systemId,
    operation,
  });
  // ServiceNow drops terms that it cannot read, and then answers with every incident.
  return rows.filter((row) => row.correlation_id === correlationId && isOpen(row));
}

/**
 * Pages by key. Rows that our user may not see shorten a page and are counted all the same, so that only the count can
 * say where the end is. Hidden rows are an error: a ticket among them would be opened again at each attempt.
 */
async function queryPage(
  client: VendorClient,
  terms: EncodedQueryTerm[],
  cursor: string | null,
  ctx: CallContext,
): Promise<Page<Incident>> {
  const operation = 'ensureTicket';
  const after: EncodedQueryTerm[] = cursor === null ? [] : [{ field: 'sys_id', operator: '>', value: cursor }];
  const params = () => ({
    sysparm_query: encodedQuery([...terms, ...after], 'sys_id'),
    sysparm_limit: pageSize,
    sysparm_fields: fieldList,
    sysparm_exclude_reference_link: true,
  });
  const reply = await client.call({ operation, method: 'GET', path: table, params, schema: IncidentList }, ctx);
  const rows = reply.data.result;
  const last = rows.at(-1);
  const counted = reply.header('x-total-count');
  const total = counted !== null && /^\d+$/.test(counted) ? Number(counted) : null;
  if (last !== undefined) {
    const isComplete = total !== null && rows.length >= total;
    return { items: rows, nextCursor: isComplete ? null : last.sys_id };
  }
  if (total !== null && total > 0) {
    throw client.fail('auth', operation, 'some incidents with this correlation id are hidden from the user');
  }
  return { items: [], nextCursor: null };
}

async function readIncident(
  client: VendorClient,
  operation: string,
  ticketId: string,
  ctx: CallContext,
): Promise<Incident | null> {
  const path = () => pathOf('api', 'now', 'table', 'incident', ticketId);
  const params = () => ({ sysparm_fields: fieldList, sysparm_exclude_reference_link: true });
  const reply = await client.callOrNull({ operation, method: 'GET', path, params, schema: IncidentReply }, ctx);
  if (reply !== null && reply.data.result.sys_id !== ticketId) {
    throw client.fail('transient', operation, 'the answer is about another ticket');
  }
  return reply?.data.result ?? null;
}

async function update(
  client: VendorClient,
  operation: string,
  ticketId: string,
  body: Record<string, string>,
  ctx: CallContext,
): Promise<void> {
  const path = () => pathOf('api', 'now', 'table', 'incident', ticketId);
  const params = () => ({ sysparm_fields: fieldList });
  await client.call({ operation, method: 'PATCH', path, params, body, schema: IncidentReply }, ctx);
}

function byAge(a: Incident, b: Incident): number {
  const [first, second] = [`${a.sys_created_on ?? ''} ${a.sys_id}`, `${b.sys_created_on ?? ''} ${b.sys_id}`];
  return first < second ? -1 : Number(first > second);
}

function isOpen(incident: Incident): boolean {
  return incident.active !== false && !endStates.includes(incident.state);
}

function toRef(incident: Incident) {
  return { ticketId: incident.sys_id, number: incident.number };
}
