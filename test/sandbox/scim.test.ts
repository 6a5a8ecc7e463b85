import { describe, expect, test } from '@jest/globals';
import { createScimSandbox, type ScimSandbox } from '../../sandbox/scim.ts';
import type { ScimQuirks } from '../../sandbox/scim-quirks.ts';
import { client, serve } from './support.ts';

const schemas = ['urn:ietf:params:scim:api:messages:2.0:PatchOp'];
const patch = (...Operations: object[]) => ({ schemas, Operations });

async function aScim(
  quirks: Partial<ScimQuirks> = {},
): Promise<{ scim: ScimSandbox; ask: ReturnType<typeof client>; add(name: string): Promise<string> }> {
  const groups = [{ id: 'g1', displayName: 'Sales', externalId: null, created: '', lastModified: '', memberIds: [] }];
  const scim = createScimSandbox({ token: 'secret', quirks, groups });
  const { url } = await serve(scim);
  const ask = client(url, 'Bearer secret');
  const add = async (name: string): Promise<string> =>
    String((await ask('POST', '/Users', { userName: name, externalId: `key-${name}` })).body['id']);
  return { scim, ask, add };
}

describe('users', () => {
  test('are found by userName without case and by externalId with it', async () => {
    const { ask, add } = await aScim();
    const id = await add('ada');
    const find = async (filter: string) => (await ask('GET', `/Users?filter=${encodeURIComponent(filter)}`)).body;
    expect(await find('userName eq "ADA"')).toMatchObject({ totalResults: 1, Resources: [{ id }] });
    expect(await find('externalId eq "key-ada"')).toMatchObject({ totalResults: 1 });
    expect(await find('externalId eq "KEY-ADA"')).toMatchObject({ totalResults: 0 });
    expect(await find('nonsense')).toMatchObject({ scimType: 'invalidFilter', status: '400' });
  });

  test('a userName that is taken is 409 uniqueness', async () => {
    const { ask, add } = await aScim();
    await add('ada');
    const second = await ask('POST', '/Users', { userName: 'Ada' });
    expect([second.status, second.body['scimType']]).toEqual([409, 'uniqueness']);
  });

  test('a wrong token is 401 and an unknown id is 404', async () => {
    const { scim, ask } = await aScim();
    expect((await ask('GET', '/Users/none')).status).toBe(404);
    await scim.close();
    const { url } = await scim.listen();
    expect((await client(url, 'Bearer other')('GET', '/Users')).status).toBe(401);
  });

  test('every user stands on exactly one page, and a page is never longer than the server allows', async () => {
    const { ask, add } = await aScim({ pageMax: 2 });
    const ids: string[] = [];
    for (const name of ['a', 'b', 'c', 'd', 'e']) ids.push(await add(name));
    const seen: string[] = [];
    for (let startIndex = 1; startIndex <= 5; startIndex += 2) {
      const { body } = await ask('GET', `/Users?startIndex=${startIndex}&count=100`);
      const page = (body['Resources'] as { id: string }[]).map((user) => user.id);
      expect([body['totalResults'], page.length]).toEqual([5, startIndex === 5 ? 1 : 2]);
      seen.push(...page);
    }
    expect(seen).toEqual(ids);
  });

  test('a disabled account cannot log in and its sessions end', async () => {
    const { scim, ask, add } = await aScim();
    const id = await add('ada');
    expect(scim.logIn('ada').canLogIn).toBe(true);
    expect(scim.sessionsOf(id)).toHaveLength(1);
    const off = await ask('PATCH', `/Users/${id}`, patch({ op: 'Replace', path: 'active', value: false }));
    expect([off.status, off.body['active'], off.body['externalId']]).toEqual([200, false, 'key-ada']);
    expect(scim.sessionsOf(id)).toEqual([]);
    expect(scim.logIn('ada')).toEqual({ canLogIn: false, sessionId: null });
  });

  test('DELETE erases the account and its memberships', async () => {
    const { scim, ask, add } = await aScim();
    const id = await add('ada');
    await ask('PATCH', '/Groups/g1', patch({ op: 'add', path: 'members', value: [{ value: id }] }));
    expect((await ask('DELETE', `/Users/${id}`)).status).toBe(204);
    expect(scim.state.groups['g1']?.memberIds).toEqual([]);
    expect((await ask('GET', `/Users/${id}`)).status).toBe(404);
  });
});

describe('quirks', () => {
  const withPath = patch({ op: 'replace', path: 'active', value: false });
  const withoutPath = patch({ op: 'replace', value: { active: false } });

  test.each([
    ['any', 200, 200],
    ['path', 200, 400],
    ['noPath', 400, 200],
  ] as const)('patch style %s answers %i to a path and %i to none', async (patchStyle, path, noPath) => {
    const { ask, add } = await aScim({ patchStyle });
    const id = await add('ada');
    expect((await ask('PATCH', `/Users/${id}`, withPath)).status).toBe(path);
    expect((await ask('PATCH', `/Users/${id}`, withoutPath)).status).toBe(noPath);
    expect((await ask('GET', `/Users/${id}`)).body['active']).toBe(false);
  });

  test('booleans as text are taken only by a tolerant server', async () => {
    const asText = patch({ op: 'Replace', path: 'active', value: 'False' });
    const strict = await aScim();
    expect((await strict.ask('PATCH', `/Users/${await strict.add('ada')}`, asText)).body['scimType']).toBe(
      'invalidValue',
    );
    const tolerant = await aScim({ acceptsBooleanStrings: true });
    expect((await tolerant.ask('PATCH', `/Users/${await tolerant.add('ada')}`, asText)).body['active']).toBe(false);
  });

  async function three(quirks: Partial<ScimQuirks>) {
    const server = await aScim(quirks);
    const ids = [await server.add('a'), await server.add('b'), await server.add('c')] as const;
    const value = ids.map((id) => ({ value: id }));
    await server.ask('PATCH', '/Groups/g1', patch({ op: 'add', path: 'members', value }));
    const members = () => server.scim.state.groups['g1']?.memberIds ?? [];
    return { ...server, ids, members };
  }

  const removals = {
    filterPath: (id: string) => patch({ op: 'remove', path: `members[value eq "${id}"]` }),
    valueArray: (id: string) => patch({ op: 'Remove', path: 'members', value: [{ value: id }] }),
  };

  test.each(['filterPath', 'valueArray'] as const)('a server of %s takes one out and leaves two', async (style) => {
    const { ask, ids, members } = await three({ memberRemoveStyle: style });
    const other = style === 'filterPath' ? 'valueArray' : 'filterPath';
    expect((await ask('PATCH', '/Groups/g1', removals[other](ids[0]))).status).toBe(400);
    expect(members()).toHaveLength(3);
    expect((await ask('PATCH', '/Groups/g1', removals[style](ids[0]))).status).toBe(200);
    expect(members().toSorted()).toEqual([ids[1], ids[2]].toSorted());
  });

  test('the wrong form can take everybody out', async () => {
    const { ask, ids, members } = await three({ memberRemoveStyle: 'filterPath', wrongRemovalEmptiesGroup: true });
    expect((await ask('PATCH', '/Groups/g1', removals.valueArray(ids[0]))).status).toBe(200);
    expect(members()).toEqual([]);
  });

  test.each([
    ['ignore', 3],
    ['duplicate', 4],
  ] as const)('an existing member is met with %s', async (existingMember, count) => {
    const { ask, ids, members } = await three({ existingMember });
    await ask('PATCH', '/Groups/g1', patch({ op: 'add', path: 'members', value: [{ value: ids[0] }] }));
    expect(members()).toHaveLength(count);
  });

  test('PATCH may answer 204 without a body', async () => {
    const { ask, add } = await aScim({ patchAnswer: 204 });
    const answer = await ask('PATCH', `/Users/${await add('ada')}`, withPath);
    expect([answer.status, answer.text]).toEqual([204, '']);
  });
});

describe('groups', () => {
  test('members and the groups of an account tell the same', async () => {
    const { ask, add } = await aScim();
    const id = await add('ada');
    await ask('PATCH', '/Groups/g1', patch({ op: 'add', path: 'members', value: [{ value: id }] }));
    expect((await ask('GET', `/Users/${id}`)).body['groups']).toMatchObject([{ value: 'g1', display: 'Sales' }]);
    const filter = encodeURIComponent(`members[value eq "${id}"]`);
    expect((await ask('GET', `/Groups?filter=${filter}`)).body).toMatchObject({ totalResults: 1 });
  });

  test('a member that does not exist is refused', async () => {
    const { scim, ask } = await aScim();
    const unknown = patch({ op: 'add', path: 'members', value: [{ value: 'nobody' }] });
    expect((await ask('PATCH', '/Groups/g1', unknown)).status).toBe(400);
    expect(scim.state.groups['g1']?.memberIds).toEqual([]);
  });
});
