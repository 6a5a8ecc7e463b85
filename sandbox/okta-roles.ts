/**
 * Okta's administrator roles: assigned to a user, or coming by a group, and then not to be taken from the user.
 * https://developer.okta.com/docs/api/openapi/okta-management/management/tags/roleassignmentauser/
 */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { readJson, type SandboxContext, type VendorKit } from './kit.ts';
import { oktaError, oktaNotFound } from './okta-http.ts';
import type { OktaRoleAssignment, OktaState } from './okta-state.ts';
import { findUser } from './okta-users.ts';
import type { Store } from './store.ts';

const NewAssignment = z.object({ type: z.string() });

export function addRoleRoutes({ app }: VendorKit, store: Store<OktaState>): void {
  const path = '/api/v1/users/:id/roles';
  app.get('/api/v1/iam/assignees/users', (c) => {
    const ids = new Set(store.data.roleAssignments.map(({ userId }) => userId));
    return c.json({ value: [...ids].map((id) => ({ id })) });
  });
  app.get(path, (c) => {
    const user = findUser(store, c.req.param('id'));
    if (user === undefined) return oktaNotFound(c, c.req.param('id'), 'User');
    return c.json(store.data.roleAssignments.filter(({ userId }) => userId === user.id).map(toView));
  });
  app.post(path, (c) => assign(c, store));
  app.delete(`${path}/:role`, (c) => {
    const { id, role } = c.req.param();
    const held = store.data.roleAssignments.find((each) => each.userId === id && each.id === role);
    if (held === undefined || held.assignmentType === 'GROUP') return oktaNotFound(c, role, 'User');
    store.data.roleAssignments = store.data.roleAssignments.filter((each) => each !== held);
    return c.body(null, 204);
  });
}

async function assign(c: SandboxContext, store: Store<OktaState>): Promise<Response> {
  const body = NewAssignment.safeParse(await readJson(c));
  const user = findUser(store, c.req.param('id') ?? '');
  if (user === undefined) return oktaNotFound(c, c.req.param('id') ?? '', 'User');
  if (!body.success) return oktaError(c, 400, 'E0000003', 'The request body was not well-formed.');
  const { type } = body.data;
  const isHeld = store.data.roleAssignments.some((each) => each.userId === user.id && each.type === type);
  if (isHeld) return oktaError(c, 400, 'E0000090', 'The role specified is already assigned to the user.');
  const id = `ra1${randomBytes(9).toString('hex').slice(0, 17)}`;
  const assignment = { id, userId: user.id, type, assignmentType: 'USER' as const };
  store.data.roleAssignments.push(assignment);
  return c.json(toView(assignment), 201);
}

function toView({ id, type, assignmentType }: OktaRoleAssignment): object {
  return { id, label: type, type, status: 'ACTIVE', assignmentType };
}
