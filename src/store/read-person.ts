/** One person as the surfaces show them: what they hold and why, their accounts and their cases. */
import type { Policy } from '../schemas/policy.ts';
import type { Db } from './db.ts';
import { getPerson, latestSnapshot, resolvePersonRefs, sourceKeysOf } from './people.ts';
import { listCases, type CaseView } from './read-cases.ts';
import { readNames, type SnapshotKeys } from './read-names.ts';
import { readUsageOf, unknownUse, type LastUse, type UsageOfAccounts } from './usage.ts';

export interface GrantView {
  systemId: string;
  entitlementId: string | null;
  vendorEntitlementId: string;
  description: string | null;
  since: string;
  expiresAt: string | null;
  verifiedAt: string | null;
  /** Why it may live, in words. */
  why: string;
  lastUse: LastUse;
}

export interface AccountOfPerson {
  systemId: string;
  accountId: string;
  origin: string;
  login: string;
  observedAt: string;
  lastUse: LastUse;
}

export interface PersonDetail {
  personId: string;
  name: string;
  isErased: boolean;
  spellState: string;
  sourceKeys: string[];
  facts: Record<string, string | null> | null;
  grants: GrantView[];
  accounts: AccountOfPerson[];
  cases: CaseView[];
}

export interface PersonViewer {
  /** Scope `security`: sees an end of access that lies in the future. */
  canSeeDepartures: boolean;
  policy: Policy | null;
  now: Date;
}

/** A person id for an id or for `<hris>/<key>`; null when nobody answers to it. */
export async function findPersonId(db: Db, idOrRef: string): Promise<string | null> {
  if (!idOrRef.includes('/')) return (await getPerson(db, idOrRef))?.person_id ?? null;
  return (await resolvePersonRefs(db, [idOrRef])).get(idOrRef) ?? null;
}

/** Null for an unknown person. */
export async function readPerson(
  db: Db,
  keys: SnapshotKeys,
  personId: string,
  viewer: PersonViewer,
): Promise<PersonDetail | null> {
  const person = await getPerson(db, personId);
  if (!person) return null;
  const isErased = person.erased_at !== null || keys.vault.isErased(personId);
  const nameOf = await readNames(db, keys, [personId]);
  return {
    personId,
    name: nameOf(personId),
    isErased,
    spellState: person.spell_state,
    sourceKeys: isErased ? [] : await sourceKeysOf(db, personId),
    facts: isErased ? null : await readFacts(db, keys, personId, viewer),
    ...(await readHoldings(db, personId, viewer.policy)),
    cases: await listCases(db, keys, { personId, canSeeDepartures: viewer.canSeeDepartures }),
  };
}

async function readFacts(
  db: Db,
  keys: SnapshotKeys,
  personId: string,
  viewer: PersonViewer,
): Promise<Record<string, string | null> | null> {
  const snapshot = await latestSnapshot(db, keys, personId);
  if (!snapshot) return null;
  const { facts, window } = snapshot;
  const hasEnded = window.until !== null && Date.parse(window.until) <= viewer.now.getTime();
  return {
    workEmail: facts.workEmail,
    title: facts.title,
    department: facts.department,
    location: facts.location,
    employmentType: facts.employmentType,
    startDate: facts.startDate,
    ...(hasEnded || viewer.canSeeDepartures ? { endDate: facts.endDate } : {}),
  };
}

async function readHoldings(
  db: Db,
  personId: string,
  policy: Policy | null,
): Promise<Pick<PersonDetail, 'grants' | 'accounts'>> {
  const accounts = await readAccounts(db, personId);
  const bySystem = Map.groupBy(accounts, ({ systemId }) => systemId);
  const usages = new Map<string, UsageOfAccounts>();
  for (const [systemId, own] of bySystem)
    usages.set(
      systemId,
      await readUsageOf(
        db,
        systemId,
        own.map(({ accountId }) => accountId),
      ),
    );
  const grants = await readGrants(db, personId, policy);
  return {
    grants: grants.map((grant) => {
      const [account, ...others] = bySystem.get(grant.systemId) ?? [];
      // Of several accounts nobody can tell through which the right is held.
      const isTold = account !== undefined && others.length === 0;
      const lastUse = isTold
        ? usages.get(grant.systemId)?.ofEntitlement(account.accountId, grant.vendorEntitlementId)
        : undefined;
      return { ...grant, lastUse: lastUse ?? unknownUse };
    }),
    accounts: accounts.map((account) => ({
      ...account,
      lastUse: usages.get(account.systemId)?.ofAccount(account.accountId) ?? unknownUse,
    })),
  };
}

async function readGrants(db: Db, personId: string, policy: Policy | null): Promise<Omit<GrantView, 'lastUse'>[]> {
  const rows = await db
    .selectFrom('person_grant')
    .selectAll()
    .where('person_id', '=', personId)
    .where('state', '=', 'held')
    .orderBy('system_id')
    .orderBy('vendor_entitlement_id')
    .execute();
  return rows.map((row) => ({
    systemId: row.system_id,
    entitlementId: row.entitlement_id,
    vendorEntitlementId: row.vendor_entitlement_id,
    description: policy?.entitlements.find((entitlement) => entitlement.id === row.entitlement_id)?.description ?? null,
    since: row.since.toISOString(),
    expiresAt: row.expires_at?.toISOString() ?? null,
    verifiedAt: row.verified_at?.toISOString() ?? null,
    why: whyHeld(row.basis, row.case_n === null ? null : `case_${personId}_${row.case_n}`),
  }));
}

function whyHeld(basis: 'policy' | 'decision' | 'found', caseId: string | null): string {
  const where = caseId === null ? '' : `, ${caseId}`;
  switch (basis) {
    case 'policy':
      return `a rule of the policy grants it${where}`;
    case 'decision':
      return `people approved it${where}`;
    case 'found':
      return 'found in the system before Usher enforced here';
    default:
      return basis satisfies never;
  }
}

async function readAccounts(db: Db, personId: string): Promise<Omit<AccountOfPerson, 'lastUse'>[]> {
  const rows = await db
    .selectFrom('account')
    .selectAll()
    .where('person_id', '=', personId)
    .orderBy('system_id')
    .execute();
  return rows.map((row) => ({
    systemId: row.system_id,
    accountId: row.account_id,
    origin: row.origin,
    login: row.login,
    observedAt: row.observed_at.toISOString(),
  }));
}
