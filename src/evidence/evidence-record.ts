/**
 * What one record of the evidence log is, and the three hashes over it: the content digest (is this a repeat?), the
 * commitment (which values lie beside it?) and the leaf hash (is it the record that was logged?). No record carries
 * personal data; values that name a person are committed to and kept apart.
 */
import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import { canonicalJson } from '../domain/canonical-json.ts';
import type { BundleContent } from '../schemas/evidence.ts';
import { hashLeaf } from './merkle.ts';

/** Everything a record may say. Kinds are on the record for ever: add, never rename. */
export const evidenceKinds = [
  // Steps of one write to a system.
  'intended',
  'applied',
  'verified',
  'contradicted',
  // Of changes that people make by hand: what the owner of the system says of them.
  'confirmed',
  'denied',
  'refused',
  // Facts and what followed from them.
  'snapshot',
  'derived',
  'planned',
  'found',
  'checked',
  // Decisions.
  'decided',
  'approvalOpened',
  'approvalClosed',
  'authorised',
  'policyProposed',
  'policyApproved',
  'approversChanged',
  'mandated',
  'escalated',
  'asked',
  'answered',
  'policyActivated',
  // The course of cases.
  'cutoffStarted',
  'held',
  'released',
  'caseOpened',
  'caseClosed',
  'handOverEnded',
  'incidentOpened',
  'incidentClosed',
  'alert',
  'erased',
  'tokenIssued',
  // What was there before Usher.
  'imported',
  'systemMode',
  // Proof and watch.
  'archived',
  'caseLost',
  'caseResumed',
  'signalsIgnored',
] as const;
export type EvidenceKind = (typeof evidenceKinds)[number];

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** What decides whether two appends say the same; all of it is public. */
export interface EvidenceContent {
  operationKey: string;
  kind: string;
  personId: string | null;
  caseId: string | null;
  /** Must not name or describe a person: it outlives erasure. */
  body: JsonObject;
}

/** The public record: what the leaf hash covers, and all that an auditor needs in order to recompute it. */
export interface EvidenceRecord extends EvidenceContent {
  seq: number;
  evidenceId: string;
  /** ISO 8601 in UTC. */
  at: string;
  commitment: string | null;
  contentDigest: string;
}

/** Values as they are sealed: the salt makes a short value unguessable once the key is gone. */
export interface SaltedValues {
  /** 256 bits, base64url. */
  salt: string;
  values: Json;
}

/** SHA-256 of the public content, the commitment included; the same for every later append of the same content. */
export function contentDigestOf(content: EvidenceContent, commitment: string | null): string {
  const { operationKey, kind, personId, caseId, body } = content;
  return hash('sha256', canonicalJson({ operationKey, kind, personId, caseId, body, commitment }), 'hex');
}

/** RFC 6962 leaf hash over the canonical JSON of the public record. */
export function leafHashOf(record: EvidenceRecord): Buffer {
  const { seq, evidenceId, operationKey, kind, personId, caseId, at, body, commitment, contentDigest } = record;
  const document = { seq, evidenceId, operationKey, kind, personId, caseId, at, body, commitment, contentDigest };
  return hashLeaf(Buffer.from(canonicalJson(document), 'utf8'));
}

/** HMAC-SHA-256 of the canonical values under the salt: binding, and silent about them without the salt. */
export function commitmentOf({ salt, values }: SaltedValues): string {
  return createHmac('sha256', Buffer.from(salt, 'base64url')).update(canonicalJson(values), 'utf8').digest('hex');
}

/** True when the opened values are those that the record committed to. */
export function isCommittedTo(commitment: string, opened: SaltedValues): boolean {
  const expected = Buffer.from(commitment, 'hex');
  const actual = Buffer.from(commitmentOf(opened), 'hex');
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

/**
 * JSON as PostgreSQL gives it back: without `undefined`, and with the two things it refuses (NUL, half a surrogate
 * pair) replaced by U+FFFD. A step that happened must not stay unrecorded because a vendor sent such a character.
 */
export function storableJson(value: unknown): Json {
  return cleaned(JSON.parse(JSON.stringify(value ?? null)) as Json);
}

function cleaned(value: Json): Json {
  if (typeof value === 'string') return cleanText(value);
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(cleaned);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [cleanText(key), cleaned(inner)]));
}

/** The same for one string. */
export function cleanText(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\uFFFD');
}

/** SHA-256 of the canonical JSON of an exported case, without its hash and signature. */
export function bundleHashOf(content: BundleContent): string {
  return hash('sha256', canonicalJson(content), 'hex');
}
