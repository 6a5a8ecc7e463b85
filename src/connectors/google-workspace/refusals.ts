/** How Google's Admin SDK words its refusals. Pure; no text of the vendor goes on, for it may quote addresses. */
import { z } from 'zod';
import type { DialectVerdict, VendorAnswer } from '../kit/http.ts';

const GoogleError = z.object({
  error: z.object({
    message: z.string().nullish(),
    errors: z.array(z.object({ reason: z.string() })).nullish(),
    status: z.string().nullish(),
  }),
});

/** Quotas are refused with 403 as often as with 429. */
const quotaReasons = new Set(['userRateLimitExceeded', 'rateLimitExceeded', 'quotaExceeded', 'dailyLimitExceeded']);
/** A new or renamed account is not ready for seconds, sometimes for a minute. */
export const settlingRetryMs = 10_000;

/** Vendor code of a 404: which key of the path is unknown. */
export const missing = (key: 'userKey' | 'groupKey' | 'memberKey'): string => `notFound ${key}`;

/**
 * Only a 404 that Google itself worded says that something is gone: a proxy or a wrong path answers 404 to everything, and
 * reading that as "gone" would take access away from everybody.
 */
export function readGoogleRefusal({ status, body }: VendorAnswer): DialectVerdict | null {
  const parsed = GoogleError.safeParse(body);
  if (!parsed.success) return status === 404 ? { code: 'transient', vendorCode: '404 not by Google' } : null;
  const { message, errors, status: name } = parsed.data.error;
  const reason = errors?.[0]?.reason ?? '';
  const vendorCode = /^\w{1,60}$/.test(reason) ? reason : String(status);
  if (quotaReasons.has(reason) || name === 'RESOURCE_EXHAUSTED') return { code: 'throttled', vendorCode };
  if (status === 404) {
    if (reason !== 'notFound' && name !== 'NOT_FOUND') return { code: 'transient', vendorCode };
    const key = /: (userKey|groupKey|memberKey)/.exec(message ?? '')?.[1];
    return { vendorCode: key === undefined ? vendorCode : `notFound ${key}` };
  }
  if (status === 412 && /creation is not complete/i.test(message ?? '')) {
    return { code: 'propagating', vendorCode, retryAfterMs: settlingRetryMs };
  }
  return { vendorCode };
}
