/** Permission for one write, signed by the server and verified by the worker before every vendor call. */
import { z } from 'zod';
import { Instant, PersonId, Sha256Hex, SystemId } from './ids.ts';
import { Item, ItemBasis } from './item.ts';

export const Authorisation = z.object({
  version: z.literal(1),
  kind: ItemBasis,
  personId: PersonId,
  caseN: z.number().int().positive(),
  spellN: z.number().int().positive(),
  fence: z.number().int().nonnegative(),
  policyHash: Sha256Hex,
  item: Item,
  issuedAt: Instant,
  expiresAt: Instant,
});
export type Authorisation = z.infer<typeof Authorisation>;

export const SignedAuthorisation = z.object({ authorisation: Authorisation, keyId: z.string(), signature: z.string() });
export type SignedAuthorisation = z.infer<typeof SignedAuthorisation>;

/** Signed when the leaver is derived, so that a cut-off needs no extra hop. Valid from `effectiveAt` while the fence stands. */
export const DepartureAuthorisation = z.object({
  version: z.literal(1),
  kind: z.literal('departure'),
  personId: PersonId,
  caseN: z.number().int().positive(),
  fence: z.number().int().positive(),
  effectiveAt: Instant,
  systemIds: z.array(SystemId),
  issuedAt: Instant,
});
export type DepartureAuthorisation = z.infer<typeof DepartureAuthorisation>;

export const SignedDeparture = z.object({
  departure: DepartureAuthorisation,
  keyId: z.string(),
  signature: z.string(),
});
export type SignedDeparture = z.infer<typeof SignedDeparture>;

/** Answer of the issuer for one asked item. */
export const IssueResult = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('authorised'), itemDigest: z.string(), signed: SignedAuthorisation }),
  z.object({ outcome: z.literal('refused'), itemDigest: z.string(), reason: z.string() }),
]);
export type IssueResult = z.infer<typeof IssueResult>;

export const IssueRequest = z.strictObject({
  personId: PersonId,
  caseN: z.int32().positive(),
  k: z.int32().nonnegative(),
  itemDigests: z.array(Sha256Hex).min(1).max(10),
});
export type IssueRequest = z.infer<typeof IssueRequest>;
