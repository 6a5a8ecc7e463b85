/** How GitHub refuses: secondary limits as 403, the limit of invitations as 422, teams that somebody else owns as 403. */
import { z } from 'zod';
import type { DialectVerdict, VendorAnswer } from '../kit/http.ts';

const Refusal = z.object({
  message: z.string().nullish(),
  errors: z.array(z.object({ message: z.string().nullish() })).nullish(),
  scimType: z.string().nullish(),
  detail: z.string().nullish(),
});

/** GitHub names no end of its window of 24 hours for invitations: once an hour is often enough. */
const invitationWaitMs = 60 * 60_000;
/** Without `retry-after`, GitHub asks for at least a minute after a secondary limit. */
const secondaryWaitMs = 60_000;

/** Reads a refusal; the texts are those that GitHub's documentation and its users report. */
export function readGithubRefusal({ status, header, body }: VendorAnswer): DialectVerdict | null {
  if (![400, 403, 422, 429].includes(status)) return null;
  const parsed = Refusal.safeParse(body);
  // The description of this PATCH knows no 409.
  if (status === 400) {
    const isTaken = parsed.success && parsed.data.scimType === 'uniqueness';
    return isTaken ? { code: 'conflict', vendorCode: 'uniqueness' } : null;
  }
  const { message, detail, errors } = parsed.success ? parsed.data : {};
  const all = [message, detail, ...(errors ?? []).map((error) => error.message)]
    .filter((message) => typeof message === 'string')
    .join('\n');
  if (/invitation rate limit/i.test(all)) {
    return { code: 'throttled', vendorCode: 'invitationLimit', retryAfterMs: invitationWaitMs };
  }
  if (status === 422) return null;
  if (/secondary rate limit|abuse detection/i.test(all)) {
    const wait = header('retry-after') === null ? { retryAfterMs: secondaryWaitMs } : {};
    return { code: 'throttled', vendorCode: 'secondaryLimit', ...wait };
  }
  if (status === 403 && /synchroni[sz]|externally managed|identity provider/i.test(all)) {
    return { code: 'precondition', vendorCode: 'teamOwnedElsewhere' };
  }
  return null;
}
