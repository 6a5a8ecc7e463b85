/** A checked policy with what the rules look up in it: compiled filters and entitlements by id and by vendor id. */
import type { EntitlementPolicy, Policy, RoleProfile, SystemPolicy } from '../schemas/policy.ts';
import { compareText } from './compare-text.ts';
import { AppError } from './errors.ts';
import { compileFilter } from './filter.ts';
import type { CompiledFilter } from './filter.ts';
import { profileLookup } from './profile-lookup.ts';
import type { ProfileLookup } from './profile-lookup.ts';

export interface PolicyIndex {
  policy: Policy;
  filterByProfileId: ReadonlyMap<string, CompiledFilter>;
  profileLookup: ProfileLookup;
  profileById: ReadonlyMap<string, RoleProfile>;
  /** Everybody who owns a system or an entitlement, sorted. */
  ownerRefs: readonly string[];
  systemById: ReadonlyMap<string, SystemPolicy>;
  entitlementById: ReadonlyMap<string, EntitlementPolicy>;
  /** Keys from {@link vendorKey}. */
  entitlementByVendorKey: ReadonlyMap<string, EntitlementPolicy>;
}

/** One key for an entitlement as a system knows it. System ids hold no space, so that two pairs never share a key. */
export function vendorKey(systemId: string, vendorEntitlementId: string): string {
  return `${systemId} ${vendorEntitlementId}`;
}

/** Indexes a policy. Throws AppError `policyInvalid` on a filter that does not compile: such a policy was never checked. */
export function indexPolicy(policy: Policy): PolicyIndex {
  const filterByProfileId = new Map<string, CompiledFilter>();
  for (const profile of policy.profiles) {
    const compiled = compileFilter(profile.when, policy.attributes);
    if (!compiled.isValid) {
      throw new AppError('policyInvalid', `profile ${profile.id}: ${compiled.problem.message}`, profile.id);
    }
    filterByProfileId.set(profile.id, compiled.filter);
  }
  return {
    policy,
    filterByProfileId,
    profileLookup: profileLookup(policy.profiles, filterByProfileId),
    profileById: new Map(policy.profiles.map((profile) => [profile.id, profile])),
    ownerRefs: [...new Set([...policy.systems, ...policy.entitlements].map(({ owner }) => owner))].toSorted(
      compareText,
    ),
    systemById: new Map(policy.systems.map((system) => [system.id, system])),
    entitlementById: new Map(policy.entitlements.map((entitlement) => [entitlement.id, entitlement])),
    entitlementByVendorKey: new Map(
      policy.entitlements.map((entitlement) => [vendorKey(entitlement.system, entitlement.vendorId), entitlement]),
    ),
  };
}
