/**
 * The HRIS of the sandbox, BambooHR-shaped: employees, the list of changes, event-based webhooks with their signature.
 * HR works on it through `hr` or, from outside, through `/_sandbox/hr/*`.
 * Wire format: https://documentation.bamboohr.com/reference
 */
import { z } from 'zod';
import {
  type BamboohrHr,
  createBamboohrHr,
  HireInput,
  HrError,
  Rescission,
  SetFields,
  Termination,
} from './bamboohr-hr.ts';
import { addEmployeeRoutes, addWebhookRoutes, keepWebhook } from './bamboohr-routes.ts';
import { BamboohrState, currentView, type Employee, promoteDue, toVendorInstant } from './bamboohr-state.ts';
import { createWebhookSender, type WebhookBehaviour } from './bamboohr-webhooks.ts';
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
import { openStore } from './store.ts';

export interface BamboohrSandboxOptions extends SandboxOptions {
  apiKey: string;
  /** Signs what goes to `webhookUrl` and to receivers that register without a key of their own. */
  webhookKey: string;
  webhookUrl?: string;
  employees?: Employee[];
  /** Pauses before the second and later attempts of a delivery. */
  webhookRetryDelaysMs?: number[];
}

export interface BamboohrSandbox extends SandboxServer {
  hr: BamboohrHr;
  /** How webhooks are sent; its fields may be set at any time. */
  webhookBehaviour: WebhookBehaviour;
  /** Registers a receiver of all events, signed with `privateKey` (default: `webhookKey`); each URL is kept once. */
  registerWebhook(url: string, privateKey?: string): void;
  /** Resolves when every webhook so far was delivered or given up. */
  settled(): Promise<void>;
}

const defaultRetryDelaysMs = [500, 1000, 2000, 5000, 10_000, 20_000];

export function createBamboohrSandbox(options: BamboohrSandboxOptions): BamboohrSandbox {
  const store = openStore(BamboohrState, options.state, () => seedState(options), options.onChange);
  const kit = createVendorKit({
    store,
    options,
    refuse,
    describe: () => ({ employees: Object.values(store.data.employees).map((employee) => currentView(employee)) }),
  });
  const sender = createWebhookSender({
    store,
    now: kit.now,
    retryDelaysMs: options.webhookRetryDelaysMs ?? defaultRetryDelaysMs,
  });
  const hr = createBamboohrHr({ store, now: kit.now, send: (event) => sender.send(event) });
  const registerWebhook = (url: string, privateKey = options.webhookKey): void =>
    keepWebhook(store, { url, privateKey, created: kit.now() });
  if (options.webhookUrl !== undefined) registerWebhook(options.webhookUrl);

  addPrivateRoutes(kit, { hr, registerWebhook, behaviour: sender.behaviour });
  kit.app.use('/api/*', async (c, next) => {
    const auth = readBasicAuth(c);
    if (auth === null || !isSameSecret(auth.username, options.apiKey)) return c.body(null, 401);
    promoteDue(store, kit.now(), (event) => sender.send(event));
    return next();
  });
  addEmployeeRoutes(kit, store, hr);
  addWebhookRoutes(kit, store);
  return {
    ...kit.server,
    hr,
    webhookBehaviour: sender.behaviour,
    registerWebhook,
    settled: () => sender.settled(),
    close: async () => {
      sender.stop();
      await sender.settled();
      await kit.server.close();
    },
  };
}

function seedState({ employees = [], now = () => new Date() }: BamboohrSandboxOptions): BamboohrState {
  const change = { action: 'Inserted' as const, lastChanged: toVendorInstant(now()) };
  return {
    companyId: '48213',
    nextId: 1 + Math.max(100, ...employees.map((employee) => Number(employee.id))),
    nextWebhookId: 1,
    employees: structuredClone(Object.fromEntries(employees.map((employee) => [employee.id, employee]))),
    changes: Object.fromEntries(employees.map((employee) => [employee.id, change])),
    webhooks: [],
  };
}

function refuse(c: SandboxContext, status: number, retryAfterSeconds: number | null): Response {
  const message = status === 429 ? 'Too many requests' : 'Service unavailable';
  const headers: Record<string, string> =
    retryAfterSeconds === null ? {} : { 'Retry-After': String(retryAfterSeconds) };
  return c.json({ error: { code: status, message } }, status as 500, headers);
}

interface PrivateParts {
  hr: BamboohrHr;
  registerWebhook(url: string, privateKey?: string): void;
  behaviour: WebhookBehaviour;
}

function addPrivateRoutes({ app }: VendorKit, { hr, registerWebhook, behaviour }: PrivateParts): void {
  const Behaviour = z.strictObject({
    copies: z.number().int().min(0),
    delayMs: z.number().min(0),
    isSuppressed: z.boolean(),
  });
  const WebhookTarget = z.strictObject({ url: z.url(), privateKey: z.string().min(1).optional() });
  const RescissionOf = z.strictObject({ id: z.string(), what: Rescission.optional() });
  app.onError((error, c) => {
    if (error instanceof HrError) return c.json({ error: error.message }, 400);
    if (error instanceof z.ZodError) return c.json({ error: z.prettifyError(error) }, 400);
    return c.json({ error: { code: 500, message: 'Internal server error' } }, 500);
  });
  app.get('/_sandbox/hr/employees', (c) => c.json({ employees: hr.list() }));
  app.post('/_sandbox/hr/hire', async (c) => c.json(hr.hire(HireInput.parse(await readJson(c))), 201));
  app.post('/_sandbox/hr/set', async (c) => {
    const { id, fields, effectiveDate } = SetFields.parse(await readJson(c));
    return c.json(hr.setFields(id, fields, effectiveDate));
  });
  app.post('/_sandbox/hr/terminate', async (c) => {
    const { id, ...termination } = Termination.extend({ id: z.string() }).parse(await readJson(c));
    return c.json(hr.terminate(id, termination));
  });
  app.post('/_sandbox/hr/rescind', async (c) => {
    const { id, what } = RescissionOf.parse(await readJson(c));
    return c.json(hr.rescind(id, what));
  });
  app.post('/_sandbox/hr/delete', async (c) => {
    hr.delete(z.strictObject({ id: z.string() }).parse(await readJson(c)).id);
    return c.body(null, 204);
  });
  app.post('/_sandbox/webhook', async (c) => {
    const { url, privateKey } = WebhookTarget.parse(await readJson(c));
    registerWebhook(url, privateKey);
    return c.body(null, 204);
  });
  app.put('/_sandbox/webhook/behaviour', async (c) => {
    Object.assign(behaviour, Behaviour.partial().parse(await readJson(c)));
    return c.json(behaviour);
  });
}
