/**
 * Okta's groups and their members. Only groups that Okta itself masters take members by hand.
 * https://developer.okta.com/docs/api/openapi/okta-management/management/tags/group/
 */
import type { SandboxContext, VendorKit } from './kit.ts';
import { cursorPage, oktaError, oktaNotFound, oktaRefusal } from './okta-http.ts';
import { invalid, type OktaGroup, type OktaRule, type OktaState } from './okta-state.ts';
import { findUser, toView } from './okta-users.ts';
import type { Store } from './store.ts';

const maxGroups = 200;
const maxMembers = 1000;

export function addGroupRoutes(kit: VendorKit, store: Store<OktaState>): void {
  const { app } = kit;
  app.get('/api/v1/groups', (c) => {
    const page = cursorPage(c, Object.values(store.data.groups), maxGroups);
    return page === null ? badLimit(c) : c.json(page.map(toGroupView));
  });
  app.get('/api/v1/groups/rules', (c) => {
    const page = cursorPage(c, store.data.rules, maxGroups);
    return page === null ? badLimit(c) : c.json(page.map(toRuleView));
  });
  app.get('/api/v1/groups/:gid', (c) => {
    const group = store.data.groups[c.req.param('gid')];
    return group === undefined ? oktaNotFound(c, c.req.param('gid'), 'UserGroup') : c.json(toGroupView(group));
  });
  app.get('/api/v1/groups/:gid/users', (c) => {
    const group = store.data.groups[c.req.param('gid')];
    if (group === undefined) return oktaNotFound(c, c.req.param('gid'), 'UserGroup');
    const members = Object.values(store.data.users).filter((user) => holds(store.data, group, user.id));
    const page = cursorPage(c, members, maxMembers);
    return page === null ? badLimit(c) : c.json(page.map(toView));
  });
  app.get('/api/v1/users/:id/groups', (c) => {
    const user = findUser(store, c.req.param('id'));
    if (user === undefined) return oktaNotFound(c, c.req.param('id'), 'User');
    const groups = Object.values(store.data.groups).filter((group) => holds(store.data, group, user.id));
    return c.json(groups.map(toGroupView));
  });
  app.put('/api/v1/groups/:gid/users/:uid', (c) => setMember(c, store, 'present'));
  app.delete('/api/v1/groups/:gid/users/:uid', (c) => setMember(c, store, 'absent'));
}

/** The built-in group holds everybody; a rule that is active adds to those whom somebody put in. */
export function holds({ rules }: OktaState, group: OktaGroup, userId: string): boolean {
  return group.type === 'BUILT_IN' || group.memberIds.includes(userId) || isRuled(rules, group, userId);
}

function isRuled(rules: OktaRule[], group: OktaGroup, userId: string): boolean {
  const active = rules.filter(({ status, groupIds }) => status === 'ACTIVE' && groupIds.includes(group.id));
  return active.some(({ userIds }) => userIds.includes(userId));
}

function toRuleView({ id, name, status, groupIds }: OktaRule): object {
  const expression = { type: 'urn:okta:expression:1.0', value: 'user.department=="Finance"' };
  return {
    id,
    name,
    status,
    type: 'group_rule',
    conditions: { expression },
    actions: { assignUserToGroups: { groupIds } },
  };
}

function toGroupView({ id, type, name, description, created }: OktaGroup): object {
  return {
    id,
    created,
    lastUpdated: created,
    lastMembershipUpdated: created,
    objectClass: [type === 'APP_GROUP' ? 'okta:windows_security_principal' : 'okta:user_group'],
    type,
    profile: { name, description },
  };
}

function badLimit(c: SandboxContext): Response {
  return oktaRefusal(c, invalid('limit', 'limit: must be a number').refusal);
}

function setMember(c: SandboxContext, store: Store<OktaState>, state: 'present' | 'absent'): Response {
  const groupId = c.req.param('gid') ?? '';
  const userId = c.req.param('uid') ?? '';
  const group = store.data.groups[groupId];
  if (group === undefined) return oktaNotFound(c, groupId, 'UserGroup');
  const user = store.data.users[userId];
  if (user === undefined) return oktaNotFound(c, userId, 'User');
  if (group.type !== 'OKTA_GROUP') {
    return oktaError(c, 403, 'E0000006', 'You do not have permission to perform the requested action');
  }
  if (state === 'absent' && isRuled(store.data.rules, group, user.id)) {
    return oktaError(c, 403, 'E0000006', 'You do not have permission to perform the requested action');
  }
  const others = group.memberIds.filter((id) => id !== user.id);
  group.memberIds = state === 'present' ? [...others, user.id] : others;
  return c.body(null, 204);
}
