/**
 * The directory's groups and their members.
 * https://developers.google.com/workspace/admin/directory/reference/rest/v1/members
 */
import { z } from 'zod';
import { googleError, googleNotFound, partial, tokenPage } from './google-workspace-http.ts';
import {
  type GoogleGroup,
  type GoogleParts,
  type GoogleUser,
  groupBy,
  isReady,
  userBy,
} from './google-workspace-state.ts';
import { readJson, type SandboxContext, type VendorKit } from './kit.ts';

const base = '/admin/directory/v1/groups';
const pageMax = 200;

export function addGroupRoutes({ app }: VendorKit, parts: GoogleParts): void {
  const { store } = parts;
  app.get(base, (c) => {
    const userKey = c.req.query('userKey');
    if ((userKey === undefined) === (c.req.query('customer') === undefined)) {
      return googleError(c, 400, 'badRequest', 'Bad Request');
    }
    const user = userKey === undefined ? undefined : userBy(parts, userKey);
    if (userKey !== undefined && user === undefined) return googleNotFound(c, 'userKey');
    const groups = Object.values(store.data.groups).filter(
      ({ memberIds }) => user === undefined || memberIds.includes(user.id),
    );
    const page = tokenPage(c, groups, { of: 'groups', pageMax, view: viewOf });
    return page === null ? googleError(c, 400, 'invalid', 'Invalid Input: maxResults') : c.json(page);
  });
  app.get(`${base}/:gid/members/:uid`, (c) =>
    withMember(c, parts, (user) => c.json(partial(c, { kind: 'admin#directory#member', ...memberOf(user) }))),
  );
  app.delete(`${base}/:gid/members/:uid`, (c) =>
    withMember(c, parts, (user, group) => {
      group.memberIds = group.memberIds.filter((id) => id !== user.id);
      return c.body(null, 204);
    }),
  );
  app.post(`${base}/:gid/members`, async (c) => {
    const body = z.strictObject({ email: z.string(), role: z.enum(['OWNER', 'MANAGER', 'MEMBER']) });
    const parsed = body.safeParse(await readJson(c));
    const group = groupBy(parts, c.req.param('gid'));
    if (group === undefined) return googleNotFound(c, 'groupKey');
    if (!parsed.success) return googleError(c, 400, 'required', 'Missing required field: memberKey');
    const user = userBy(parts, parsed.data.email);
    if (user === undefined || !isReady(parts, user.id)) return googleNotFound(c, 'memberKey');
    if (group.memberIds.includes(user.id)) return googleError(c, 409, 'duplicate', 'Member already exists.');
    group.memberIds.push(user.id);
    return c.json({ kind: 'admin#directory#member', ...memberOf(user) });
  });
}

const viewOf = ({ id, email, name, memberIds }: GoogleGroup): object => ({
  kind: 'admin#directory#group',
  id,
  email,
  name,
  directMembersCount: String(memberIds.length),
});

const memberOf = ({ id, primaryEmail }: GoogleUser): object => ({
  id,
  email: primaryEmail,
  role: 'MEMBER',
  type: 'USER',
  status: 'ACTIVE',
});

/** Google says the same of somebody who is no member and of somebody who does not exist. */
function withMember(
  c: SandboxContext,
  parts: GoogleParts,
  answer: (user: GoogleUser, group: GoogleGroup) => Response,
): Response {
  const group = groupBy(parts, c.req.param('gid') ?? '');
  if (group === undefined) return googleNotFound(c, 'groupKey');
  const user = userBy(parts, c.req.param('uid') ?? '');
  if (user === undefined || !group.memberIds.includes(user.id)) return googleNotFound(c, 'memberKey');
  return answer(user, group);
}
