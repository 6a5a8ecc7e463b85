/**
 * SCIM groups and their members.
 * https://www.rfc-editor.org/rfc/rfc7643#section-4.2
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { readJson, type SandboxContext, type VendorKit } from './kit.ts';
import { scimJson, scimList, ScimRefusal, without } from './scim-http.ts';
import { applyPatch } from './scim-patch-operations.ts';
import { scimBasePath, type ScimGroup, type ScimParts, toGroupResource } from './scim-state.ts';

const GroupBody = z.looseObject({
  displayName: z.string().min(1),
  externalId: z.string().optional(),
  members: z.array(z.looseObject({ value: z.string() })).optional(),
});

export function addScimGroupRoutes({ app }: VendorKit, parts: ScimParts): void {
  const { store, quirks, now } = parts;
  const path = `${scimBasePath}/Groups`;
  const show = (c: SandboxContext, group: ScimGroup): Record<string, unknown> => {
    const resource = toGroupResource(group, `${new URL(c.req.url).origin}${scimBasePath}`);
    return without(resource, (c.req.query('excludedAttributes') ?? '').split(','));
  };
  const require = (c: SandboxContext): ScimGroup => {
    const group = store.data.groups[c.req.param('id') ?? ''];
    if (group === undefined) throw new ScimRefusal(404, null, 'There is no such group');
    return group;
  };

  app.get(path, (c) => {
    const all = Object.values(store.data.groups).map((group) => toGroupResource(group, pathBase(c)));
    return scimList(c, all, quirks.pageMax);
  });
  app.post(path, async (c) => {
    const at = now().toISOString();
    const values = readGroup(parts, await readJson(c));
    const group = { id: randomUUID(), created: at, lastModified: at, ...values };
    store.data.groups[group.id] = group;
    c.header('Location', `${pathBase(c)}/Groups/${group.id}`);
    return scimJson(c, 201, show(c, group));
  });
  app.get(`${path}/:id`, (c) => scimJson(c, 200, show(c, require(c))));
  app.put(`${path}/:id`, async (c) => {
    const values = readGroup(parts, await readJson(c));
    const group = require(c);
    Object.assign(group, values, { lastModified: now().toISOString() });
    return scimJson(c, 200, show(c, group));
  });
  app.patch(`${path}/:id`, async (c) => {
    const body = await readJson(c);
    const group = require(c);
    const resource = { ...toGroupResource(group, ''), members: group.memberIds.map((value) => ({ value })) };
    Object.assign(group, readGroup(parts, applyPatch(resource, body, quirks)), { lastModified: now().toISOString() });
    return quirks.patchAnswer === 204 ? c.body(null, 204) : scimJson(c, 200, show(c, group));
  });
  app.delete(`${path}/:id`, (c) => {
    delete store.data.groups[require(c).id];
    return c.body(null, 204);
  });
}

function pathBase(c: SandboxContext): string {
  return `${new URL(c.req.url).origin}${scimBasePath}`;
}

function readGroup(
  { store, quirks }: ScimParts,
  body: unknown,
): Pick<ScimGroup, 'displayName' | 'externalId' | 'memberIds'> {
  const parsed = GroupBody.safeParse(body);
  if (!parsed.success) throw new ScimRefusal(400, 'invalidValue', 'displayName is required, members need a value');
  const ids = (parsed.data.members ?? []).map((member) => member.value);
  if (ids.some((id) => store.data.users[id] === undefined)) {
    throw new ScimRefusal(400, 'invalidValue', 'A member does not exist');
  }
  return {
    displayName: parsed.data.displayName,
    externalId: parsed.data.externalId ?? null,
    memberIds: quirks.existingMember === 'duplicate' ? ids : [...new Set(ids)],
  };
}
