/**
 * What is wrong when everything has ended: whoever does not hold what `justified` says, or what plain words say; accounts
 * that are doubled or nobody's; people to whom nothing happened and who changed all the same; a log that does not verify.
 */
import { policyHash } from '../../src/policy/hash.ts';
import { justifiedNow, planAccess, readPersonContext, type ContextKeys } from '../../src/store/person-context.ts';
import { openPersonVault } from '../../src/store/person-vault.ts';
import { PolicyReader } from '../../src/store/policies.ts';
import { openVerifier } from '../../src/store/signing-key.ts';
import { systemNames } from '../support/chaos-stories.ts';
import type { CompanyProcesses } from '../support/company-processes.ts';
import { holdingAt, othersAt } from '../support/company-view.ts';
import type { ChaosCompany, ChaosPerson } from './events.ts';

/** The parts of a company that are read, whether it runs in processes of its own or in the test. */
export type Checkable = Pick<CompanyProcesses, 'company' | 'keysDir' | 'ownerDb' | 'personId' | 'verifyLog'>;

export interface Checked {
  people: number;
  accounts: number;
  rights: number;
  findings: string[];
  /** Of the people with findings. */
  personIds: string[];
}

/** Reads the systems themselves. `othersBefore`: what they held for those of before, by `othersAt` of the leavers' keys. */
export async function checkEverybody(
  usher: Checkable,
  chaos: ChaosCompany,
  othersBefore: readonly unknown[],
): Promise<Checked> {
  const verifier = openVerifier(usher.keysDir);
  const policies = new PolicyReader(usher.ownerDb, verifier, policyHash);
  const keys = { vault: openPersonVault(usher.keysDir), verifier, policies };
  const checked: Checked = { people: 0, accounts: 0, rights: 0, findings: [], personIds: [] };
  const ours: string[] = [];
  for (const person of chaos.people) {
    const personId = await usher.personId(person.key);
    ours.push(person.key, personId);
    checked.people += 1;
    const findings = await checkPerson(usher, chaos, keys, { person, personId, checked });
    checked.findings.push(...findings);
    if (findings.length > 0) checked.personIds.push(personId);
  }
  if (JSON.stringify(othersAt(usher, ours)) !== JSON.stringify(othersBefore)) {
    checked.findings.push('something changed for people to whom nothing happened, or an account is nobody’s');
  }
  checked.findings.push(...(await checkRecords(usher)));
  return checked;
}

async function checkPerson(
  usher: Checkable,
  chaos: ChaosCompany,
  keys: ContextKeys,
  { person, personId, checked }: { person: ChaosPerson; personId: string; checked: Checked },
): Promise<string[]> {
  const context = await readPersonContext(usher.ownerDb, keys, personId);
  const at = new Date().toISOString();
  const justified = context === null ? [] : justifiedNow(context, planAccess(context, at), at);
  const findings: string[] = [];
  for (const system of systemNames) {
    const { accountIds, groupIds, canLogIn, sessions } = holdingAt(usher, system, [personId, person.key]);
    checked.accounts += accountIds.length;
    checked.rights += groupIds.length;
    const byRules = [
      ...new Set(justified.filter(({ systemId }) => systemId === system).map((one) => one.vendorEntitlementId)),
    ].toSorted();
    const plain = chaos.holdsOf(person, system).toSorted();
    const who = `${person.key} (${person.standing}, ${person.job}) at ${system}`;
    const [held, may, should] = [groupIds, byRules, plain].map((ids) => ids.join(', '));
    if (held !== may) findings.push(`${who} holds [${held}], justified is [${may}]`);
    if (may !== should) findings.push(`${who}: justified is [${may}], the job gives [${should}]`);
    if (accountIds.length > 1) findings.push(`${who} has ${accountIds.length} accounts`);
    if (canLogIn !== plain.length > 0) findings.push(`${who} ${canLogIn ? 'can' : 'cannot'} log in`);
    if (plain.length === 0 && sessions > 0) findings.push(`${who} has ${sessions} sessions`);
  }
  return findings;
}

async function checkRecords(usher: Checkable): Promise<string[]> {
  const { ownerDb: db } = usher;
  const decisions = await db.selectFrom('decision').select(['approval_id', 'approver_id']).execute();
  const given = decisions.map((row) => `${row.approval_id} ${row.approver_id}`);
  const twice = given.length - new Set(given).size;
  const incidents = await db.selectFrom('incident').select('incident_id').execute();
  const known = new Set(incidents.map(({ incident_id }) => incident_id));
  const tickets = usher.company.servicenow.incidents();
  const ids = tickets.map(({ fields }) => fields['correlation_id'] ?? '');
  const open = tickets.filter(({ fields }) => fields['active'] !== 'false');
  const log = await usher.verifyLog();
  return [
    ...(twice > 0 ? [`${twice} decisions count twice`] : []),
    ...(ids.length > new Set(ids).size ? ['an incident has two tickets'] : []),
    ...ids.filter((id) => !known.has(id)).map((id) => `ticket ${id} belongs to no incident`),
    ...(open.length > 0 ? [`${open.length} tickets are open`] : []),
    ...log.findings.map((finding) => `evidence: ${JSON.stringify(finding)}`),
  ];
}
