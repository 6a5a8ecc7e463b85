/** A client of the API as somebody else would write it, on types generated from the document. Compiled and run by a test. */
export const clientText = `
import createClient from 'openapi-fetch';
import type { paths } from './api.d.ts';

const client = createClient<paths>({
  baseUrl: process.env['URL'] ?? '',
  headers: { authorization: \`Bearer \${process.env['TOKEN'] ?? ''}\` },
});
const person = process.env['PERSON'] ?? '';
const { data: me } = await client.GET('/api/v1/me');
const { data: list } = await client.GET('/api/v1/cases', { params: { query: { state: 'done' } } });
const { data: detail } = await client.GET('/api/v1/persons/{person}', { params: { path: { person } } });
const { error, response } = await client.POST('/api/v1/persons/{person}/leave', {
  params: { path: { person } },
  body: { reason: '' },
});
// @ts-expect-error -- no such state
await client.GET('/api/v1/cases', { params: { query: { state: 'lost' } } });
// @ts-expect-error -- no such endpoint
await client.GET('/api/v1/nothing');
// @ts-expect-error -- the reason is missing
void ((): unknown => client.POST('/api/v1/persons/{person}/leave', { params: { path: { person } }, body: {} }));
const scopes: string[] = me?.scopes ?? [];
const states: ('done' | 'open' | string)[] = list?.cases.map((each) => each.state) ?? [];
const name: string | undefined = detail?.name;
const field: string | null | undefined = error?.field;
console.log(JSON.stringify({ scopes, states: [...new Set(states)], name, field, status: response.status }));
`;
