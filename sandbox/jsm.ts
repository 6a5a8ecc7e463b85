/**
 * Jira Service Management of the sandbox: customer requests. Creating is not idempotent, and the list comes from an index
 * that may lag behind; a request read by its key is always fresh.
 * Wire format: https://developer.atlassian.com/cloud/jira/service-desk/rest/api-group-request/
 */
import { z } from 'zod';
import {
  createVendorKit,
  isSameSecret,
  readBasicAuth,
  readJson,
  type SandboxContext,
  type SandboxOptions,
  type SandboxServer,
  type VendorKit,
} from './kit.ts';
import { openStore, type Store } from './store.ts';

export interface JsmSandboxOptions extends SandboxOptions {
  email: string;
  token: string;
  /** How long the list does not know a new request. Default 0. */
  indexLagMs?: number;
}

const Ticket = z.strictObject({
  id: z.int(),
  summary: z.string(),
  description: z.string(),
  isDone: z.boolean(),
  createdAt: z.string(),
  comments: z.array(z.string()),
});
export type JsmTicket = z.infer<typeof Ticket>;
const State = z.strictObject({ nextId: z.int(), tickets: z.record(z.string(), Ticket) });
type State = z.infer<typeof State>;

export interface JsmSandbox extends SandboxServer {
  /** By key, oldest first. */
  tickets(): Record<string, JsmTicket>;
  serviceDeskId: string;
  requestTypeId: string;
}

const root = '/rest/servicedeskapi';
const serviceDeskId = '4';
const requestTypeId = '17';
const CreateBody = z.object({
  serviceDeskId: z.string(),
  requestTypeId: z.string(),
  requestFieldValues: z.object({ summary: z.string().min(1).max(255), description: z.string().max(32_767) }),
});
const transitions = [
  { id: '11', name: 'Start work' },
  { id: '41', name: 'Resolve this issue' },
];

export function createJsmSandbox(options: JsmSandboxOptions): JsmSandbox {
  const store = openStore<State>(State, options.state, () => ({ nextId: 10_001, tickets: {} }), options.onChange);
  const kit = createVendorKit({ store, options, refuse, describe: () => ({ tickets: store.data.tickets }) });
  const { app } = kit;
  app.onError((_error, c) => failure(c, 500, 'Internal server error'));
  app.use('/rest/*', async (c, next) => {
    const auth = readBasicAuth(c);
    const isKnown = auth !== null && isSameSecret(auth.username, options.email);
    if (!isKnown || !isSameSecret(auth.password, options.token)) return failure(c, 401, 'Client must be authenticated');
    return next();
  });
  app.get(`${root}/servicedesk/:desk/requesttype/:type`, (c) =>
    c.req.param('desk') === serviceDeskId && c.req.param('type') === requestTypeId
      ? c.json({ id: requestTypeId, name: 'Report an incident', serviceDeskId, issueTypeId: '10002', groupIds: [] })
      : failure(c, 404, 'The request type does not exist'),
  );
  requestRoutes(kit, store, options);
  ticketRoutes(kit, store);
  app.all('/rest/*', (c) => failure(c, 404, 'No such resource'));
  return { ...kit.server, tickets: () => structuredClone(store.data.tickets), serviceDeskId, requestTypeId };
}

function requestRoutes({ app, now }: VendorKit, store: Store<State>, options: JsmSandboxOptions): void {
  app.get(`${root}/request`, (c) => {
    const newestMs = now().getTime() - (options.indexLagMs ?? 0);
    const listed = Object.entries(store.data.tickets).filter(
      ([, ticket]) =>
        Date.parse(ticket.createdAt) <= newestMs &&
        (c.req.query('requestStatus') !== 'OPEN_REQUESTS' || !ticket.isDone),
    );
    const start = Number(c.req.query('start') ?? 0);
    const limit = Math.min(Number(c.req.query('limit') ?? 50), 100);
    const values = listed.slice(start, start + limit).map(([key, ticket]) => toView(key, ticket));
    return c.json({ size: values.length, start, limit, isLastPage: start + limit >= listed.length, values });
  });
  app.post(`${root}/request`, async (c) => {
    const body = CreateBody.safeParse(await readJson(c));
    const isMine =
      body.success && body.data.serviceDeskId === serviceDeskId && body.data.requestTypeId === requestTypeId;
    if (!isMine) return failure(c, 400, 'Your request could not be created');
    const { summary, description } = body.data.requestFieldValues;
    if (/[\r\n]/.test(summary))
      return failure(c, 400, 'The summary is invalid because it contains newline characters.');
    const id = store.data.nextId;
    store.data.nextId += 1;
    const key = `IT-${id - 10_000}`;
    const ticket = { id, summary, description, isDone: false, createdAt: now().toISOString(), comments: [] };
    store.data.tickets[key] = ticket;
    return c.json(toView(key, ticket), 201);
  });
}

function ticketRoutes({ app }: VendorKit, store: Store<State>): void {
  const withTicket = (c: SandboxContext, answer: (key: string, ticket: JsmTicket) => Response | Promise<Response>) => {
    const key = c.req.param('key') ?? '';
    const ticket = store.data.tickets[key];
    return ticket === undefined
      ? failure(c, 404, 'Issue does not exist or you do not have permission to see it.')
      : answer(key, ticket);
  };
  app.get(`${root}/request/:key`, (c) => withTicket(c, (key, ticket) => c.json(toView(key, ticket))));
  app.post(`${root}/request/:key/comment`, (c) =>
    withTicket(c, async (_key, ticket) => {
      const { body } = z.object({ body: z.string().min(1), public: z.boolean() }).parse(await readJson(c));
      ticket.comments.push(body);
      return c.json({ id: String(ticket.comments.length), body, public: false }, 201);
    }),
  );
  app.get(`${root}/request/:key/transition`, (c) =>
    withTicket(c, (_key, { isDone }) => {
      const values = isDone ? [] : transitions;
      return c.json({ size: values.length, start: 0, limit: 100, isLastPage: true, values });
    }),
  );
  app.post(`${root}/request/:key/transition`, (c) =>
    withTicket(c, async (_key, ticket) => {
      const body = z
        .object({ id: z.string(), additionalComment: z.object({ body: z.string() }).optional() })
        .parse(await readJson(c));
      if (ticket.isDone || !transitions.some(({ id }) => id === body.id)) return failure(c, 400, 'Invalid transition');
      if (body.id === '41') ticket.isDone = true;
      if (body.additionalComment) ticket.comments.push(body.additionalComment.body);
      return c.body(null, 204);
    }),
  );
}

function toView(key: string, ticket: JsmTicket) {
  const createdAt = new Date(ticket.createdAt);
  const date = {
    iso8601: ticket.createdAt.replace('Z', '+0000'),
    jira: ticket.createdAt.replace('Z', '+0000'),
    friendly: 'Today',
    epochMillis: createdAt.getTime(),
  };
  return {
    issueId: String(ticket.id),
    issueKey: key,
    requestTypeId,
    serviceDeskId,
    createdDate: date,
    requestFieldValues: [
      { fieldId: 'summary', label: 'Summary', value: ticket.summary },
      { fieldId: 'description', label: 'Description', value: ticket.description },
    ],
    currentStatus: ticket.isDone
      ? { status: 'Resolved', statusCategory: 'DONE', statusDate: date }
      : { status: 'Waiting for support', statusCategory: 'NEW', statusDate: date },
  };
}

function failure(c: SandboxContext, status: number, errorMessage: string): Response {
  return c.json({ errorMessage, i18nErrorMessage: { i18nKey: 'sd.error', parameters: [] } }, status as 400);
}

function refuse(c: SandboxContext, status: number, retryAfterSeconds: number | null): Response {
  if (retryAfterSeconds !== null) {
    c.header('Retry-After', String(retryAfterSeconds));
    c.header('RateLimit-Reason', 'jira-burst-based');
  }
  return failure(c, status, status === 429 ? 'Rate limit exceeded' : 'Service unavailable');
}
