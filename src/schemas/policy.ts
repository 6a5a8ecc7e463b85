/**
 * The shape of policy: a folder of YAML files, each a map with some of the keys of {@link PolicyDocument}. Files are
 * merged (lists are concatenated, `routing` and `lifecycle` may stand in one file only).
 */
import { z } from 'zod';
import { EmailPattern } from './email-pattern.ts';
import { EntitlementId, PersonRef, SystemId } from './ids.ts';
import { OwnedAttribute } from './owned-attribute.ts';

/** `90s`, `15m`, `24h`, `3d`; parsed to seconds. */
export const DurationSeconds = z
  .string()
  .regex(/^\d{1,6}(s|m|h|d)$/, 'expected a duration such as 90s, 15m, 24h or 3d')
  .transform(
    (text) => Number(text.slice(0, -1)) * { s: 1, m: 60, h: 3600, d: 86_400 }[text.at(-1) as 's' | 'm' | 'h' | 'd'],
  )
  .pipe(z.int().nonnegative());

export const DataClass = z.enum(['none', 'internal', 'financial', 'customerPersonal']);
export type DataClass = z.infer<typeof DataClass>;

export const SystemPolicy = z.strictObject({
  id: SystemId,
  connector: z.string().min(1),
  displayName: z.string().min(1).max(100),
  owner: PersonRef,
  /** People log in here: it is part of every cut-off. */
  authenticates: z.boolean().default(false),
  /** Provisioned before the others (the identity provider). */
  isIdentityProvider: z.boolean().default(false),
  /** The system that overwrites this one. */
  masteredBy: SystemId.nullable().default(null),
  /** `observe`: Usher reads the system and never writes to it, not even for a leaver. */
  mode: z.enum(['enforce', 'observe']).default('enforce'),
  /** Attributes of accounts that Usher owns here: changed when they change in HR. Absent: none, and older versions keep their hash. */
  attributes: z.array(OwnedAttribute).optional(),
  /** An HRIS: what Usher may write into its empty fields. */
  writeBack: z.array(z.enum(['workEmail'])).optional(),
  /** The identity provider: how an address is made for people for whom HR has none. */
  emailPattern: EmailPattern.optional(),
  /** Answers to the connector's own config schema; secrets only as `${secret:<system>.<name>}`. */
  config: z.record(z.string(), z.unknown()).default({}),
});
export type SystemPolicy = z.infer<typeof SystemPolicy>;

export const EntitlementPolicy = z.strictObject({
  id: EntitlementId,
  system: SystemId,
  /** The vendor's immutable id of the group, role, licence. */
  vendorId: z.string().min(1).max(200),
  owner: PersonRef,
  /** Further owners: any one owner decides, or as many as `routing.quorum.owner` says. */
  coOwners: z.array(PersonRef).max(20).optional(),
  riskPoints: z.number().min(0).max(10),
  privileged: z.boolean().default(false),
  /** Production administration: never approved automatically. */
  productionAdmin: z.boolean().default(false),
  dataClass: DataClass,
  description: z.string().min(1).max(500),
  /** Time-bound: a grant ends by itself after so long. */
  expiresAfter: DurationSeconds.nullable().default(null),
});
export type EntitlementPolicy = z.infer<typeof EntitlementPolicy>;

export const RoleProfile = z.strictObject({
  id: z.string().regex(/^[a-z][a-z0-9-]{0,59}$/, 'expected a lower-case slug'),
  description: z.string().min(1).max(500),
  /** SCIM filter over the person attributes. */
  when: z.string().min(1),
  grants: z.array(EntitlementId).min(1),
  /** How sure the rule is that it speaks of this person, 0 to 1; below 1 means that the match is not exact. */
  confidence: z.number().min(0).max(1).default(1),
  /** Profiles that must not hold together with this one; both matching is an item for a person. */
  excludes: z.array(z.string()).default([]),
});
export type RoleProfile = z.infer<typeof RoleProfile>;

export const AttributePolicy = z.strictObject({
  name: z.enum([
    'title',
    'department',
    'division',
    'location',
    'employmentType',
    'managerKey',
    'startDate',
    'workEmail',
  ]),
  useFor: z.enum(['mapping', 'audit', 'never']),
  caseExact: z.boolean().default(false),
});
export type AttributePolicy = z.infer<typeof AttributePolicy>;

/** How many of those who have a role must agree: any one, all of them, or so many different people. */
export const Quorum = z.union(
  [z.enum(['any', 'all']), z.int().min(1).max(10)],
  'expected any, all or a number from 1 to 10',
);
export type Quorum = z.infer<typeof Quorum>;

export const RoutingPolicy = z.strictObject({
  riskAdjustments: z
    .strictObject({
      contractor: z.number().default(1),
      noExactProfile: z.number().default(2),
      exceptionToProfile: z.number().default(1),
    })
    .prefault({}),
  /** Risk below this, together with enough confidence, is approved by policy. */
  autoApproveBelowRisk: z.number().min(0).max(10).default(3),
  /** Risk above this needs security and the application owner. */
  escalateAboveRisk: z.number().min(0).max(10).default(6),
  /** Confidence must exceed this for an automatic approval. */
  autoApproveAboveConfidence: z.number().min(0).max(1).default(0.85),
  /** Any one member decides for security. */
  security: z.array(PersonRef).min(1),
  /** Stands in for whoever may not or cannot decide. */
  fallbackOwner: PersonRef,
  /** Until a new manager has been one for so long, the next level decides beside them. */
  managerSettlesAfter: DurationSeconds.prefault('7d'),
  remindAfter: DurationSeconds.prefault('3d'),
  expireAfter: DurationSeconds.prefault('14d'),
  /** Whose yes a seat needs, by role; absent: any one. A manager's seat is always one person. */
  quorum: z.strictObject({ security: Quorum.optional(), owner: Quorum.optional() }).optional(),
  /** When the next level is asked as well, counted from the opening; absent: after 7 and 11 days. */
  escalateAfter: z.array(DurationSeconds).max(5).optional(),
  /** How long open questions may stop the clock of one approval, all together; absent: 7 days. */
  pauseAtMost: DurationSeconds.refine((seconds) => seconds <= 90 * 86_400, 'expected at most 90d').optional(),
});
export type RoutingPolicy = z.infer<typeof RoutingPolicy>;

/** Duties that one person must not hold together: something of one set beside something of another. */
export const SeparationRule = z.strictObject({
  id: z.string().regex(/^[a-z][a-z0-9-]{0,59}$/, 'expected a lower-case slug'),
  description: z.string().min(1).max(500),
  /** Two sets or more. A rule over single entitlements is one of sets with one member each. */
  between: z.array(z.array(EntitlementId).min(1)).min(2).max(20),
  /** What watches over somebody who holds both by exception. Security sees it when it decides. */
  compensatingControl: z.string().min(1).max(500),
  /** An exception ends by itself after so long. */
  exceptionLasts: DurationSeconds.prefault('90d'),
});
export type SeparationRule = z.infer<typeof SeparationRule>;

export const LifecyclePolicy = z.strictObject({
  joiner: z.strictObject({ leadTime: DurationSeconds.prefault('8h') }).prefault({}),
  movers: z
    .strictObject({
      /** What the old role gave stays so long, for the work to be handed over. The old manager may end it sooner. */
      handOver: DurationSeconds.prefault('0s'),
    })
    .prefault({}),
  leavers: z
    .strictObject({
      maxPerHour: z.number().int().min(1).default(10),
      maxPerDay: z.number().int().min(1).default(20),
      /** Looks for what grew back, counted from the end of the removal. */
      sweepsAfter: z.array(DurationSeconds).prefault(['15m', '24h']),
    })
    .prefault({}),
  outage: z.strictObject({ incidentAfter: DurationSeconds.prefault('15m') }).prefault({}),
  /** Systems on which people work by hand: how long a task waits before it becomes an incident; absent: 3 days, a cut-off 4 hours. */
  byHand: z
    .strictObject({
      incidentAfter: DurationSeconds.prefault('3d'),
      cutOffIncidentAfter: DurationSeconds.prefault('4h'),
    })
    .optional(),
  zones: z.strictObject({
    default: z.string().min(1),
    /** HRIS location to IANA zone. */
    byLocation: z.record(z.string(), z.string()).default({}),
  }),
});
export type LifecyclePolicy = z.infer<typeof LifecyclePolicy>;

/** One YAML file. */
export const PolicyDocument = z.strictObject({
  systems: z.array(SystemPolicy).optional(),
  entitlements: z.array(EntitlementPolicy).optional(),
  profiles: z.array(RoleProfile).optional(),
  attributes: z.array(AttributePolicy).optional(),
  separationOfDuties: z.array(SeparationRule).optional(),
  routing: RoutingPolicy.optional(),
  lifecycle: LifecyclePolicy.optional(),
});
export type PolicyDocument = z.infer<typeof PolicyDocument>;

/** The merged, checked policy. Its canonical JSON is hashed to the policy version. */
export const Policy = z.strictObject({
  systems: z.array(SystemPolicy),
  entitlements: z.array(EntitlementPolicy),
  profiles: z.array(RoleProfile),
  attributes: z.array(AttributePolicy),
  separationOfDuties: z.array(SeparationRule),
  routing: RoutingPolicy,
  lifecycle: LifecyclePolicy,
});
export type Policy = z.infer<typeof Policy>;
