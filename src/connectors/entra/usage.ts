/**
 * Last sign-ins, from `signInActivity` of the accounts. Graph keeps none for who has not signed in since it began to
 * count (2020), so that a missing one is unknown and never "never". It needs a premium licence (P1) of the tenant.
 * https://learn.microsoft.com/graph/api/resources/signinactivity
 */
import { z } from 'zod';
import type { CallContext, Page, UsageView } from '../kit/contract.ts';
import { isConnectorError } from '../kit/vendor-client.ts';
import { type EntraApi, listPage } from './graph.ts';

/** Graph gives no larger pages with this property. */
const usagePageMax = 500;
const moment = z.iso.datetime({ offset: true }).nullish();

const SignIns = z.object({
  id: z.string().min(1),
  signInActivity: z
    .object({
      lastSuccessfulSignInDateTime: moment,
      lastSignInDateTime: moment,
      lastNonInteractiveSignInDateTime: moment,
    })
    .nullish(),
});
type SignIns = z.infer<typeof SignIns>;

/** Throws `unsupported` where the tenant's licence or the permission is missing. */
export async function listUsage(
  api: EntraApi,
  since: string | null,
  cursor: string | null,
  ctx: CallContext,
): Promise<Page<UsageView>> {
  const page = await readSignIns(api, { operation: 'listUsage', cursor, top: usagePageMax }, ctx);
  const sinceMs = since === null ? Number.NEGATIVE_INFINITY : Date.parse(since);
  const rows = page.items.flatMap((user) => {
    const lastUsedAt = lastUseOf(user);
    const isNews = lastUsedAt !== null && Date.parse(lastUsedAt) >= sinceMs;
    return isNews ? [{ accountId: user.id, vendorEntitlementId: null, lastUsedAt }] : [];
  });
  return { ...page, items: rows };
}

/** Whether last sign-ins can be read at all; one row is asked for. */
export async function canReadUsage(api: EntraApi, ctx: CallContext): Promise<boolean> {
  try {
    await readSignIns(api, { operation: 'check', cursor: null, top: 1 }, ctx);
    return true;
  } catch (error) {
    if (isConnectorError(error, 'unsupported')) return false;
    throw error;
  }
}

async function readSignIns(
  api: EntraApi,
  { operation, cursor, top }: { operation: string; cursor: string | null; top: number },
  ctx: CallContext,
): Promise<Page<SignIns>> {
  const query = () => ({ $select: 'id,signInActivity', $top: top });
  try {
    return await listPage(api, { operation, segments: ['users'], schema: SignIns, cursor, query }, ctx);
  } catch (error) {
    const isRefused = isConnectorError(error, 'auth') && error.detail.vendorCode === 'Authorization_RequestDenied';
    if (!isRefused) throw error;
    throw api.client.fail('unsupported', operation, 'last sign-ins cannot be read without AuditLog.Read.All');
  }
}

/** The last success; from before Graph told successes apart, the last attempt of any kind. */
function lastUseOf({ signInActivity }: SignIns): string | null {
  if (signInActivity == null) return null;
  const { lastSuccessfulSignInDateTime, lastSignInDateTime, lastNonInteractiveSignInDateTime } = signInActivity;
  const attempts = [lastSignInDateTime, lastNonInteractiveSignInDateTime].filter(isReal);
  if (isReal(lastSuccessfulSignInDateTime)) return new Date(lastSuccessfulSignInDateTime).toISOString();
  const latest = Math.max(...attempts.map((at) => Date.parse(at)));
  return attempts.length === 0 ? null : new Date(latest).toISOString();
}

/** Graph writes the first day of the calendar for a moment that it does not have. */
function isReal(at: string | null | undefined): at is string {
  return at != null && !at.startsWith('0001-');
}
