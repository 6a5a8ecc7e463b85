/** What the first morning must come to: who decides what, and what each person holds in the systems at its end. */

export interface Expectation {
  name: string;
  kind: 'joiner' | 'leaver';
  /** How the access comes about, as the table shows it. */
  route: string;
  /** Exactly the groups by system; a leaver holds none anywhere. */
  groups: Record<string, string[]>;
}

export const expectations: Expectation[] = [
  {
    name: 'Lena Fischer',
    kind: 'joiner',
    route: 'policy',
    groups: { okta: ['Employees', 'VPN', 'Engineering tools'], wiki: ['Wiki readers', 'Wiki editors'] },
  },
  {
    name: 'Jamal Carter',
    kind: 'joiner',
    route: 'policy; manager',
    groups: { okta: ['Employees'], wiki: ['Wiki readers'], crm: ['CRM readers', 'CRM sales'] },
  },
  {
    name: 'Yusuf Aydin',
    kind: 'joiner',
    route: 'policy; security + owner',
    groups: {
      okta: ['Employees', 'VPN', 'Engineering tools', 'Production deployment'],
      wiki: ['Wiki readers', 'Wiki editors'],
    },
  },
  {
    name: 'Bea Thompson',
    kind: 'joiner',
    route: 'manager (VPN denied)',
    groups: { okta: ['Contractors', 'Engineering tools'], wiki: ['Wiki readers', 'Wiki editors'] },
  },
  {
    name: 'Ruth Osei',
    kind: 'joiner',
    route: 'policy; manager',
    groups: { okta: ['Employees'], wiki: ['Wiki readers'], warehouse: ['Warehouse reports', 'Finance marts'] },
  },
  {
    name: 'Caleb Stone',
    kind: 'joiner',
    route: 'manager chooses profile',
    groups: { okta: ['Employees'], wiki: ['Wiki readers'] },
  },
  { name: 'Pavel Novák', kind: 'leaver', route: 'departure', groups: {} },
  { name: 'Victor Lang', kind: 'leaver', route: 'departure', groups: {} },
];

/** The people who decide in the demonstration, by the profile that the sample company gives them. */
export const deciders = [
  'grace-mbeki',
  'priya-raman',
  'ingrid-solberg',
  'amara-okafor',
  'jonas-weber',
  'henrik-lindqvist',
] as const;

/** The verdict of the demonstration on one item: it denies one right and all profiles but one. */
export function verdictOn(
  item: { entitlementId: string | null; profileId: string | null; action: string },
  person: string,
): 'approve' | 'deny' {
  if (item.action === 'assignProfile') return item.profileId === 'executive' ? 'approve' : 'deny';
  return person === 'Bea Thompson' && item.entitlementId === 'okta/vpn' ? 'deny' : 'approve';
}
