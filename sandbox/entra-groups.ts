/**
 * Graph's groups, their members, and several reads in one call.
 * https://learn.microsoft.com/graph/api/group-post-members, https://learn.microsoft.com/graph/json-batching
 */
import type { Hono } from 'hono';
import { z } from 'zod';
import { graphError, graphNotFound, graphPageMax, linkedPage, selected } from './entra-http.ts';
import { addMember, type EntraGroup, type EntraParts, removeMember, visibleUser } from './entra-state.ts';
import { onPremises, referenceOf } from './entra-users.ts';
import { readJson, type SandboxContext, type SandboxEnv } from './kit.ts';

const batchMax = 20;
const defaultFields =
  'id,displayName,groupTypes,mailEnabled,securityEnabled,isAssignableToRole,onPremisesSyncEnabled'.split(',');

export function addGroupRoutes(app: Hono<SandboxEnv>, parts: EntraParts): void {
  const { store } = parts;
  app.get('/v1.0/groups', (c) => {
    const view = (group: EntraGroup) => viewOf(c, group);
    const page = linkedPage(c, Object.values(store.data.groups), { pageMax: graphPageMax, view });
    return page === null ? graphError(c, 400, 'Request_BadRequest', 'Invalid page size specified.') : c.json(page);
  });
  app.get('/v1.0/groups/:gid', (c) => {
    const group = store.data.groups[c.req.param('gid')];
    return group === undefined ? graphNotFound(c, c.req.param('gid')) : c.json(viewOf(c, group));
  });
  app.get('/v1.0/users/:id/memberOf', (c) => {
    const user = visibleUser(parts, c.req.param('id'));
    if (user === undefined) return graphNotFound(c, c.req.param('id'));
    const groups = Object.values(store.data.groups).filter(({ memberIds }) => memberIds.includes(user.id));
    const view = (group: EntraGroup) => ({ '@odata.type': '#microsoft.graph.group', ...viewOf(c, group) });
    const page = linkedPage(c, groups, { pageMax: graphPageMax, view });
    return page === null ? graphError(c, 400, 'Request_BadRequest', 'Invalid page size specified.') : c.json(page);
  });
  app.post('/v1.0/groups/:gid/members/:ref', (c) => add(c, parts));
  app.delete('/v1.0/groups/:gid/members/:uid/:ref', (c) => remove(c, parts));
  // What Graph does where somebody forgets `$ref`: the account itself is deleted.
  app.delete('/v1.0/groups/:gid/members/:uid', (c) => {
    delete store.data.users[c.req.param('uid')];
    return c.body(null, 204);
  });
}

function viewOf(c: SandboxContext, group: EntraGroup): object {
  const assignedLicenses = group.licences.map(({ skuId }) => ({ skuId, disabledPlans: [] }));
  return selected(c, { ...group, assignedLicenses }, defaultFields);
}

/** Groups that a rule fills or that another system masters take nobody by hand. */
function refusal(c: SandboxContext, group: EntraGroup): Response | null {
  if (group.onPremisesSyncEnabled === true) return onPremises(c);
  const isUnified = group.groupTypes.includes('Unified');
  if (group.mailEnabled && !isUnified) {
    const text = 'Cannot Update a mail-enabled security groups and or distribution list.';
    return graphError(c, 400, 'Request_BadRequest', text);
  }
  if (group.groupTypes.includes('DynamicMembership') || group.isAssignableToRole === true) {
    return graphError(c, 403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.');
  }
  return null;
}

async function add(c: SandboxContext, parts: EntraParts): Promise<Response> {
  const gid = c.req.param('gid') ?? '';
  const group = parts.store.data.groups[gid];
  if (group === undefined || c.req.param('ref') !== '$ref') return graphNotFound(c, gid);
  const id = await referenceOf(c);
  const user = visibleUser(parts, id);
  if (user === undefined) return graphNotFound(c, id);
  const refused = refusal(c, group);
  if (refused !== null) return refused;
  if (group.memberIds.includes(user.id)) {
    const text = "One or more added object references already exist for the following modified properties: 'members'.";
    return graphError(c, 400, 'Request_BadRequest', text);
  }
  addMember(parts, group, user.id);
  return c.body(null, 204);
}

function remove(c: SandboxContext, parts: EntraParts): Response {
  const { gid = '', uid = '', ref } = c.req.param() as { gid?: string; uid?: string; ref?: string };
  const group = parts.store.data.groups[gid];
  if (ref !== '$ref' || group === undefined || !group.memberIds.includes(uid)) return graphNotFound(c, uid);
  const refused = refusal(c, group);
  if (refused !== null) return refused;
  removeMember(parts, group, uid);
  return c.body(null, 204);
}

const Batch = z.strictObject({
  requests: z
    .array(z.strictObject({ id: z.string(), method: z.enum(['GET']), url: z.string().startsWith('/') }))
    .min(1)
    .max(batchMax),
});

/** `throttle` says for how many seconds the item is to wait; null: it is served. The answers come in another order. */
export function addBatchRoute(
  app: Hono<SandboxEnv>,
  inner: Hono<SandboxEnv>,
  throttle: (url: string) => number | null,
): void {
  app.post('/v1.0/:action', async (c) => {
    if (c.req.param('action') !== '$batch') return graphNotFound(c, c.req.param('action'));
    const body = Batch.safeParse(await readJson(c));
    if (!body.success) return graphError(c, 400, 'BadRequest', 'Invalid batch payload format.');
    const origin = new URL(c.req.url).origin;
    const responses: object[] = [];
    for (const { id, method, url } of body.data.requests) {
      const seconds = throttle(url);
      if (seconds !== null) {
        const error = { code: 'TooManyRequests', message: 'Too many requests.' };
        responses.unshift({ id, status: 429, headers: { 'Retry-After': String(seconds) }, body: { error } });
        continue;
      }
      const answer = await inner.request(new Request(`${origin}/v1.0${url}`, { method }), undefined, c.env);
      const headers = { 'Content-Type': answer.headers.get('content-type') ?? '' };
      responses.unshift({ id, status: answer.status, headers, body: await answer.json() });
    }
    return c.json({ responses });
  });
}
