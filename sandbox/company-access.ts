/**
 * What the people of the sandbox company hold before Usher's first morning: groups, accounts, and the leftovers that
 * every company has (a local administrator, a former employee, a right that nobody remembers granting).
 */
import type { Employee } from './bamboohr-state.ts';
import { companyEmployees } from './company.ts';
import type { OktaGroup, OktaStatus, OktaUser } from './okta-state.ts';
import { enterpriseSchema, type ScimGroup, type ScimUser } from './scim-state.ts';

const since = '2025-01-01T00:00:00.000Z';

/** Group key to its name; the key is `<system>/<name>` as the policy calls the entitlement. */
const groupNames = {
  'okta/employees': 'Employees',
  'okta/contractors': 'Contractors',
  'okta/vpn': 'VPN',
  'okta/engineering': 'Engineering tools',
  'okta/deploy-production': 'Production deployment',
  'okta/support-desk': 'Support desk',
  'okta/people-records': 'People records',
  'okta/admins': 'Okta administrators',
  'crm/reader': 'CRM readers',
  'crm/sales': 'CRM sales',
  'crm/support': 'CRM support',
  'crm/admin': 'CRM administrators',
  'wiki/reader': 'Wiki readers',
  'wiki/editor': 'Wiki editors',
  'wiki/handbook': 'Handbook editors',
  'wiki/space-admin': 'Wiki space administrators',
  'warehouse/reports': 'Warehouse reports',
  'warehouse/product-analytics': 'Product analytics',
  'warehouse/finance': 'Finance marts',
  'warehouse/ledger-admin': 'Ledger administrators',
} as const;
export type GroupKey = keyof typeof groupNames;

/** The groups that come with a title; what nobody lists here is the base of everyone. */
const byTitle: Record<string, GroupKey[]> = {
  'Engineering Manager': ['okta/engineering', 'okta/vpn', 'wiki/editor'],
  'Site Reliability Lead': ['okta/engineering', 'okta/vpn', 'wiki/editor', 'okta/deploy-production'],
  'Software Engineer': ['okta/engineering', 'okta/vpn', 'wiki/editor'],
  'Senior Software Engineer': ['okta/engineering', 'okta/vpn', 'wiki/editor'],
  'Site Reliability Engineer': ['okta/engineering', 'okta/vpn', 'wiki/editor', 'okta/deploy-production'],
  'Sales Director': ['crm/reader', 'crm/sales'],
  'Account Executive': ['crm/reader', 'crm/sales'],
  'CRM Administrator': ['crm/reader', 'crm/admin'],
  'Head of Customer Support': ['crm/reader', 'crm/support', 'okta/support-desk'],
  'Support Agent': ['crm/reader', 'crm/support', 'okta/support-desk'],
  'Finance Director': ['warehouse/reports', 'warehouse/finance'],
  'Financial Analyst': ['warehouse/reports', 'warehouse/finance'],
  'Financial Controller': ['warehouse/reports', 'warehouse/finance', 'warehouse/ledger-admin'],
  'Head of People': ['okta/people-records', 'wiki/handbook'],
  'People Partner': ['okta/people-records', 'wiki/handbook'],
  'Head of IT': ['okta/vpn', 'okta/admins', 'wiki/space-admin'],
  'IT Administrator': ['okta/vpn', 'okta/admins', 'wiki/space-admin'],
  'Head of Product': ['warehouse/product-analytics', 'wiki/editor'],
  'Product Manager': ['warehouse/product-analytics', 'wiki/editor'],
};

/** Nobody remembers why. */
const extraRights: Record<string, GroupKey[]> = { '123': ['warehouse/product-analytics'] };
/** As life leaves them: one forgot the password too often. */
const oddStatuses: Record<string, OktaStatus> = { '115': 'LOCKED_OUT' };

/** The id of a group at its vendor. */
export function groupIdOf(key: GroupKey): string {
  const [system = '', name = ''] = key.split('/');
  return system === 'okta' ? `00g${name.replaceAll('-', '').padEnd(17, '0')}` : `${system}-${name}`;
}

export function oktaUserIdOf(employeeId: string): string {
  return `00ujuniperlane${employeeId.padStart(6, '0')}`;
}

function groupsOf(employee: Employee): GroupKey[] {
  const isContractor = employee.employmentHistoryStatus === 'Contractor';
  const base: GroupKey[] = [isContractor ? 'okta/contractors' : 'okta/employees', 'wiki/reader'];
  return [...base, ...(byTitle[employee.jobTitle ?? ''] ?? []), ...(extraRights[employee.id] ?? [])];
}

function membersOf(key: GroupKey): Employee[] {
  return companyEmployees.filter((employee) => groupsOf(employee).includes(key));
}

function keysOf(system: string): GroupKey[] {
  return (Object.keys(groupNames) as GroupKey[]).filter((key) => key.startsWith(`${system}/`));
}

export const companyOktaGroups: OktaGroup[] = keysOf('okta').map((key) => ({
  id: groupIdOf(key),
  type: 'OKTA_GROUP',
  name: groupNames[key],
  description: '',
  created: since,
  memberIds: membersOf(key).map((employee) => oktaUserIdOf(employee.id)),
}));

export const companyOktaUsers: OktaUser[] = [
  ...companyEmployees.map((employee) => toOktaUser(employee, oddStatuses[employee.id] ?? 'ACTIVE')),
  ...companyEmployees
    .slice(0, 1)
    .map((employee) => ({ ...employee, id: '99', firstName: 'Edgar', lastName: 'Finch', jobTitle: 'Accountant' }))
    .map((former) => toOktaUser({ ...former, workEmail: 'edgar.finch@juniperlane.example' }, 'DEPROVISIONED')),
];

function toOktaUser(employee: Employee, status: OktaStatus): OktaUser {
  const { id, firstName, lastName, workEmail, jobTitle, department } = employee;
  return {
    id: oktaUserIdOf(id),
    status,
    created: since,
    activated: since,
    statusChanged: since,
    lastLogin: null,
    lastUpdated: since,
    hasPassword: status !== 'DEPROVISIONED',
    profile: {
      login: workEmail ?? '',
      email: workEmail ?? '',
      firstName,
      lastName,
      displayName: `${firstName} ${lastName}`,
      title: jobTitle,
      department,
      employeeNumber: id,
    },
  };
}

export const scimSystems = ['crm', 'wiki', 'warehouse'] as const;
export type ScimSystem = (typeof scimSystems)[number];

/** Accounts and groups of one SCIM application; an account's `externalId` is the key at the HRIS. */
export function scimSeedOf(system: ScimSystem): { users: ScimUser[]; groups: ScimGroup[] } {
  const keys = keysOf(system);
  const holders = companyEmployees.filter((employee) => groupsOf(employee).some((key) => keys.includes(key)));
  const users = holders.map((employee) => toScimUser(system, employee));
  if (system === 'wiki') users.push(localAdministrator);
  const groups = keys.map((key) => ({
    id: groupIdOf(key),
    displayName: groupNames[key],
    externalId: null,
    created: since,
    lastModified: since,
    memberIds: membersOf(key).map((employee) => `${system}-u${employee.id}`),
  }));
  return { users, groups };
}

function toScimUser(system: ScimSystem, employee: Employee): ScimUser {
  const { id, firstName, lastName, workEmail, jobTitle, department } = employee;
  return {
    id: `${system}-u${id}`,
    userName: workEmail ?? '',
    active: true,
    created: since,
    lastModified: since,
    attributes: {
      externalId: id,
      name: { givenName: firstName, familyName: lastName },
      displayName: `${firstName} ${lastName}`,
      emails: [{ value: workEmail, type: 'work', primary: true }],
      title: jobTitle,
      [enterpriseSchema]: { employeeNumber: id, department },
    },
  };
}

/** Made by hand when the wiki was set up; belongs to no person. */
const localAdministrator: ScimUser = {
  id: 'wiki-u-local-admin',
  userName: 'admin',
  active: true,
  created: since,
  lastModified: since,
  attributes: { displayName: 'Wiki administrator' },
};
