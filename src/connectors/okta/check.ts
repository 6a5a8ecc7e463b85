/** Whether Okta can be worked with: credentials, and each right that Usher needs, by reads alone. */
import { z } from 'zod';
import type { CallContext, CheckResult } from '../kit/contract.ts';
import { pathOf } from '../kit/escape.ts';
import { isConnectorError } from '../kit/vendor-client.ts';
import { listPage, listUsers, type OktaApi } from './api.ts';
import { rolesScope } from './credentials.ts';
import { missingScope, noPermission } from './dialect.ts';
import { listGroups } from './groups.ts';

type Finding = CheckResult['findings'][number];

const operation = 'check';
const tokenRefusals = ['invalid_scope', 'invalid_dpop_proof'];

interface Probe {
  what: string;
  scope: string;
  /** What is lost without it: everything, or only the last sign-ins. */
  level: 'error' | 'warning';
  read(): Promise<unknown>;
}

/** `missingScopes`: see OktaAccess. Throws what is no matter of rights: wrong credentials, an outage. */
export async function check(
  api: OktaApi,
  missingScopes: (() => Promise<string[]>) | null,
  ctx: CallContext,
): Promise<CheckResult> {
  const one = { operation, cursor: null, query: { limit: 1 } };
  const probes: Probe[] = [
    { what: 'Users', scope: 'okta.users.manage', level: 'error', read: () => listUsers(api, one, ctx) },
    { what: 'Groups', scope: 'okta.groups.manage', level: 'error', read: () => listGroups(api, one, ctx) },
    {
      what: 'The system log',
      scope: 'okta.logs.read',
      level: 'warning',
      read: () => listPage(api, ['logs'], z.unknown(), one, ctx),
    },
  ];
  if (api.hasAdminRoles) {
    const path = () => pathOf('api', 'v1', 'iam', 'assignees', 'users');
    const call = { operation, method: 'GET' as const, path, params: () => one.query, schema: z.unknown() };
    const read = () => api.client.call(call, ctx);
    probes.push({ what: 'Administrator roles', scope: rolesScope, level: 'error', read });
  }
  const findings: Finding[] = [];
  for (const probe of probes) {
    try {
      await probe.read();
    } catch (error) {
      const finding = await explain(error, probe, missingScopes);
      if (finding === null) throw error;
      findings.push(...finding);
      // Without a token, the next probe learns nothing new.
      if (isConnectorError(error, 'auth') && tokenRefusals.includes(error.detail.vendorCode ?? '')) break;
    }
  }
  const isHealthy = findings.every(({ level }) => level !== 'error');
  if (isHealthy) findings.unshift({ level: 'ok', text: 'Users and groups can be read.' });
  return { isHealthy, findings };
}

/** Null where the failure is no matter of rights. */
async function explain(
  error: unknown,
  { what, scope, level }: Probe,
  missingScopes: (() => Promise<string[]>) | null,
): Promise<Finding[] | null> {
  if (!isConnectorError(error, 'auth')) return null;
  switch (error.detail.vendorCode) {
    case 'invalid_scope': {
      const missing = missingScopes === null ? [] : await missingScopes();
      if (missing.length === 0) return null;
      return missing.map((name) => ({ level: 'error', text: `The application was not granted the scope ${name}.` }));
    }
    case missingScope:
      return [{ level, text: `${what} cannot be read: the token lacks the scope ${scope}.` }];
    case noPermission:
      return [
        {
          level,
          text: `${what} cannot be read: the role of the application or of the token's owner does not allow it.`,
        },
      ];
    case 'invalid_dpop_proof':
      return [
        { level: 'error', text: 'The application demands DPoP: turn off "Require DPoP header in token requests".' },
      ];
    default:
      return null;
  }
}
