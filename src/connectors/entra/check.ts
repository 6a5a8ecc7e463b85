/** The check of a tenant: what can be read, and which permissions the token lacks. Reads only. */
import type { CallContext, CheckResult } from '../kit/contract.ts';
import { listUsers } from './accounts.ts';
import { permissionsIn } from './credentials.ts';
import type { EntraApi } from './graph.ts';
import { listGroups } from './groups.ts';
import { canReadUsage } from './usage.ts';

/** Least privilege, and what else contains it. `AuditLog.Read.All` is for last sign-ins only. */
const required: Record<string, string[]> = {
  'User.ReadWrite.All': ['Directory.ReadWrite.All'],
  'User.RevokeSessions.All': ['User.ReadWrite.All', 'Directory.ReadWrite.All'],
  'GroupMember.ReadWrite.All': ['Group.ReadWrite.All', 'Directory.ReadWrite.All'],
};
export const entraScopes = [...Object.keys(required), 'AuditLog.Read.All'];

export async function check(api: EntraApi, ctx: CallContext): Promise<CheckResult> {
  await listUsers(api, 'check', null, ctx, 1);
  await listGroups(api, 'check', null, ctx, 1);
  const findings: CheckResult['findings'] = [{ level: 'ok', text: 'Users and groups can be read.' }];
  const given = permissionsIn(await api.tokens.get());
  if (given === null) findings.push({ level: 'warning', text: 'The permissions could not be read from the token.' });
  for (const [permission, containers] of Object.entries(required)) {
    const isGiven = given === null || [permission, ...containers].some((name) => given.has(name));
    if (!isGiven) findings.push({ level: 'error', text: `The application permission ${permission} is missing.` });
  }
  if (!(await canReadUsage(api, ctx))) {
    const text = 'Last sign-ins cannot be read: that takes Entra ID P1 and the permission AuditLog.Read.All.';
    findings.push({ level: 'warning', text });
  }
  return { isHealthy: findings.every(({ level }) => level !== 'error'), findings };
}
