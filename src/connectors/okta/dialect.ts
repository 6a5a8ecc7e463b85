/** How Okta words its refusals: error codes of its management API, and OAuth's at the token endpoint. Pure. */
import { z } from 'zod';
import type { DialectVerdict, VendorAnswer } from '../kit/http.ts';

const OktaError = z.object({
  errorCode: z.string().regex(/^E\d{7}$/),
  errorCauses: z.array(z.object({ errorSummary: z.string() })).nullish(),
});

/** RFC 6749 section 5.2, RFC 9449: a closed list, since the word goes into errors and tickets. */
const oauthErrors = [
  'invalid_client',
  'invalid_scope',
  'invalid_grant',
  'invalid_request',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_dpop_proof',
  'use_dpop_nonce',
  'access_denied',
] as const;
const OAuthError = z.object({ error: z.enum(oauthErrors) });

export const missingScope = 'insufficient_scope';
export const noPermission = 'E0000006';

/** Okta answers a duplicate with 400 E0000001, and several refusals by status with 403. */
export function readOktaRefusal({ status, header, body }: VendorAnswer): DialectVerdict | null {
  // The body of a token without the scope is empty; the header says what is wrong (RFC 6750 section 3.1).
  if (status === 403 && /\berror="?insufficient_scope\b/.test(header('www-authenticate') ?? '')) {
    return { code: 'auth', vendorCode: missingScope };
  }
  const parsed = OktaError.safeParse(body);
  if (!parsed.success) return null;
  const { errorCode: vendorCode, errorCauses } = parsed.data;
  const isDuplicate = (errorCauses ?? []).some(({ errorSummary }) => /already exists/i.test(errorSummary));
  if (status === 400 && vendorCode === 'E0000001' && isDuplicate) return { code: 'conflict', vendorCode };
  // E0000016: already active. E0000038: not allowed in the current status.
  if (vendorCode === 'E0000016' || vendorCode === 'E0000038') return { code: 'precondition', vendorCode };
  return { vendorCode };
}

/** Whatever the token endpoint refuses is a matter of our credentials, and heals when they are mended. */
export function readTokenRefusal({ status, body }: VendorAnswer): DialectVerdict | null {
  if (status !== 400 && status !== 401 && status !== 403) return null;
  const parsed = OAuthError.safeParse(body);
  return { code: 'auth', ...(parsed.success ? { vendorCode: parsed.data.error } : {}) };
}
