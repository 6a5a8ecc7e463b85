/**
 * Jira Service Management: incidents of Usher as customer requests. Creating one is not idempotent, and the list of requests
 * comes from an index that lags, so that our id stands in the request itself, a lost answer is waited for before anything is
 * created again, and of several open requests with one id the oldest stays.
 * https://developer.atlassian.com/cloud/jira/service-desk/rest/api-group-request/
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
import { clip, pathOf } from './kit/escape.ts';
import type { DialectVerdict, VendorAnswer } from './kit/http.ts';
import { noAccounts } from './kit/no-accounts.ts';
import { collectPages } from './kit/paging.ts';
import { createVendorClient, isConnectorError, type VendorClient } from './kit/vendor-client.ts';

export const JsmConfig = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).describe('Address of the site, such as https://example.atlassian.net'),
  email: z.string().min(1).describe('E-mail of the account that the token belongs to; an agent of the service project'),
  token: z.string().min(1).describe('API token of that account (id.atlassian.com, Security, API tokens)'),
  serviceDeskId: z
    .string()
    .regex(/^\d+$/)
    .describe('Id of the service project (GET /rest/servicedeskapi/servicedesk lists them)'),
  requestTypeId: z
    .string()
    .regex(/^\d+$/)
    .describe('Id of the request type for incidents; it needs summary and description and no other field'),
  closeTransition: z
    .string()
    .min(1)
    .default('Resolve this issue')
    .describe('Name of the transition that closes a request'),
  indexLagSeconds: z.int().min(0).max(600).default(60).describe('How long a new request may be missing from the list'),
});
export type JsmConfig = z.infer<typeof JsmConfig>;

const Request = z.object({
  issueId: z.string().regex(/^\d+$/),
  issueKey: z.string().min(1),
  requestFieldValues: z.array(z.object({ fieldId: z.string(), value: z.unknown() })).nullish(),
  currentStatus: z.object({ statusCategory: z.string() }),
});
type Request = z.infer<typeof Request>;
const RequestPage = z.object({ start: z.int(), size: z.int(), isLastPage: z.boolean(), values: z.array(Request) });
const TransitionPage = z.object({
  isLastPage: z.boolean(),
  values: z.array(z.object({ id: z.string(), name: z.string() })),
});

const pageSize = 50;
/** Jira takes 255 characters of a summary and 32,767 of a text. */
const summaryMax = 255;
const textMax = 32_767;

export const jsm = defineConnector<'ticketing', JsmConfig>({
  manifest: {
    id: 'jsm',
    displayName: 'Jira Service Management',
    kind: 'ticketing',
    capabilities: { ...noAccounts, pageMax: pageSize, workEmailWriteBack: false },
    consistency: { reads: 1, delayMs: 0, windowMs: 0 },
    ratePolicy: { callsPerMinute: 120 },
    scopes: ['read:servicedesk-request', 'write:servicedesk-request'],
    provedOn: ['vendorDescription'],
  },
  configSchema: JsmConfig,
  secretFields: ['token'],
  create: createJsm,
});

interface Desk {
  client: VendorClient;
  config: JsmConfig;
  /** By our id: until when a request whose creation got no answer may still come up. */
  lostUntil: Map<string, number>;
  now: () => number;
}

function createJsm(runtime: ConnectorRuntime<JsmConfig>): TicketingConnector {
  const { config } = runtime;
  const { url, email, token, serviceDeskId, requestTypeId } = config;
  const auth = { username: email, password: token };
  const client = createVendorClient(runtime, { baseUrl: url, auth }, { dialect: readJiraRefusal });
  const desk: Desk = { client, config, lostUntil: new Map(), now: () => runtime.now() };
  return {
    async check(ctx) {
      const path = () => pathOf('rest', 'servicedeskapi', 'servicedesk', serviceDeskId, 'requesttype', requestTypeId);
      await client.call({ operation: 'check', method: 'GET', path, schema: z.object({ id: z.string() }) }, ctx);
      return { isHealthy: true, findings: [{ level: 'ok', text: 'The request type can be read.' }] };
    },
    ensureTicket: (correlationId, fields, ctx) => ensureTicket(desk, correlationId, fields, ctx),
    async comment(ticketId, text, ctx) {
      const body = { body: clip(text || '-', textMax), public: false };
      const path = () => requestPath(ticketId, 'comment');
      await client.call({ operation: 'comment', method: 'POST', path, body, schema: z.unknown() }, ctx);
    },
    close: (ticketId, text, ctx) => close(desk, ticketId, text, ctx),
    async getTicket(ticketId, ctx) {
      const request = await readRequest(client, 'getTicket', ticketId, ctx);
      if (request === null) return null;
      return { ...toRef(request), isOpen: isOpen(request), correlationId: correlationIdOf(request) };
    },
  };
}

/** Jira throttles with 429, and with 503 where it says when to come back; the time of the end is ISO 8601, no number. */
export function readJiraRefusal({ status, header }: VendorAnswer): DialectVerdict | null {
  const reason = header('ratelimit-reason');
  if (status === 503 && (header('retry-after') !== null || reason !== null)) {
    return { code: 'throttled', ...(reason === null ? {} : { vendorCode: reason }) };
  }
  return status === 429 && reason !== null ? { vendorCode: reason } : null;
}

const requestPath = (...segments: string[]) => pathOf('rest', 'servicedeskapi', 'request', ...segments);
const mark = 'Usher reference: ';
const idShape = /^[A-Za-z0-9._:-]{1,100}$/;

async function ensureTicket(desk: Desk, correlationId: string, fields: TicketFields, ctx: CallContext) {
  const operation = 'ensureTicket';
  const { client, lostUntil } = desk;
  if (!idShape.test(correlationId)) {
    throw client.fail('validation', operation, 'a correlation id has letters, digits, dots, colons and dashes only');
  }
  const [oldest, ...others] = (await findOpen(desk, correlationId, ctx)).toSorted(byAge);
  if (oldest !== undefined) {
    // The index hid the first when a later one was made.
    for (const { issueKey } of others) await close(desk, issueKey, `The same as ${oldest.issueKey}.`, ctx);
    return { ...toRef(oldest), outcome: 'adopted' as const };
  }
  if ((lostUntil.get(correlationId) ?? 0) > desk.now()) {
    throw client.fail('propagating', operation, 'an answer was lost: the list is waited for before another is opened');
  }
  return { ...toRef(await create(desk, correlationId, fields, ctx)), outcome: 'created' as const };
}

async function create(desk: Desk, correlationId: string, fields: TicketFields, ctx: CallContext): Promise<Request> {
  const { client, config, lostUntil } = desk;
  const reference = `\n\nUrgency: ${fields.urgency}\n${mark}${correlationId}`;
  const body = {
    serviceDeskId: config.serviceDeskId,
    requestTypeId: config.requestTypeId,
    requestFieldValues: {
      // A summary has one line, and may not be empty.
      summary: clip(fields.shortDescription.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim() || '-', summaryMax),
      description: clip(fields.description, textMax - reference.length) + reference,
    },
  };
  const path = () => requestPath();
  try {
    const call = { operation: 'ensureTicket', method: 'POST' as const, path, body, schema: Request };
    const { data } = await client.call(call, ctx);
    lostUntil.delete(correlationId);
    return data;
  } catch (error) {
    if (isConnectorError(error, 'unknownOutcome', 'transient'))
      lostUntil.set(correlationId, desk.now() + config.indexLagSeconds * 1000);
    throw error;
  }
}

/** All open requests of our own of this type: Usher has one for each open incident, so that they are few. */
async function findOpen(desk: Desk, correlationId: string, ctx: CallContext): Promise<Request[]> {
  const options = { systemId: desk.client.systemId, operation: 'ensureTicket' };
  const all = await collectPages((cursor) => openPage(desk, cursor, ctx), options);
  return all.filter((request) => correlationIdOf(request) === correlationId && isOpen(request));
}

async function openPage({ client, config }: Desk, cursor: string | null, ctx: CallContext): Promise<Page<Request>> {
  const start = cursor === null ? 0 : Number(cursor);
  const params = () => ({
    requestOwnership: 'OWNED_REQUESTS',
    requestStatus: 'OPEN_REQUESTS',
    serviceDeskId: config.serviceDeskId,
    requestTypeId: config.requestTypeId,
    start,
    limit: pageSize,
  });
  const path = () => requestPath();
  const call = { operation: 'ensureTicket', method: 'GET' as const, path, params, schema: RequestPage };
  const { data } = await client.call(call, ctx);
  if (!data.isLastPage && data.values.length === 0) {
    throw client.fail('transient', 'ensureTicket', 'an empty page that is not the last');
  }
  return { items: data.values, nextCursor: data.isLastPage ? null : String(start + data.values.length) };
}

async function readRequest(client: VendorClient, operation: string, ticketId: string, ctx: CallContext) {
  const path = () => requestPath(ticketId);
  const reply = await client.callOrNull({ operation, method: 'GET', path, schema: Request }, ctx);
  return reply?.data ?? null;
}

async function close({ client, config }: Desk, ticketId: string, text: string, ctx: CallContext): Promise<void> {
  const request = await readRequest(client, 'close', ticketId, ctx);
  if (request === null) throw client.fail('notFound', 'close', 'the ticket does not exist');
  if (!isOpen(request)) return;
  const path = () => requestPath(ticketId, 'transition');
  const params = () => ({ start: 0, limit: 100 });
  const call = { operation: 'close', method: 'GET' as const, path, params, schema: TransitionPage };
  const { values } = (await client.call(call, ctx)).data;
  const found = values.filter(({ name }) => name.toLowerCase() === config.closeTransition.toLowerCase());
  const [transition] = found;
  if (transition === undefined || found.length > 1) {
    const message = 'the request has no transition of the name that closeTransition says, or several';
    throw client.fail('precondition', 'close', message);
  }
  const body = { id: transition.id, additionalComment: { body: clip(text || 'Closed.', textMax) } };
  await client.call({ operation: 'close', method: 'POST', path, body, schema: z.unknown() }, ctx);
}

/** The last such line is ours, whatever the text before it says. */
function correlationIdOf({ requestFieldValues }: Request): string | null {
  const text = requestFieldValues?.find(({ fieldId }) => fieldId === 'description')?.value;
  if (typeof text !== 'string') return null;
  const line = text.split(/\r?\n/u).findLast((each) => each.startsWith(mark));
  return line?.slice(mark.length).trim() ?? null;
}

function isOpen({ currentStatus }: Request): boolean {
  return currentStatus.statusCategory !== 'DONE';
}

/** Ids count up. */
function byAge(a: Request, b: Request): number {
  return Number(a.issueId) - Number(b.issueId);
}

function toRef({ issueKey }: Request) {
  return { ticketId: issueKey, number: issueKey };
}
