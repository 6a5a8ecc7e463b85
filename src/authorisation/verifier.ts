/** The writer's side: nothing is written on a permission that is forged, foreign, old, or overtaken by a newer event. */
import type { SignedAuthorisation, SignedDeparture } from '../schemas/authorisation.ts';
import type { Verifier } from '../store/signing-key.ts';

export type AuthorisationVerdict =
  { isValid: true } | { isValid: false; because: 'forged' | 'foreign' | 'expired' | 'superseded' | 'notYet' };

export interface ExpectedWrite {
  personId: string;
  caseN: number;
  itemDigest: string;
  systemId: string;
  /** The person's fence as the store says now. */
  fence: number;
}

/** Clocks of server and worker may differ by so much. */
const CLOCK_SKEW_MS = 30_000;

/** Checks signature, subject, age by the verifier's own clock, and fence. Pure but for the key lookup. */
export function checkAuthorisation(
  verifier: Verifier,
  signed: SignedAuthorisation,
  expected: ExpectedWrite,
  now: Date,
): AuthorisationVerdict {
  const { authorisation } = signed;
  if (!verifier.verify('authorisation', authorisation, signed)) return { isValid: false, because: 'forged' };
  const isOurs =
    authorisation.personId === expected.personId &&
    authorisation.caseN === expected.caseN &&
    authorisation.item.itemDigest === expected.itemDigest &&
    authorisation.item.systemId === expected.systemId;
  if (!isOurs) return { isValid: false, because: 'foreign' };
  if (authorisation.fence !== expected.fence) return { isValid: false, because: 'superseded' };
  if (Date.parse(authorisation.issuedAt) > now.getTime() + CLOCK_SKEW_MS) return { isValid: false, because: 'notYet' };
  if (Date.parse(authorisation.expiresAt) <= now.getTime()) return { isValid: false, because: 'expired' };
  return { isValid: true };
}

/**
 * Checks the departure behind a cut-off. It lives from its effective moment until a newer event moves the fence on.
 */
export function checkDeparture(
  verifier: Verifier,
  signed: SignedDeparture,
  expected: { personId: string; caseN: number; systemId: string; fence: number },
  now: Date,
): AuthorisationVerdict {
  const { departure } = signed;
  if (!verifier.verify('departure', departure, signed)) return { isValid: false, because: 'forged' };
  const isOurs =
    departure.personId === expected.personId &&
    departure.caseN === expected.caseN &&
    departure.systemIds.includes(expected.systemId);
  if (!isOurs) return { isValid: false, because: 'foreign' };
  if (departure.fence !== expected.fence) return { isValid: false, because: 'superseded' };
  if (Date.parse(departure.effectiveAt) > now.getTime() + CLOCK_SKEW_MS) return { isValid: false, because: 'notYet' };
  return { isValid: true };
}
