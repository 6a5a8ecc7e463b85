/**
 * SCIM users: create, find, replace, patch, delete.
 * https://www.rfc-editor.org/rfc/rfc7643#section-4.1
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { readJson, type SandboxContext, type VendorKit } from './kit.ts';
import { scimJson, scimList, ScimRefusal, without } from './scim-http.ts';
import { applyPatch } from './scim-patch-operations.ts';
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

export function addScimUserRoutes({ app }: VendorKit, parts: ScimParts): void {
  const { store, quirks, now } = parts;
  const path = `${scimBasePath}/Users`;
  const show = (c: SandboxContext, user: ScimUser): Record<string, unknown> =>
    toUserResource(store.data, user, `${new URL(c.req.url).origin}${scimBasePath}`);
  const require = (c: SandboxContext): ScimUser => {
    const user = store.data.users[c.req.param('id') ?? ''];
    if (user === undefined) throw new ScimRefusal(404, null, 'There is no such user');
    return user;
  };
  const save = (user: ScimUser, body: unknown): void => {
    const values = readUser(parts, body, user.id);
    store.data.users[user.id] = { ...user, ...values, lastModified: now().toISOString() };
    endSessionsOfDisabled(store.data);
  };

  app.get(path, (c) => {
    const all = Object.values(store.data.users).map((user) => show(c, user));
    return scimList(c, all, quirks.pageMax);
  });
  app.post(path, async (c) => {
    const at = now().toISOString();
    const body = await readJson(c);
    const user = { id: randomUUID(), created: at, lastModified: at, ...readUser(parts, body, null) };
    store.data.users[user.id] = user;
    const resource = show(c, user);
    c.header('Location', z.object({ location: z.string() }).parse(resource['meta']).location);
    return scimJson(c, 201, resource);
  });
  app.get(`${path}/:id`, (c) => scimJson(c, 200, show(c, require(c))));
  app.put(`${path}/:id`, async (c) => {
    const body = await readJson(c);
    const user = require(c);
    save(user, body);
    return scimJson(c, 200, show(c, require(c)));
  });
  app.patch(`${path}/:id`, async (c) => {
    const body = await readJson(c);
    const user = require(c);
    save(user, applyPatch(show(c, user), body, quirks));
    return quirks.patchAnswer === 204 ? c.body(null, 204) : scimJson(c, 200, show(c, require(c)));
  });
  app.delete(`${path}/:id`, (c) => {
    const user = require(c);
    erase(store.data, user.id);
    return c.body(null, 204);
  });
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
