/**
 * SCIM groups and their members.
 * https://www.rfc-editor.org/rfc/rfc7643#section-4.2
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { readJson, type SandboxContext, type VendorKit } from './kit.ts';
import { scimBaseOf, ScimRefusal, scimResource, without } from './scim-http.ts';
import { scimList } from './scim-lists.ts';
import { applyPatch, requireMediaType } from './scim-patch-operations.ts';
import { scimBasePath, type ScimGroup, type ScimParts, toGroupResource } from './scim-state.ts';

const GroupBody = z.looseObject({
  displayName: z.string().min(1),
  externalId: z.string().optional(),
  members: z.array(z.looseObject({ value: z.string() })).optional(),
});

export function addScimGroupRoutes({ app }: VendorKit, parts: ScimParts): void {
  const { store, quirks, now } = parts;
  const path = `${scimBasePath}/Groups`;
  const whole = (c: SandboxContext, group: ScimGroup) => toGroupResource(group, scimBaseOf(c));
  const find = (c: SandboxContext): ScimGroup => {
    const group = store.data.groups[c.req.param('id') ?? ''];
    if (group === undefined) throw new ScimRefusal(404, null, 'There is no such group');
    return group;
  };
  const answer = (c: SandboxContext, status: number, group: ScimGroup): Response => {
    const resource = quirks.membersShown === 'never' ? { ...whole(c, group), members: [] } : whole(c, group);
    return scimResource(c, status, { resource, quirks });
  };

  app.get(path, (c) => {
    const resources = Object.values(store.data.groups).map((group) => whole(c, group));
    const show = (resource: Record<string, unknown>) => {
      if (quirks.membersShown === 'always') return resource;
      return quirks.membersShown === 'byId' ? without(resource, ['members']) : { ...resource, members: [] };
    };
    return scimList(c, quirks, { resources, filterBy: quirks.groupsFilterBy, show });
  });
  app.post(path, async (c) => {
    requireMediaType(c, quirks);
    const at = now().toISOString();
    const values = readGroup(parts, await readJson(c));
    const group = { id: randomUUID(), created: at, lastModified: at, ...values };
    store.data.groups[group.id] = group;
    return answer(c, 201, group);
  });
  app.get(`${path}/:id`, (c) => answer(c, 200, find(c)));
  app.put(`${path}/:id`, async (c) => {
    requireMediaType(c, quirks);
    const values = readGroup(parts, await readJson(c));
    const group = find(c);
    Object.assign(group, values, { lastModified: now().toISOString() });
    return answer(c, 200, group);
  });
  app.patch(`${path}/:id`, async (c) => {
    requireMediaType(c, quirks);
    const body = await readJson(c);
    const group = find(c);
    const resource = { ...whole(c, group), members: group.memberIds.map((value) => ({ value })) };
    Object.assign(group, readGroup(parts, applyPatch(resource, body, quirks)), { lastModified: now().toISOString() });
    return quirks.patchAnswer === 204 ? c.body(null, 204) : answer(c, 200, group);
  });
  app.delete(`${path}/:id`, (c) => {
    delete store.data.groups[find(c).id];
    return c.body(null, 204);
  });
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
