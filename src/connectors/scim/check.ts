/**
 * `check` of a SCIM service: can Users and Groups be read, and do the system's quirks agree with what the server shows? A
 * quirk that the server disproves is an error, with the value that would fit; reads only.
 */
import type { CallContext, CheckResult } from '../kit/contract.ts';
import { isConnectorError } from '../kit/vendor-client.ts';
import type { ScimApi } from './api.ts';
import {
  filtersByKey,
  filtersByMember,
  honoursStartIndex,
  readProviderConfig,
  readsAny,
  readSchemas,
  type ServiceProviderConfig,
  showsAllAtOnce,
  showsMemberships,
} from './observe.ts';
import { enterpriseSchema, userSchema } from './profile.ts';
import { profileOfHost, quirkProfiles } from './quirk-profiles.ts';
import type { ScimQuirks, SomeQuirks } from './quirks.ts';

type Finding = CheckResult['findings'][number];

/** A quirk that does not fit: what would, and why. */
interface Misfit {
  better: SomeQuirks;
  because: string;
}

/** Throws where Users cannot be read at all: credentials, address, outage. */
export async function checkScim(api: ScimApi, url: string, ctx: CallContext): Promise<CheckResult> {
  await readsAny(api, 'Users', ctx);
  const findings: Finding[] = [await groupsFinding(api, ctx)];
  if (findings.every(({ level }) => level === 'ok')) {
    const config = await readProviderConfig(api, ctx);
    const misfits = await misfitsOf(api, config, ctx);
    findings.push(...(await listFindings(api, ctx)), ...misfits.map(misfitFinding));
    findings.push(...hostFindings(api.quirks, url), ...(await schemaFindings(api, ctx)));
    if (misfits.length === 0) findings.push(fitFinding(config));
  }
  return { isHealthy: findings.every(({ level }) => level !== 'error'), findings };
}

async function groupsFinding(api: ScimApi, ctx: CallContext): Promise<Finding> {
  try {
    await readsAny(api, 'Groups', ctx);
    return { level: 'ok', text: 'Users and Groups can be read.' };
  } catch (error) {
    if (!isConnectorError(error, 'auth', 'notFound', 'unsupported')) throw error;
    const why = error.code === 'auth' ? 'the credentials lack the right to read Groups' : 'the server has no Groups';
    return { level: 'error', text: `Users can be read, Groups cannot: ${why}.` };
  }
}

async function misfitsOf(api: ScimApi, config: ServiceProviderConfig | null, ctx: CallContext): Promise<Misfit[]> {
  const found = [
    writeMisfit(api.quirks, config),
    await findMisfit(api, ctx),
    await pagingMisfit(api, config, ctx),
    await membershipMisfit(api, ctx),
  ];
  return found.filter((misfit) => misfit !== null);
}

function writeMisfit({ writeMethod }: ScimQuirks, config: ServiceProviderConfig | null): Misfit | null {
  if (writeMethod === 'put' || config?.patch?.supported !== false) return null;
  return { better: { writeMethod: 'put' }, because: 'the ServiceProviderConfig says that PATCH is not supported' };
}

async function findMisfit(api: ScimApi, ctx: CallContext): Promise<Misfit | null> {
  if (api.quirks.accountFind === 'scan') return null;
  const verdict = await filtersByKey(api, ctx);
  if (verdict === 'yes') return null;
  return { better: { accountFind: 'scan' }, because: `the filter by externalId is ${verdict}` };
}

async function pagingMisfit(
  api: ScimApi,
  config: ServiceProviderConfig | null,
  ctx: CallContext,
): Promise<Misfit | null> {
  if (api.quirks.paging !== 'startIndex' || (await honoursStartIndex(api, ctx)) !== false) return null;
  const paging = config?.pagination?.cursor === true ? 'cursor' : 'single';
  return { better: { paging }, because: 'startIndex is refused or ignored' };
}

/** Where lists are one page, a longer list ends every inventory: better said now. */
async function listFindings(api: ScimApi, ctx: CallContext): Promise<Finding[]> {
  if (api.quirks.paging !== 'single' || (await showsAllAtOnce(api, ctx))) return [];
  return [{ level: 'error', text: 'The server does not show all users in one page: they cannot be listed here.' }];
}

async function membershipMisfit(api: ScimApi, ctx: CallContext): Promise<Misfit | null> {
  const { membershipRead } = api.quirks;
  // What a server never shows cannot be compared with anything.
  if (membershipRead === 'probe') return null;
  const shown = await showsMemberships(api, ctx);
  const better = { membershipRead: shown?.onUser === true ? ('userGroups' as const) : ('scan' as const) };
  if (membershipRead === 'userGroups') {
    if (shown === null || shown.onUser) return null;
    return { better, because: 'a user who is in a group does not show it' };
  }
  if (shown?.inGroup === false) return { better, because: 'a group that a user shows does not show its members' };
  if (membershipRead === 'scan' || (await filtersByMember(api, ctx)) !== false) return null;
  return { better, because: 'the filter of Groups by member is refused' };
}

function misfitFinding({ better, because }: Misfit): Finding {
  return { level: 'error', text: `The quirks do not fit: ${because}. Set ${quirksText(better)}.` };
}

const quirksText = (quirks: SomeQuirks): string =>
  `quirks: { ${Object.entries(quirks)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ')} }`;

/** The vendor is known by its host: whatever its profile says beyond what was seen. */
function hostFindings(quirks: ScimQuirks, url: string): Finding[] {
  const profile = profileOfHost(new URL(url).hostname);
  if (profile === null) return [];
  const differing = Object.entries(quirkProfiles[profile].quirks).filter(
    ([name, value]) => quirks[name as keyof ScimQuirks] !== value,
  );
  if (differing.length === 0) return [{ level: 'ok', text: `The quirks are those of the profile ${profile}.` }];
  const names = differing.map(([name]) => name).join(', ');
  return [
    { level: 'warning', text: `This host has the profile ${profile}, which differs in ${names}: quirks: ${profile}` },
  ];
}

async function schemaFindings(api: ScimApi, ctx: CallContext): Promise<Finding[]> {
  const schemas = await readSchemas(api, ctx);
  const user = schemas?.get(userSchema.toLowerCase());
  if (schemas === null || user === undefined) return [];
  const findings: Finding[] = [];
  if (!user.has('active')) {
    findings.push({ level: 'error', text: 'The schema of users has no active: logins cannot be disabled here.' });
  }
  if (!schemas.has(enterpriseSchema.toLowerCase())) {
    const text = 'The server has no enterprise extension: department and manager cannot be given to Usher here.';
    findings.push({ level: 'warning', text });
  }
  return findings;
}

function fitFinding(config: ServiceProviderConfig | null): Finding {
  if (config === null) return { level: 'ok', text: 'No quirk is disproved; the server has no ServiceProviderConfig.' };
  return { level: 'ok', text: 'The quirks agree with what the server shows.' };
}
