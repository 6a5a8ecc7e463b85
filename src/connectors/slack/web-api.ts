/**
 * Slack's Web API beside SCIM: procedures, not resources. It refuses with 200 and `ok: false`, throttling included, which
 * may come without a header; both become ConnectorErrors here.
 */
import { z } from 'zod';
import type { CallContext, VendorReceipt } from '../kit/contract.ts';
import { ConnectorError, type ConnectorErrorCode } from '../kit/errors.ts';
import { pathOf, queryString } from '../kit/escape.ts';
import { readRetryAfterMs } from '../kit/retry-after.ts';
import type { VendorClient, VendorReply } from '../kit/vendor-client.ts';

export interface WebCall<T> {
  operation: string;
  /** A read travels as GET, everything else as a form. */
  kind: 'read' | 'write';
  /** Name of the procedure: `team.accessLogs`. */
  procedure: string;
  params: Record<string, string | number>;
  /** Of the answer besides `ok`. */
  schema: z.ZodType<T>;
}

export interface WebReply<T> {
  data: T;
  receipt: VendorReceipt;
  header: (name: string) => string | null;
}

/** Slack names no time to wait where it refuses without a header: a window of its tiers is one minute. */
const defaultWaitMs = 60_000;

const Verdict = z.looseObject({ ok: z.boolean(), error: z.string().optional(), needed: z.string().optional() });

/** Calls one procedure. Throws ConnectorErrors with Slack's own word as `vendorCode`. */
export async function callWebApi<T>(
  client: VendorClient,
  call: WebCall<T>,
  { now, ctx }: { now: () => number; ctx: CallContext },
): Promise<WebReply<T>> {
  const { operation, kind, procedure, params, schema } = call;
  const path = () => pathOf(procedure);
  const request = { operation, path, schema: Verdict };
  const form = { body: queryString(params), contentType: 'application/x-www-form-urlencoded' };
  const reply =
    kind === 'read'
      ? await client.call({ ...request, method: 'GET', params: () => params }, ctx)
      : await client.call({ ...request, method: 'POST', ...form }, ctx);
  if (!reply.data.ok) throw refusalOf(client, operation, reply, now());
  const parsed = schema.safeParse(reply.data);
  if (!parsed.success) throw client.fail('transient', operation, 'the answer does not have the expected shape');
  return { data: parsed.data, receipt: reply.receipt, header: reply.header };
}

function refusalOf(
  client: VendorClient,
  operation: string,
  { data, header, receipt }: VendorReply<z.infer<typeof Verdict>>,
  nowMs: number,
): ConnectorError {
  const word = /^[a-z_]{1,60}$/.test(data.error ?? '') ? (data.error ?? '') : 'unknown';
  const code = codes[word] ?? 'validation';
  const wait = code === 'throttled' ? { retryAfterMs: readRetryAfterMs(header, nowMs) ?? defaultWaitMs } : {};
  const requestId = receipt.requestId === null ? {} : { vendorRequestId: receipt.requestId };
  const detail = { systemId: client.systemId, operation, vendorCode: word, ...wait, ...requestId };
  return new ConnectorError(code, 'Slack refused the call', detail);
}

/** https://docs.slack.dev/reference/methods: the errors of the procedures in use, and those that all share. */
const codes: Record<string, ConnectorErrorCode | undefined> = {
  ratelimited: 'throttled',
  rate_limited: 'throttled',
  not_authed: 'auth',
  invalid_auth: 'auth',
  account_inactive: 'auth',
  token_revoked: 'auth',
  token_expired: 'auth',
  missing_scope: 'auth',
  no_permission: 'auth',
  not_allowed_token_type: 'auth',
  access_denied: 'auth',
  org_login_required: 'auth',
  user_not_found: 'notFound',
  feature_not_enabled: 'unsupported',
  not_an_enterprise: 'unsupported',
  paid_only: 'unsupported',
  paid_teams_only: 'unsupported',
  fatal_error: 'transient',
  internal_error: 'transient',
  request_timeout: 'transient',
  service_unavailable: 'transient',
};
