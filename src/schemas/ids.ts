/**
 * Identifiers. They are branded where swapping two of them would give the wrong person access.
 * Ids that leave the process (workflow ids, search attributes, queue names) are opaque: none carries a name or an address.
 */
import { z } from 'zod';

export const PersonId = z.uuid().brand<'PersonId'>();
export type PersonId = z.infer<typeof PersonId>;

/** `case_<personId>_<n>`: also the workflow id of the case. */
export const CaseId = z
  .string()
  .regex(/^case_[0-9a-f-]{36}_\d+$/, 'expected case_<personId>_<n>')
  .brand<'CaseId'>();
export type CaseId = z.infer<typeof CaseId>;

/** `approval_<personId>_<n>_<k>`: also the workflow id of the approval. */
export const ApprovalId = z
  .string()
  .regex(/^approval_[0-9a-f-]{36}_\d+_\d+$/, 'expected approval_<personId>_<n>_<k>')
  .brand<'ApprovalId'>();
export type ApprovalId = z.infer<typeof ApprovalId>;

export const DecisionId = z.uuid().brand<'DecisionId'>();
export type DecisionId = z.infer<typeof DecisionId>;

export const SnapshotId = z.uuid().brand<'SnapshotId'>();
export type SnapshotId = z.infer<typeof SnapshotId>;

export const ProposalId = z.uuid().brand<'ProposalId'>();
export type ProposalId = z.infer<typeof ProposalId>;

/** SHA-256 in lower-case hex. */
export const Sha256Hex = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits');

/** A policy version by its hash, or enough of it to be typed. */
export const PolicyHashPrefix = z.string().regex(/^[0-9a-f]{12,64}$/, 'expected 12 to 64 hex digits of a policy hash');

/** Digest of an item: what exactly is granted, to whom, on which terms. Decisions bind to it. */
export const ItemDigest = Sha256Hex.brand<'ItemDigest'>();
export type ItemDigest = z.infer<typeof ItemDigest>;

/** Slug of a system as policy names it. */
export const SystemId = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'expected a lower-case slug of at most 40 characters');
export type SystemId = z.infer<typeof SystemId>;

/** `<system>/<name>` as policy names it. */
export const EntitlementId = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}\/[a-z0-9][a-z0-9._-]{0,79}$/, 'expected <system>/<name>');
export type EntitlementId = z.infer<typeof EntitlementId>;

/** `<hris system>/<key>`: how policy files name a person, for instance `bamboohr/104`. */
export const PersonRef = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}\/[A-Za-z0-9._-]{1,64}$/, 'expected <hris system>/<key>');
export type PersonRef = z.infer<typeof PersonRef>;

/** An instant, ISO 8601 in UTC with a Z. */
export const Instant = z.iso.datetime({ offset: false });
export type Instant = z.infer<typeof Instant>;
