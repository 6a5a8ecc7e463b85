/** One system as Usher knows it: what it offers and who owns that, its accounts with whose they are and when they were used. */
import type { CorrelatedAccounts } from '../domain/correlate-accounts.ts';
import { compareText } from '../domain/compare-text.ts';
import { vendorKey } from '../domain/policy-index.ts';
import { connectorById } from '../connectors/registry.ts';
import { foundAccounts, foundEntitlements, foundLastAt } from '../store/found-rows.ts';
import { resolvePersonRefs } from '../store/people.ts';
import { indexOf } from '../store/person-context.ts';
import { readNames } from '../store/read-names.ts';
import { listSystems, type SystemView } from '../store/read-systems.ts';
import { modeOf, type SystemMode } from '../store/system-modes.ts';
import { readUsageOf, readUsageReading, type LastUse } from '../store/usage.ts';
import type { ServerDeps } from './server-deps.ts';
import { correlate, targetSystem, type TargetSystem } from './system-inventory.ts';

export interface ShowSystemInput {
  systemId: string;
  /** Accounts after this id, in the order of ids; null from the first. */
  after: string | null;
  limit: number;
  /** Only accounts of nobody. */
  orphansOnly: boolean;
}

interface PersonName {
  personId: string;
  name: string;
}

export interface ShownAccount {
  accountId: string;
  person: PersonName | null;
  /** Why it is nobody's; null where it is somebody's. */
  because: CorrelatedAccounts['unmatched'][number]['because'] | null;
  vendorStatus: string;
  canLogIn: boolean;
  holds: { vendorEntitlementId: string; label: string; lastUse: LastUse }[];
  lastUse: LastUse;
}

export interface ShownSystem extends SystemView {
  mode: SystemMode | 'observe';
  /** When its accounts were read last; null when they never were: `usher inventory`. */
  readAt: string | null;
  usage: {
    tells: 'none' | 'account' | 'entitlement';
    /** Uses before this moment are known. */
    readUntil: string | null;
    lastErrorCode: string | null;
  };
  entitlements: {
    vendorEntitlementId: string;
    displayName: string;
    /** By the policy; null where it names it not. */
    entitlementId: string | null;
    owners: (PersonName & { by: 'policy' | 'system' })[];
  }[];
  accountCount: number;
  orphanCount: number;
  accounts: ShownAccount[];
  /** For the next portion; null after the last. */
  after: string | null;
}

/** Throws AppError: notFound for a system that the policy does not name as one that holds accounts; conflict without a policy. */
export async function showSystem(deps: ServerDeps, input: ShowSystemInput): Promise<ShownSystem> {
  const { systemId } = input;
  const target = await targetSystem(deps, systemId);
  const [view] = (await listSystems(deps.db, target.version.policy)).filter((each) => each.systemId === systemId);
  if (view === undefined) throw new Error('a system of the policy has no view');
  const { mode } = await modeOf(deps.db, systemId);
  const reading = await readUsageReading(deps.db, systemId);
  const { accounts, personByAccount, ...counts } = await portionOf(deps, input);
  return {
    ...view,
    mode: target.system.mode === 'observe' ? 'observe' : mode,
    readAt: (await foundLastAt(deps.db, systemId))?.toISOString() ?? null,
    usage: {
      tells: connectorById(target.system.connector)?.manifest.capabilities.usage ?? 'none',
      readUntil: reading?.read_until?.toISOString() ?? null,
      lastErrorCode: reading?.last_error_code ?? null,
    },
    entitlements: await entitlementsOf(deps, target, personByAccount),
    ...counts,
    accounts: accounts.map(({ holds, ...account }) => ({
      ...account,
      holds: holds.map((each) => ({ ...each, label: labelOf(target, each.vendorEntitlementId) })),
    })),
  };
}

function labelOf({ version, system }: TargetSystem, vendorEntitlementId: string): string {
  const known = indexOf(version.policy).entitlementByVendorKey.get(vendorKey(system.id, vendorEntitlementId));
  return known?.id ?? vendorEntitlementId;
}

type UnlabelledAccount = Omit<ShownAccount, 'holds'> & { holds: { vendorEntitlementId: string; lastUse: LastUse }[] };

/** Whose an account is can be said of all together only: two accounts of one person are nobody's. */
async function portionOf(
  deps: ServerDeps,
  { systemId, after, limit, orphansOnly }: ShowSystemInput,
): Promise<
  Pick<ShownSystem, 'accountCount' | 'orphanCount' | 'after'> & {
    accounts: UnlabelledAccount[];
    personByAccount: ReadonlyMap<string, string>;
  }
> {
  const all = (await foundAccounts(deps.db, systemId)).toSorted((a, b) => compareText(a.accountId, b.accountId));
  const { matched, unmatched } = await correlate(deps.db, systemId, all);
  const personByAccount = new Map(matched.map(({ account, personId }) => [account.accountId, personId]));
  const becauseOf = new Map(unmatched.map(({ account, because }) => [account.accountId, because]));
  const wanted = orphansOnly ? all.filter(({ accountId }) => becauseOf.has(accountId)) : all;
  const rest = after === null ? wanted : wanted.filter(({ accountId }) => compareText(accountId, after) > 0);
  const portion = rest.slice(0, limit);
  const ids = portion.map(({ accountId }) => accountId);
  const usage = await readUsageOf(deps.db, systemId, ids);
  const nameOf = await readNames(
    deps.db,
    deps,
    ids.map((id) => personByAccount.get(id) ?? null),
  );
  return {
    accountCount: all.length,
    orphanCount: unmatched.length,
    personByAccount,
    after: limit < rest.length ? (ids.at(-1) ?? null) : null,
    accounts: portion.map(({ accountId, vendorStatus, canLogIn, vendorEntitlementIds }) => {
      const personId = personByAccount.get(accountId);
      return {
        accountId,
        person: personId === undefined ? null : { personId, name: nameOf(personId) },
        because: becauseOf.get(accountId) ?? null,
        vendorStatus,
        canLogIn,
        holds: vendorEntitlementIds.map((id) => ({
          vendorEntitlementId: id,
          lastUse: usage.ofEntitlement(accountId, id),
        })),
        lastUse: usage.ofAccount(accountId),
      };
    }),
  };
}

async function entitlementsOf(
  deps: ServerDeps,
  { version, system }: TargetSystem,
  personByAccount: ReadonlyMap<string, string>,
): Promise<ShownSystem['entitlements']> {
  const found = await foundEntitlements(deps.db, system.id);
  const known = indexOf(version.policy).entitlementByVendorKey;
  const named = found.map((each) => ({ ...each, policy: known.get(vendorKey(system.id, each.vendorEntitlementId)) }));
  const refsOf = (policy: (typeof named)[number]['policy']): string[] =>
    policy === undefined ? [] : [policy.owner, ...(policy.coOwners ?? [])];
  const people = await resolvePersonRefs(
    deps.db,
    named.flatMap(({ policy }) => refsOf(policy)),
  );
  const owners = named.map(({ policy, ownerAccountIds }) => [
    ...refsOf(policy).flatMap((ref) => asOwner(people.get(ref), 'policy')),
    ...ownerAccountIds.flatMap((accountId) => asOwner(personByAccount.get(accountId), 'system')),
  ]);
  const nameOf = await readNames(
    deps.db,
    deps,
    owners.flat().map(({ personId }) => personId),
  );
  return named.map(({ vendorEntitlementId, displayName, policy }, n) => ({
    vendorEntitlementId,
    displayName,
    entitlementId: policy?.id ?? null,
    owners: (owners[n] ?? []).map(({ personId, by }) => ({ personId, name: nameOf(personId), by })),
  }));
}

function asOwner(personId: string | undefined, by: 'policy' | 'system'): { personId: string; by: typeof by }[] {
  return personId === undefined ? [] : [{ personId, by }];
}
