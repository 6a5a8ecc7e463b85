/**
 * BambooHR as the source of facts about people. Webhooks only say whose record to read again; nothing of their content
 * is believed. Only the listed fields are asked for, and what comes beside them is dropped.
 * https://documentation.bamboohr.com/reference/get-employee
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { PersonFacts } from '../schemas/facts.ts';
import {
  type CallContext,
  type ConnectorRuntime,
  defineConnector,
  type HrisConnector,
  type WebhookVerdict,
  type WriteResult,
} from './kit/contract.ts';
import { clip, pathOf } from './kit/escape.ts';
import { noAccounts } from './kit/no-accounts.ts';
import { noReceipt } from './kit/target-steps.ts';
import { createVendorClient, type VendorClient } from './kit/vendor-client.ts';

const currentFields = [
  'firstName',
  'lastName',
  'displayName',
  'workEmail',
  'jobTitle',
  'department',
  'division',
  'location',
  'employmentHistoryStatus',
  'status',
  'supervisorEId',
];
const datedFields = ['hireDate', 'terminationDate'];
const knownFields = [...currentFields, ...datedFields, 'id'];

export const BamboohrConfig = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).describe('Address of your BambooHR, as https://company.bamboohr.com'),
  apiKey: z.string().min(1).describe('API key of a user who sees the fields that Usher reads (user menu > API Keys)'),
  webhookKey: z.string().min(1).describe('Private key that BambooHR shows once, when the webhook is made'),
  loginField: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_.]{0,99}$/, 'expected the API name of a field')
    .refine((name) => !knownFields.includes(name), 'expected a field of its own')
    .optional()
    .describe('Your own field for the login name, by its API name; written together with the work e-mail'),
  contractorStatuses: z
    .array(z.string())
    .default(['Contractor', 'Consultant', 'Freelancer', 'Temporary Agency'])
    .describe('Employment statuses of people who are not employees; compared without case'),
});
export type BamboohrConfig = z.infer<typeof BamboohrConfig>;

/** Without these the record cannot be judged: a hidden end date must not read as "no end". */
const essentialFields = ['status', 'employmentHistoryStatus', 'hireDate', 'terminationDate'] as const;

const text = z.string().nullish();
const identifier = z.union([z.string(), z.number().int().transform(String)]);

const EmployeeNow = z.object({
  id: identifier,
  firstName: text,
  lastName: text,
  displayName: text,
  workEmail: text,
  jobTitle: text,
  department: text,
  division: text,
  location: text,
  employmentHistoryStatus: text,
  status: text,
  supervisorEId: identifier.nullish(),
});
const EmployeeDates = z.object({ id: identifier, hireDate: text, terminationDate: text });
type Employee = z.infer<typeof EmployeeNow> & z.infer<typeof EmployeeDates>;

const Changes = z.object({
  latest: z.string().nullish(),
  // An empty map arrives as an empty list.
  employees: z.union([z.record(z.string(), z.unknown()), z.array(z.never()).transform(() => ({}))]),
});

/** A number without leading zero: `0` means "whoever owns the API key", and a word may name another endpoint. */
const employeeId = identifier.pipe(z.string().regex(/^[1-9]\d{0,18}$/));
const EventBased = z.object({
  type: z.string().max(100),
  data: z.union([
    z.object({ employeeId }).transform((data) => [data.employeeId]),
    z.object({ employeeIds: z.array(employeeId).min(1) }).transform((data) => data.employeeIds),
  ]),
});
const FieldBased = z.object({
  employees: z.array(z.object({ id: employeeId, action: z.string().max(100).nullish() })).min(1),
});

const timeWindowMs = 5 * 60_000;

export const bamboohr = defineConnector<'hris', BamboohrConfig>({
  manifest: {
    id: 'bamboohr',
    displayName: 'BambooHR',
    kind: 'hris',
    capabilities: { ...noAccounts, pageMax: 1000, workEmailWriteBack: true },
    consistency: { reads: 1, delayMs: 0, windowMs: 0 },
    // Unpublished; what integrations are seen to use without being throttled.
    ratePolicy: { callsPerMinute: 1200 },
    scopes: [`read ${[...currentFields, ...datedFields].join(', ')}`, 'write workEmail, where policy has writeBack'],
    provedOn: ['vendorDescription'],
  },
  configSchema: BamboohrConfig,
  secretFields: ['apiKey', 'webhookKey'],
  create: createBamboohr,
});

function createBamboohr(runtime: ConnectorRuntime<BamboohrConfig>): HrisConnector {
  const { config } = runtime;
  const auth = { username: config.apiKey, password: 'x' };
  const client = createVendorClient(runtime, { baseUrl: config.url, auth });
  return {
    async check(ctx) {
      // The list of employees is described for OAuth only; the fields are listed for an API key as well.
      const path = () => pathOf('api', 'v1', 'meta', 'fields');
      await client.call({ operation: 'check', method: 'GET', path, schema: z.array(z.unknown()) }, ctx);
      return { isHealthy: true, findings: [{ level: 'ok', text: 'The API key is accepted.' }] };
    },
    verifyWebhook: (headers, rawBody, now) => verifyWebhook(config.webhookKey, headers, rawBody, now),
    getPerson: (sourceKey, ctx) => getPerson(client, config, sourceKey, ctx),
    changes: (since, ctx) => changes(client, since, ctx),
    writeWorkEmail: (sourceKey, values, ctx) => writeWorkEmail(client, config, sourceKey, values, ctx),
  };
}

/**
 * Two reads: the facts as of today, and the dates with what lies in the future. One read cannot give both, for the
 * view that shows a future end also shows the future job.
 */
async function getPerson(
  client: VendorClient,
  config: BamboohrConfig,
  sourceKey: string,
  ctx: CallContext,
): Promise<PersonFacts | null> {
  const operation = 'getPerson';
  if (!employeeId.safeParse(sourceKey).success) throw client.fail('validation', operation, 'not an employee id');
  const read = <T>(fields: string[], onlyCurrent: boolean, schema: z.ZodType<T>) => {
    const path = () => pathOf('api', 'v1', 'employees', sourceKey);
    const params = () => ({ fields: fields.join(','), onlyCurrent });
    return client.callOrNull({ operation, method: 'GET', path, params, schema }, ctx);
  };
  const now = await read(currentFields, true, EmployeeNow);
  const dates = now === null ? null : await read(datedFields, false, EmployeeDates);
  if (now === null || dates === null) return null;
  if (now.data.id !== sourceKey || dates.data.id !== sourceKey) {
    throw client.fail('transient', operation, 'the answer is about another employee');
  }
  return toFacts(client, config, { ...now.data, ...dates.data });
}

/**
 * Only into an empty field: what HR wrote is HR's. The read before the write also makes a repeat harmless.
 * https://documentation.bamboohr.com/reference/update-employee
 */
async function writeWorkEmail(
  client: VendorClient,
  { loginField }: BamboohrConfig,
  sourceKey: string,
  { workEmail, login }: { workEmail: string; login: string },
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'writeWorkEmail';
  if (!employeeId.safeParse(sourceKey).success) throw client.fail('validation', operation, 'not an employee id');
  const path = () => pathOf('api', 'v1', 'employees', sourceKey);
  const params = () => ({ fields: 'workEmail', onlyCurrent: true });
  const schema = z.object({ id: identifier, workEmail: text });
  const { data } = await client.call({ operation, method: 'GET', path, params, schema }, ctx);
  if (data.id !== sourceKey) throw client.fail('transient', operation, 'the answer is about another employee');
  // A field that the key may not read is left out of the answer: hidden is not empty.
  if (data.workEmail === undefined) throw client.fail('auth', operation, 'the API key may not read workEmail');
  if (data.workEmail) return { outcome: 'unchanged', receipt: noReceipt };
  const body = { workEmail, ...(loginField === undefined ? {} : { [loginField]: login }) };
  const call = { operation, method: 'POST' as const, path, body, schema: z.unknown() };
  return { outcome: 'changed', receipt: (await client.call(call, ctx)).receipt };
}

function toFacts(client: VendorClient, config: BamboohrConfig, employee: Employee): PersonFacts {
  const hidden = essentialFields.filter((name) => employee[name] === undefined);
  if (hidden.length > 0) {
    throw client.fail('auth', 'getPerson', `the API key may not read ${hidden.join(', ')}`);
  }
  const startDate = toDate(client, employee.hireDate);
  if (startDate === null) throw client.fail('precondition', 'getPerson', 'the record has no hire date');
  const isTerminated = employee.status === 'Inactive' || employee.employmentHistoryStatus === 'Terminated';
  const endDate = toDate(client, employee.terminationDate);
  // The end of an earlier employment stays in the record of a person who came back.
  const isOfEarlierSpell = endDate !== null && endDate < startDate && !isTerminated;
  const status = employee.employmentHistoryStatus?.toLowerCase() ?? '';
  const isContractor = config.contractorStatuses.some((name) => name.toLowerCase() === status);
  const givenName = clip(employee.firstName ?? '', 20_000);
  const familyName = clip(employee.lastName ?? '', 20_000);
  if ((employee.workEmail ?? '').length > 320) {
    throw client.fail('precondition', 'getPerson', 'the work address in the record is too long');
  }
  return {
    sourceKey: employee.id,
    givenName,
    familyName,
    displayName: clip(employee.displayName || `${givenName} ${familyName}`.trim(), 40_000),
    workEmail: employee.workEmail || null,
    title: optional(employee.jobTitle),
    department: optional(employee.department),
    division: optional(employee.division),
    location: optional(employee.location),
    employmentType: isContractor ? 'contractor' : 'employee',
    managerKey: employeeId.safeParse(employee.supervisorEId).success ? (employee.supervisorEId ?? null) : null,
    startDate,
    endDate: isOfEarlierSpell ? null : endDate,
    isTerminated,
  };
}

function optional(value: string | null | undefined): string | null {
  return value ? clip(value, 500) : null;
}

/** BambooHR writes "none" as a date of zeros. */
function toDate(client: VendorClient, value: string | null | undefined): string | null {
  if (value == null || value === '' || value === '0000-00-00') return null;
  if (z.iso.date().safeParse(value).success) return value;
  throw client.fail('precondition', 'getPerson', 'the record has a date that is none');
}

/**
 * Asks from one second before the watermark: BambooHR counts in whole seconds and does not say whether it includes the
 * one asked for. The price is that the last change is read again.
 */
async function changes(client: VendorClient, since: string, ctx: CallContext) {
  const operation = 'changes';
  const sinceMs = Date.parse(since);
  if (Number.isNaN(sinceMs)) throw client.fail('validation', operation, 'the watermark is not an instant');
  const path = () => pathOf('api', 'v1', 'employees', 'changed');
  const params = () => ({ since: toInstant(sinceMs - 1000) });
  const { data } = await client.call({ operation, method: 'GET', path, params, schema: Changes }, ctx);
  const latestMs = data.latest == null || data.latest === '' ? sinceMs : Date.parse(data.latest);
  if (Number.isNaN(latestMs)) throw client.fail('transient', operation, 'the new watermark is not an instant');
  const sourceKeys = Object.keys(data.employees).filter((key) => employeeId.safeParse(key).success);
  return { sourceKeys, latest: toInstant(Math.max(sinceMs, latestMs)) };
}

function toInstant(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** BambooHR signs raw body followed by timestamp: hex HMAC-SHA256 with the webhook's private key. */
function verifyWebhook(
  webhookKey: string,
  headers: Record<string, string | undefined>,
  rawBody: Uint8Array,
  now: Date,
): WebhookVerdict {
  const signature = headers['x-bamboohr-signature'];
  const timestamp = headers['x-bamboohr-timestamp'];
  if (!signature || !timestamp) return refuse('missingHeader', 'signature or timestamp is missing');
  const expected = createHmac('sha256', webhookKey).update(rawBody).update(timestamp).digest('hex');
  if (!isSameDigest(signature.toLowerCase(), expected)) return refuse('badSignature', 'the signature does not fit');
  // Digits only: with any other form, bytes could move between body and timestamp under the same signature.
  const sentMs = /^\d{10}$/.test(timestamp) ? Number(timestamp) * 1000 : Number.NaN;
  if (!(Math.abs(now.getTime() - sentMs) <= timeWindowMs)) {
    return refuse('staleTimestamp', 'the timestamp is not within five minutes');
  }
  const event = parseEvent(rawBody);
  if (event === null) return refuse('malformedBody', 'the body names no employee');
  // From the computed signature: the header may spell the same one in other ways.
  const deliveryKey = createHash('sha256').update(expected).update(rawBody).digest('hex');
  return { outcome: 'accepted', ...event, deliveryKey };
}

function refuse(reason: Extract<WebhookVerdict, { outcome: 'refused' }>['reason'], detail: string): WebhookVerdict {
  return { outcome: 'refused', reason, detail };
}

function isSameDigest(given: string, expected: string): boolean {
  const digest = (value: string) => createHash('sha256').update(value).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/** The event-based form and the older field-based one. */
function parseEvent(rawBody: Uint8Array): { sourceKeys: string[]; eventType: string } | null {
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(rawBody));
  } catch {
    return null;
  }
  const event = EventBased.safeParse(body);
  if (event.success) return { sourceKeys: [...new Set(event.data.data)], eventType: event.data.type };
  const fields = FieldBased.safeParse(body);
  if (!fields.success) return null;
  const actions = new Set(fields.data.employees.map(({ action }) => (action ?? 'updated').toLowerCase()));
  const [action] = actions;
  return {
    sourceKeys: [...new Set(fields.data.employees.map(({ id }) => id))],
    eventType: `employee_with_fields.${actions.size === 1 ? action : 'mixed'}`,
  };
}
