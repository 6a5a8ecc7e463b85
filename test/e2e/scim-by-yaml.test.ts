/** The page about SCIM applications, followed word by word: its files, its commands, and then an account that comes and goes. */
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createScimSandbox, type ScimSandbox } from '../../sandbox/scim.ts';
import { aProfile, ctx, keysOf } from '../conformance/harness.ts';
import { runUsher } from '../support/usher-cli.ts';
import { createWorld, type World } from '../support/world.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../docs/systems/scim.md'), 'utf8');

/** The first block of that language, without the indentation of the list that it stands in. */
function blockOf(language: string): string {
  const [, indent = '', text = ''] = new RegExp(`^( *)\`\`\`${language}\\n([\\s\\S]*?)^ *\`\`\``, 'm').exec(page) ?? [];
  expect(text).not.toBe('');
  return text.replaceAll(new RegExp(`^${indent}`, 'gm'), '');
}

let world: World;
let helpdesk: ScimSandbox;
const groupId = /vendorId: (\S+)/.exec(blockOf('yaml'))?.[1] ?? '';

beforeAll(async () => {
  world = await createWorld();
  const times = { created: '2026-03-02T08:00:00Z', lastModified: '2026-03-02T08:00:00Z' };
  const group = { id: groupId, displayName: 'Agents', externalId: null, ...times, memberIds: [] };
  helpdesk = createScimSandbox({ token: 'token-of-the-helpdesk', behaviour: 'okta-style', groups: [group] });
});
afterAll(async () => {
  await helpdesk.close();
  await world.close();
});

it('adds an application by a secret, a YAML entry and three commands', async () => {
  const secrets = JSON.parse(blockOf('json')) as Record<string, Record<string, string>>;
  const { url } = await helpdesk.listen(0);
  const [[systemId, names] = ['', {}]] = Object.entries(secrets);
  expect(Object.keys(names)).toEqual(['url', 'token']);
  world.secrets[systemId] = { url, token: 'token-of-the-helpdesk' };
  writeFileSync(join(world.serverDeps.policyDir, 'helpdesk.yaml'), blockOf('yaml'));

  const token = await world.tokenOf(await world.personId('109'), ['operate', 'security']);
  const commands = blockOf('sh').trim().split('\n');
  expect(commands.map((line) => line.split(' ').slice(0, 4).join(' '))).toEqual([
    'npx usher policy check',
    'npx usher policy activate',
    'npx usher systems check',
  ]);
  const printed: string[] = [];
  for (const line of commands) {
    const words = line.split(' ').slice(2);
    const args = words.map((word) => (word === 'sandbox/policies' ? world.serverDeps.policyDir : word));
    const ran = await runUsher(args, { url: world.url, token });
    expect({ line, ...ran }).toMatchObject({ line, exitCode: 0 });
    printed.push(ran.out);
  }
  expect(printed.at(-1)).toContain('Users and Groups can be read.');
});

it('and the application then gives and takes accounts and access', async () => {
  const { connector } = await world.workerDeps.pool.open('target', 'helpdesk');
  const keys = keysOf(randomUUID());
  const { account } = await connector.ensureAccount(keys, aProfile(), ctx);
  const { accountId } = account;
  await connector.ensureEntitlement(accountId, groupId, 'present', ctx);
  expect(helpdesk.state.groups[groupId]?.memberIds).toEqual([accountId]);
  expect(await connector.listAccountEntitlements(accountId, ctx)).toEqual([groupId]);
  await connector.ensureEntitlement(accountId, groupId, 'absent', ctx);
  await connector.setLogin(accountId, 'disabled', ctx);
  expect([helpdesk.state.groups[groupId]?.memberIds, helpdesk.canLogIn(accountId)]).toEqual([[], false]);
});

it('names every profile and every quirk that there is', async () => {
  const { QuirkProfileName } = await import('../../src/connectors/scim/quirk-profiles.ts');
  const { quirkFields } = await import('../../src/connectors/scim/quirks.ts');
  const named = [...page.matchAll(/^\| `([\w-]+)`/gm)].map((match) => match[1]);
  expect(named).toEqual([...QuirkProfileName.options, ...Object.keys(quirkFields)]);
});
