/**
 * SCIM users: create, find, replace, patch, delete.
 * https://www.rfc-editor.org/rfc/rfc7643#section-4.1
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { readJson, type SandboxContext, type VendorKit } from './kit.ts';
import { scimBaseOf, ScimRefusal, scimResource, without } from './scim-http.ts';
import { scimList } from './scim-lists.ts';
import { applyPatch, requireMediaType } from './scim-patch-operations.ts';
import type { ScimQuirks } from './scim-quirks.ts';
import {
  endSessionsOfDisabled,
  scimBasePath,
  type ScimParts,
  type ScimState,
  type ScimUser,
  toUserResource,
} from './scim-state.ts';

/** What the server computes, whatever a client sends. */
const serverOwned = ['schemas', 'id', 'userName', 'active', 'groups', 'meta'];

const UserBody = z.looseObject({
  userName: z.string().min(1).max(500),
  externalId: z.string().optional(),
  active: z.unknown().optional(),
});

const Emails = z.array(z.looseObject({ value: z.string().includes('@') })).min(1);

export function addScimUserRoutes({ app }: VendorKit, parts: ScimParts): void {
  const { store, quirks, now } = parts;
  const path = `${scimBasePath}/Users`;
  const whole = (c: SandboxContext, user: ScimUser) => toUserResource(store.data, user, scimBaseOf(c));
  const isHidden = (user: ScimUser): boolean => user.isDeleted === true || (quirks.hidesDisabled && !user.active);
  const find = (c: SandboxContext): ScimUser => {
    const user = store.data.users[c.req.param('id') ?? ''];
    if (user === undefined || isHidden(user)) throw new ScimRefusal(404, null, 'There is no such user');
    return user;
  };
  const answer = (c: SandboxContext, status: number): Response =>
    scimResource(c, status, { resource: shownUser(whole(c, find(c)), quirks), quirks });
  const save = (user: ScimUser, body: unknown): void => {
    const values = readUser(parts, body, user.id);
    store.data.users[user.id] = { ...user, ...values, lastModified: now().toISOString() };
    endSessionsOfDisabled(store.data);
  };

  app.get(path, (c) => {
    const seen = Object.values(store.data.users).filter((user) => !isHidden(user));
    const show = (resource: Record<string, unknown>) => shownUser(resource, quirks);
    const resources = seen.map((user) => whole(c, user));
    return scimList(c, quirks, { resources, filterBy: quirks.usersFilterBy, show });
  });
  app.post(path, async (c) => {
    requireMediaType(c, quirks);
    const at = now().toISOString();
    const values = readUser(parts, await readJson(c), null);
    const user = { id: randomUUID(), created: at, lastModified: at, ...values };
    store.data.users[user.id] = user;
    return scimResource(c, 201, { resource: shownUser(whole(c, user), quirks), quirks });
  });
  app.get(`${path}/:id`, (c) => answer(c, 200));
  app.put(`${path}/:id`, async (c) => {
    requireMediaType(c, quirks);
    const body = await readJson(c);
    save(find(c), body);
    return answer(c, 200);
  });
  app.patch(`${path}/:id`, async (c) => {
    requireMediaType(c, quirks);
    const body = await readJson(c);
    const user = find(c);
    save(user, applyPatch(whole(c, user), body, quirks));
    return quirks.patchAnswer === 204 && !quirks.hidesDisabled ? c.body(null, 204) : answer(c, 200);
  });
  app.delete(`${path}/:id`, (c) => {
    remove(store.data, find(c), quirks.deleteMeans);
    return c.body(null, 204);
  });
}

/** The user as this server shows it. */
function shownUser(resource: Record<string, unknown>, quirks: ScimQuirks): Record<string, unknown> {
  const active = resource['active'] === true;
  return {
    ...(quirks.groupsOnUser ? resource : without(resource, ['groups'])),
    active: quirks.activeShown === 'boolean' ? active : active ? 'True' : 'False',
  };
}

function remove(state: ScimState, user: ScimUser, deleteMeans: ScimQuirks['deleteMeans']): void {
  if (deleteMeans === 'erase') return erase(state, user.id);
  state.users[user.id] = { ...user, active: false, isDeleted: deleteMeans === 'hide' };
  endSessionsOfDisabled(state);
}

function erase(state: ScimState, userId: string): void {
  delete state.users[userId];
  for (const group of Object.values(state.groups)) group.memberIds = group.memberIds.filter((id) => id !== userId);
  endSessionsOfDisabled(state);
}

function readUser(
  { store, quirks }: ScimParts,
  body: unknown,
  ownId: string | null,
): Pick<ScimUser, 'userName' | 'active' | 'attributes'> {
  const parsed = UserBody.safeParse(body);
  if (!parsed.success) throw new ScimRefusal(400, 'invalidValue', 'userName is required, externalId must be a string');
  const { userName } = parsed.data;
  if (quirks.requiresEmail && !Emails.safeParse(parsed.data['emails']).success && !userName.includes('@')) {
    throw new ScimRefusal(400, 'invalidValue', 'emails must contain an address when userName is none');
  }
  const isTaken = Object.values(store.data.users).some(
    (user) => user.id !== ownId && user.userName.toLowerCase() === userName.toLowerCase(),
  );
  if (isTaken) throw new ScimRefusal(409, 'uniqueness', 'userName is already in use');
  return {
    userName,
    active: readActive(parsed.data.active, quirks.acceptsBooleanStrings),
    attributes: without(parsed.data, serverOwned),
  };
}

function readActive(value: unknown, acceptsStrings: boolean): boolean {
  if (value === undefined) return true;
  if (typeof value === 'boolean') return value;
  if (acceptsStrings && typeof value === 'string' && /^(true|false)$/i.test(value)) {
    return value.toLowerCase() === 'true';
  }
  throw new ScimRefusal(400, 'invalidValue', 'active must be a boolean');
}
