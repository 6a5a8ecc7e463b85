import { describe, expect, test } from '@jest/globals';
import { createServicenowSandbox, type ServicenowSandboxOptions } from '../../sandbox/servicenow.ts';
import { basic, client, serve } from './support.ts';

async function aServicenow(options: Partial<ServicenowSandboxOptions> = {}): Promise<ReturnType<typeof client>> {
  const { url } = await serve(createServicenowSandbox({ username: 'usher', password: 'secret', ...options }));
  return client(`${url}/api/now/table/incident`, basic('usher', 'secret'));
}

type Rows = Record<string, string>[];
const rowsOf = (body: Record<string, unknown>): Rows => body['result'] as Rows;
const open = (ask: ReturnType<typeof client>, correlation_id: string) =>
  ask('POST', '', { correlation_id, short_description: 'Wiki is down', no_such_column: 'x' });

describe('incidents', () => {
  test('POST inserts every time, whatever the correlation id', async () => {
    const ask = await aServicenow();
    const first = await open(ask, 'wiki-down');
    const second = await open(ask, 'wiki-down');
    expect(first.status).toBe(201);
    expect(first.body['result']).toMatchObject({ number: 'INC0010001', state: '1', active: 'true' });
    expect(first.body['result']).not.toHaveProperty('no_such_column');
    expect(second.body['result']).toMatchObject({ number: 'INC0010002' });
  });

  test('a query finds by correlation id and activity, and drops what it does not know', async () => {
    const ask = await aServicenow();
    await open(ask, 'a');
    await open(ask, 'b^c');
    const count = async (query: string) =>
      rowsOf((await ask('GET', `?sysparm_query=${encodeURIComponent(query)}`)).body).length;
    expect(await count('correlation_id=a^active=true')).toBe(1);
    expect(await count('correlation_id=a^active=false')).toBe(0);
    expect(await count('correlation_id=b^^c')).toBe(1);
    expect(await count('colour=red')).toBe(2);
  });

  test('keyset pages give every row once, with the total beside them', async () => {
    const ask = await aServicenow();
    for (const id of ['a', 'b', 'c', 'd', 'e']) await open(ask, id);
    const seen: string[] = [];
    for (let last = '', page = 0; page < 4; page += 1) {
      const query = encodeURIComponent(`${last === '' ? '' : `sys_id>${last}^`}ORDERBYsys_id`);
      const answer = await ask('GET', `?sysparm_query=${query}&sysparm_limit=2&sysparm_fields=sys_id`);
      const ids = rowsOf(answer.body).map((row) => row['sys_id'] ?? '');
      if (ids.length === 0) break;
      expect(Number(answer.headers.get('x-total-count'))).toBe(5 - seen.length);
      seen.push(...ids);
      last = ids.at(-1) ?? '';
    }
    expect(seen).toHaveLength(5);
    expect(seen).toEqual(seen.toSorted());
    expect(new Set(seen).size).toBe(5);
  });

  test('resolving needs code and notes, and then the incident is no longer active', async () => {
    const ask = await aServicenow();
    const id = rowsOf({ result: [(await open(ask, 'a')).body['result']] })[0]?.['sys_id'] ?? '';
    const refused = await ask('PATCH', `/${id}`, { state: '6' });
    expect([refused.status, refused.body['status']]).toEqual([403, 'failure']);
    const done = { state: '6', close_code: 'Solved', close_notes: 'Back again' };
    expect((await ask('PATCH', `/${id}`, done)).body['result']).toMatchObject({ state: '6', active: 'false' });
  });

  test('a resolved incident can be made to stay active until it is closed', async () => {
    const ask = await aServicenow({ resolvedStaysActive: true, requiresCloseNotes: false });
    const id = rowsOf({ result: [(await open(ask, 'a')).body['result']] })[0]?.['sys_id'] ?? '';
    expect((await ask('PATCH', `/${id}`, { state: '6' })).body['result']).toMatchObject({ active: 'true' });
    expect((await ask('PATCH', `/${id}`, { state: '7' })).body['result']).toMatchObject({ active: 'false' });
  });

  test('notes read empty except as display values', async () => {
    const ask = await aServicenow();
    const id = rowsOf({ result: [(await open(ask, 'a')).body['result']] })[0]?.['sys_id'] ?? '';
    await ask('PATCH', `/${id}`, { work_notes: 'Tried again' });
    expect((await ask('GET', `/${id}`)).body['result']).toMatchObject({ work_notes: '' });
    const shown = await ask('GET', `/${id}?sysparm_display_value=true`);
    expect(JSON.stringify(shown.body['result'])).toContain('Tried again');
  });

  test('an unknown id is 404 and a wrong password 401, in the vendor words', async () => {
    const sandbox = createServicenowSandbox({ username: 'usher', password: 'secret' });
    const { url } = await serve(sandbox);
    const path = '/api/now/table/incident/none';
    const missing = await client(url, basic('usher', 'secret'))('GET', path);
    expect([missing.status, missing.body]).toMatchObject([
      404,
      { status: 'failure', error: { message: 'No Record found' } },
    ]);
    const stranger = await client(url, basic('usher', 'wrong'))('GET', path);
    expect([stranger.status, stranger.body]).toMatchObject([401, { error: { message: 'User Not Authenticated' } }]);
  });
});
