/**
 * All servers of the sandbox company, made from its seed or from what an earlier run saved.
 */
import { type BamboohrSandbox, createBamboohrSandbox } from './bamboohr.ts';
import { companyEmployees } from './company.ts';
import { companyOktaGroups, companyOktaUsers, scimSeedOf, type ScimSystem, scimSystems } from './company-access.ts';
import type { SandboxOptions } from './kit.ts';
import { createMailbox, type Mailbox } from './mailbox.ts';
import { createOktaSandbox, type OktaSandbox } from './okta.ts';
import { canLogInWith } from './okta-state.ts';
import { createScimSandbox, type ScimSandbox } from './scim.ts';
import type { ScimQuirks } from './scim-quirks.ts';
import { createServicenowSandbox, type ServicenowSandbox } from './servicenow.ts';

/** The systems as policy names them. */
export const systemIds = ['bamboohr', 'okta', ...scimSystems, 'servicenow'] as const;
export type SandboxSystemId = (typeof systemIds)[number];

export interface Company extends Record<ScimSystem, ScimSandbox> {
  bamboohr: BamboohrSandbox;
  okta: OktaSandbox;
  servicenow: ServicenowSandbox;
  mailbox: Mailbox;
}

/** What a client needs to get in, without the addresses. */
export interface CompanySecrets extends Record<ScimSystem, { token: string }> {
  bamboohr: { apiKey: string; webhookKey: string };
  okta: { token: string };
  servicenow: { username: string; password: string };
}

export interface CompanyOptions {
  secrets: CompanySecrets;
  now?: () => Date;
  /** Saved states by vendor; a vendor without one starts from the seed. */
  states?: Partial<Record<keyof Company, unknown>>;
  onChange?: (vendor: keyof Company) => void;
  webhookUrl?: string;
  searchLagMs?: number;
  /** Of the faults' probabilities. */
  faultSeed?: number;
}

const quirks: Record<ScimSystem, Partial<ScimQuirks>> = {
  crm: { memberRemoveStyle: 'filterPath' },
  wiki: { memberRemoveStyle: 'valueArray', patchAnswer: 204, pageMax: 20 },
  warehouse: { memberRemoveStyle: 'filterPath', patchStyle: 'path', pageMax: 50 },
};

/** Makes the servers; none listens yet. */
export function createCompany(options: CompanyOptions): Company {
  const { secrets, searchLagMs, webhookUrl } = options;
  const common = (vendor: keyof Company): SandboxOptions => ({
    ...(options.now === undefined ? {} : { now: options.now }),
    ...(options.faultSeed === undefined ? {} : { seed: options.faultSeed }),
    ...(options.states?.[vendor] === undefined ? {} : { state: options.states[vendor] }),
    onChange: () => options.onChange?.(vendor),
  });
  const scim = (system: ScimSystem): ScimSandbox =>
    createScimSandbox({ ...common(system), ...secrets[system], ...scimSeedOf(system), quirks: quirks[system] });
  const company: Company = {
    bamboohr: createBamboohrSandbox({
      ...common('bamboohr'),
      ...secrets.bamboohr,
      employees: companyEmployees,
      ...(webhookUrl === undefined ? {} : { webhookUrl }),
    }),
    okta: createOktaSandbox({
      ...common('okta'),
      ...secrets.okta,
      users: companyOktaUsers,
      groups: companyOktaGroups,
      ...(searchLagMs === undefined ? {} : { searchLagMs }),
    }),
    crm: scim('crm'),
    wiki: scim('wiki'),
    warehouse: scim('warehouse'),
    servicenow: createServicenowSandbox({ ...common('servicenow'), ...secrets.servicenow }),
    mailbox: createMailbox(common('mailbox')),
  };
  if (options.states?.okta === undefined) openOktaSessions(company.okta);
  for (const system of scimSystems) if (options.states?.[system] === undefined) openScimSessions(company[system]);
  return company;
}

/** Everybody is at work: a browser session and the tokens of an application. */
function openOktaSessions(okta: OktaSandbox): void {
  for (const user of Object.values(okta.state.users)) {
    if (!canLogInWith(user.status)) continue;
    okta.createSession(user.id, 'sso');
    okta.createSession(user.id, 'oauth');
  }
}

function openScimSessions(scim: ScimSandbox): void {
  for (const user of Object.values(scim.state.users)) scim.createSession(user.id);
}
