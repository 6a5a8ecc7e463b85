/** What the description of SCIM refuses: the mistakes that real clients and servers make. */
import { existsSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type { Exchange } from '../../sandbox/exchange.ts';
import { scimDescription } from './scim-description.ts';
import { descriptionUrl, loadVendorDescription } from './vendor-description.ts';

const file = 'scim/scim2-core-schemas.json';
const core = 'urn:ietf:params:scim:schemas:core:2.0';
const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const user = { schemas: [`${core}:User`], id: 'u1', userName: 'ada' };
const patchOf = (...Operations: object[]) => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
  Operations,
});
const replace = (path: string, value: unknown) => patchOf({ op: 'replace', path, value });

async function breachesOf(method: string, path: string, body: unknown, answer: unknown, status: number) {
  const description = await loadVendorDescription({
    vendor: 'SCIM',
    files: [file],
    convert: scimDescription,
    basePath: '/scim',
  });
  const type = { 'content-type': 'application/scim+json' };
  const exchange: Exchange = {
    method,
    path: `/scim${path}`,
    query: '',
    requestHeaders: new Headers({ authorization: 'Bearer t', ...type }),
    requestBody: body === undefined ? '' : JSON.stringify(body),
    fault: null,
    answer: { status, headers: new Headers(type), body: answer === undefined ? '' : JSON.stringify(answer) },
  };
  return description.check(exchange).breaches.map(({ place, expected }) => `${place} ${expected}`);
}
const request = (method: string, path: string, body: unknown) =>
  breachesOf(method, path, body, method === 'POST' ? user : undefined, method === 'POST' ? 201 : 204);
const answer = (value: unknown, path = '/Users/u1') => breachesOf('GET', path, undefined, value, 200);

const describeIfThere = existsSync(descriptionUrl(file)) ? describe : describe.skip;

describeIfThere('SCIM (skipped where ../shared/specs is not there)', () => {
  test.each([
    ['disabling by path', '/Users/u1', replace('active', false)],
    ['disabling without a path', '/Users/u1', patchOf({ op: 'replace', value: { active: false } })],
    ['an attribute of an extension', '/Users/u1', replace(`${enterprise}:department`, 'Finance')],
    ['a value of a complex attribute', '/Users/u1', replace('name.givenName', 'Ada')],
    ['adding a member', '/Groups/g1', patchOf({ op: 'add', path: 'members', value: [{ value: 'u1' }] })],
    ['removing one member', '/Groups/g1', patchOf({ op: 'remove', path: 'members[value eq "u1"]' })],
  ])('%s is allowed', async (_what, path, body) => {
    expect(await request('PATCH', path, body)).toEqual([]);
  });

  test.each([
    ['a misspelt path', replace('actve', false), 'request body/Operations/*/path must match pattern'],
    ['a boolean as text', replace('active', 'False'), 'request body/Operations/*/value must be boolean'],
    [
      'a text as boolean, without a path',
      patchOf({ op: 'replace', value: { active: 'x' } }),
      'request body/Operations/*/value/active must be boolean',
    ],
    [
      'an operation in capitals',
      patchOf({ op: 'Replace', path: 'active', value: false }),
      'request body/Operations/*/op must be one of',
    ],
    ['removing nothing', patchOf({ op: 'remove' }), 'request body/Operations/*/path is missing'],
    ['writing what the server owns', replace('groups', []), 'request body/Operations/*/path must match pattern'],
    [
      'an invented attribute',
      patchOf({ op: 'add', value: { nick: 'A' } }),
      'request body/Operations/*/value/nick is not described',
    ],
  ])('%s is a breach', async (_what, body, expected) => {
    expect(await request('PATCH', '/Users/u1', body)).toContainEqual(expect.stringContaining(expected));
  });

  test('a new user needs userName and the schema, and brings no id', async () => {
    const given = { schemas: [`${core}:Group`], id: 'mine', emails: [{ value: 'a@b.example', primary: 'yes' }] };
    expect((await request('POST', '/Users', given)).map((each) => each.split(',')[0])).toEqual(
      expect.arrayContaining([
        'request body/userName is missing',
        'request body/id does not travel in this direction (read-only or write-only)',
        'request body/emails/*/primary must be boolean',
        expect.stringContaining('request body/schemas must contain at least 1 valid item'),
      ]),
    );
  });

  test('answers hold known attributes of known types, and no password', async () => {
    expect(await answer({ ...user, title: null, emails: [], meta: { resourceType: 'User' } })).toEqual([]);
    expect(await answer({ ...user, enabled: true })).toEqual(['answer 200 body/enabled is not described']);
    expect(await answer({ ...user, password: 'x' })).toHaveLength(1);
    expect(await answer({ schemas: [`${core}:Group`], id: 'g1' }, '/Groups/g1')).toEqual([
      'answer 200 body/displayName is missing',
    ]);
    expect(await answer({ ...user, active: 'true' })).toEqual([
      'answer 200 body/active must be boolean,null, is "true"',
    ]);
  });

  test('errors say so in their own form', async () => {
    const error = { schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: '409', scimType: 'uniqueness' };
    expect(await breachesOf('POST', '/Users', user, error, 409)).toEqual([
      'request body/id does not travel in this direction (read-only or write-only)',
    ]);
    const wrong = { ...error, status: 409, scimType: 'duplicate' };
    expect(await breachesOf('GET', '/Users/u1', undefined, wrong, 404)).toHaveLength(2);
  });
});
