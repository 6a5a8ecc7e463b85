/** A small policy in three files that has no findings, and the connectors that it names. */
import { checkPolicySources } from '../../src/policy/check.ts';
import type { PolicyCheck } from '../../src/policy/check.ts';
import type { KnownConnector } from '../../src/policy/known-connector.ts';

export const connectors: KnownConnector[] = [
  { id: 'bamboohr', kind: 'hris', secretFields: ['apiKey'], profileUpdates: [], workEmailWriteBack: true },
  {
    id: 'okta',
    kind: 'target',
    secretFields: ['token'],
    profileUpdates: ['displayName', 'title', 'department'],
    workEmailWriteBack: false,
  },
  { id: 'scim', kind: 'target', secretFields: ['token'], profileUpdates: ['title'], workEmailWriteBack: false },
  {
    id: 'servicenow',
    kind: 'ticketing',
    secretFields: ['password'],
    profileUpdates: [],
    workEmailWriteBack: false,
  },
];

export const systemsYaml = `# People and where they log in.
systems:
  - id: hr
    connector: bamboohr
    displayName: HR
    owner: hr/1
    config:
      apiKey: \${secret:hr.apiKey}
  - id: okta
    connector: okta
    displayName: Okta
    owner: hr/2
    authenticates: true
    isIdentityProvider: true
    config: { url: "\${secret:okta.url}", token: "\${secret:okta.token}" }
  - id: crm
    connector: scim
    displayName: CRM
    owner: hr/2
    masteredBy: okta
    config:
      token: \${secret:crm.token}
      quirks: { pageMax: 50 }
  - id: tickets
    connector: servicenow
    displayName: Tickets
    owner: hr/2
`;

export const rightsYaml = `entitlements:
  - id: okta/everyone
    system: okta
    vendorId: g1
    owner: hr/2
    riskPoints: 0
    dataClass: none
    description: Everyone
  - id: crm/sales
    system: crm
    vendorId: g1
    owner: hr/3
    riskPoints: 3.5
    dataClass: customerPersonal
    description: Customers
    expiresAfter: 90d
profiles:
  - id: staff
    description: Everyone
    when: employmentType pr
    grants: [okta/everyone]
  - id: sales
    description: Sales
    when: department eq "Sales" and not (title co "intern")
    grants:
      - crm/sales
    excludes: [audit]
  - id: audit
    description: Audit
    when: 'department eq "Audit"'
    grants: [okta/everyone]
attributes:
  - { name: employmentType, useFor: mapping }
  - { name: department, useFor: mapping }
  - { name: title, useFor: mapping }
  - { name: location, useFor: audit }
`;

export const rulesYaml = `routing:
  security: [hr/4, hr/5]
  fallbackOwner: hr/6
lifecycle:
  zones:
    default: Europe/Berlin
    byLocation:
      Austin: America/Chicago
`;

export const goodSources = [
  { name: 'rights.yaml', text: rightsYaml },
  { name: 'rules.yaml', text: rulesYaml },
  { name: 'systems.yaml', text: systemsYaml },
];

/** The good policy with one place in one file changed. Throws when the place is not there exactly once. */
export function checkWith(name: string, from: string, to: string): PolicyCheck {
  const sources = goodSources.map((source) => {
    if (source.name !== name) return source;
    if (source.text.split(from).length !== 2) throw new Error(`expected ${from} once in ${name}`);
    return { name, text: source.text.replace(from, () => to) };
  });
  return checkPolicySources(sources, connectors);
}
