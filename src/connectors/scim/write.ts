/** Writes of one SCIM service: attributes of a user and members of a group, in the form that its quirks ask for. */
import { z } from 'zod';
import type { CallContext, VendorReceipt } from '../kit/contract.ts';
import { pathOf, scimValuePath } from '../kit/escape.ts';
import { contentTypeOf, type ScimApi } from './api.ts';
import type { ScimQuirks } from './quirks.ts';

const patchSchema = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

export interface UserWrite {
  operation: string;
  accountId: string;
  /** New values by attribute; with `patchStyle` path, a name may be a path. */
  values: Record<string, unknown>;
}

/** How `values` have to be named: by path, or as the resource nests them. */
export function namingOf({ writeMethod, patchStyle }: ScimQuirks): 'path' | 'value' {
  return writeMethod === 'put' ? 'value' : patchStyle;
}

/** Replaces attributes of a user and leaves all others as they are. */
export function writeUser(api: ScimApi, write: UserWrite, ctx: CallContext): Promise<VendorReceipt> {
  const { operation, accountId } = write;
  const values = withBooleans(api.quirks, write.values);
  if (api.quirks.writeMethod === 'put') {
    return put(api, { operation, segments: ['Users', accountId], change: (user) => ({ ...user, ...values }) }, ctx);
  }
  const operations =
    api.quirks.patchStyle === 'value'
      ? [{ op: 'replace', value: values }]
      : Object.entries(values).map(([path, value]) => ({ op: 'replace', path, value }));
  return patch(api, { operation, segments: ['Users', accountId], operations }, ctx);
}

/** How the server wants `active` to be sent, in a new resource or in a change. */
export function withBooleans({ booleanStyle }: ScimQuirks, values: Record<string, unknown>): Record<string, unknown> {
  const { active } = values;
  if (booleanStyle === 'boolean' || typeof active !== 'boolean') return values;
  return { ...values, active: active ? 'True' : 'False' };
}

export interface MemberWrite {
  operation: string;
  accountId: string;
  groupId: string;
  state: 'present' | 'absent';
}

/**
 * Adds or removes exactly one member: servers that bound the changes of one request (AWS: 100) are never asked for more.
 * By PUT the whole group is sent as it was read a moment before, which no server can merge with another's change.
 */
export function writeMember(api: ScimApi, write: MemberWrite, ctx: CallContext): Promise<VendorReceipt> {
  const { operation, accountId, groupId, state } = write;
  const segments = ['Groups', groupId];
  if (api.quirks.writeMethod === 'put') {
    const change = (group: Resource) => ({ ...group, members: membersAfter(group, accountId, state) });
    return put(api, { operation, segments, change }, ctx);
  }
  const change =
    state === 'present'
      ? { op: 'add', path: 'members', value: [{ value: accountId }] }
      : removal(api.quirks, accountId);
  return patch(api, { operation, segments, operations: [change] }, ctx);
}

function removal({ memberRemoveStyle }: ScimQuirks, accountId: string) {
  switch (memberRemoveStyle) {
    case 'filter':
      return { op: 'remove', path: scimValuePath('members', 'value', accountId) };
    case 'valueArray':
      return { op: 'remove', path: 'members', value: [{ value: accountId }] };
    default:
      return memberRemoveStyle satisfies never;
  }
}

const Members = z.array(z.looseObject({ value: z.string() }));

function membersAfter({ members }: Resource, accountId: string, state: 'present' | 'absent') {
  const others = Members.parse(members ?? []).filter(({ value }) => value !== accountId);
  return state === 'present' ? [...others, { value: accountId }] : others;
}

interface Patch {
  operation: string;
  segments: string[];
  operations: object[];
}

async function patch(api: ScimApi, { operation, segments, operations }: Patch, ctx: CallContext) {
  const body = { schemas: [patchSchema], Operations: operations };
  const path = () => pathOf(...segments);
  const contentType = contentTypeOf(api);
  const call = { operation, method: 'PATCH' as const, path, body, contentType, schema: z.unknown() };
  return (await api.client.call(call, ctx)).receipt;
}

const Resource = z.looseObject({ id: z.string().min(1), members: Members.nullish() });
type Resource = z.infer<typeof Resource>;

interface Put {
  operation: string;
  segments: string[];
  change: (resource: Resource) => Record<string, unknown>;
}

/** What is not sent may be erased: the resource is read in full and goes back whole, without what only the server writes. */
async function put(api: ScimApi, { operation, segments, change }: Put, ctx: CallContext): Promise<VendorReceipt> {
  const { client } = api;
  const path = () => pathOf(...segments);
  const { data } = await client.call({ operation, method: 'GET', path, schema: Resource }, ctx);
  if (data.id !== segments.at(-1)) throw client.fail('transient', operation, 'the answer is about another resource');
  const { id: _id, meta: _meta, groups: _groups, ...body } = change(data);
  const contentType = contentTypeOf(api);
  return (await client.call({ operation, method: 'PUT', path, body, contentType, schema: z.unknown() }, ctx)).receipt;
}
