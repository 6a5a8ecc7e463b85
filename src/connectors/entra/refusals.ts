/** How Microsoft Graph words its refusals. Pure; no text of the vendor goes on, for it may quote values. */
import { z } from 'zod';
import type { DialectVerdict, VendorAnswer } from '../kit/http.ts';

const GraphError = z.object({
  error: z.object({
    code: z.string(),
    message: z.string().nullish(),
    details: z.array(z.object({ code: z.string(), target: z.string().nullish() })).nullish(),
  }),
});

/** Replicas of the directory catch up within seconds, rarely minutes. */
export const replicaRetryMs = 5_000;

/** Vendor code of a duplicate: which property it is about, where Graph says so. */
export const duplicateOf = (property: string): string => `duplicate ${property}`;

/**
 * Graph answers duplicates with 400, a reference to something that another replica does not know yet with 400 as well, and
 * a tenant without a premium licence with 403.
 */
export function readGraphRefusal({ status, body }: VendorAnswer): DialectVerdict | null {
  const parsed = GraphError.safeParse(body);
  if (!parsed.success) return null;
  const { code, message, details } = parsed.data.error;
  const vendorCode = /^[\w.-]{1,80}$/.test(code) ? code : String(status);
  const text = message ?? '';
  if (status === 400) {
    const property = /same value for property (\w{1,40}) already exists/i.exec(text)?.[1];
    if (property !== undefined) return { code: 'conflict', vendorCode: duplicateOf(property) };
    if ((details ?? []).some((detail) => detail.code === 'ObjectConflict')) return { code: 'conflict', vendorCode };
    if (/object references already exist/i.test(text)) return { code: 'conflict', vendorCode };
    if (/not a valid reference update/i.test(text))
      return { code: 'propagating', vendorCode, retryAfterMs: replicaRetryMs };
  }
  if (code.startsWith('Authentication_RequestFromNonPremiumTenant')) return { code: 'unsupported', vendorCode };
  // Two writes of one object met: the later one may come again.
  if (code === 'Directory_ConcurrencyViolation') return { code: 'transient', vendorCode };
  return { vendorCode };
}
