/**
 * The directory's users: create, find, search, change, sign out, tokens and application passwords.
 * https://developers.google.com/workspace/admin/directory/reference/rest/v1/users
 */
import { randomInt } from 'node:crypto';
import { z } from 'zod';
import { googleError, googleNotFound, partial, tokenPage } from './google-workspace-http.ts';
import {
  addressesOf,
  type GoogleParts,
  type GoogleUser,
  indexedUsers,
  isReady,
  newUser,
  queueForIndex,
  userBy,
} from './google-workspace-state.ts';
import { readJson, type SandboxContext, type VendorKit } from './kit.ts';

const base = '/admin/directory/v1/users';
const pageMax = 500;
/** Of one list of an account, as JSON. */
const listBytesMax = 10_240;

const bounded = (max: number) => z.string().min(1).max(max);
const Names = z.strictObject({
  givenName: bounded(60),
  familyName: bounded(60),
  displayName: bounded(256).optional(),
});
const Entries = z
  .array(z.record(z.string(), z.unknown()))
  .refine((entries) => JSON.stringify(entries).length <= listBytesMax);
const Changes = z.strictObject({
  primaryEmail: z
    .string()
    .regex(/^[^@\s]+@[^@\s]+$/)
    .optional(),
  suspended: z.boolean().optional(),
  archived: z.boolean().optional(),
  name: Names.partial().optional(),
  externalIds: Entries.optional(),
  organizations: Entries.optional(),
  relations: Entries.optional(),
  orgUnitPath: z.string().startsWith('/').optional(),
  password: z.string().min(8).max(100).optional(),
  changePasswordAtNextLogin: z.boolean().optional(),
});
type Changes = z.infer<typeof Changes>;
const NewUser = Changes.extend({ name: Names }).required({ primaryEmail: true, password: true });

export function addUserRoutes({ app }: VendorKit, parts: GoogleParts): void {
  app.get(base, (c) => listUsers(c, parts));
  app.post(base, (c) => createUser(c, parts));
  app.get(`${base}/:key`, (c) => {
    const user = userBy(parts, c.req.param('key'));
    return user === undefined ? googleNotFound(c, 'userKey') : c.json(partial(c, viewOf(user)));
  });
  app.on(['PATCH', 'PUT'], `${base}/:key`, (c) => changeUser(c, parts));
  addSessionRoutes({ app }, parts);
}

/** Empty lists are left out, as Google does. */
function viewOf(user: GoogleUser): object {
  const shown = Object.entries(user).filter(([, value]) => !Array.isArray(value) || value.length > 0);
  return { kind: 'admin#directory#user', ...Object.fromEntries(shown) };
}

function listUsers(c: SandboxContext, parts: GoogleParts): Response {
  if (c.req.query('customer') === undefined && c.req.query('domain') === undefined) {
    return googleError(c, 400, 'badRequest', 'Bad Request');
  }
  const query = c.req.query('query');
  const users = query === undefined ? Object.values(parts.store.data.users) : searched(parts, query);
  if (users === null) return googleError(c, 400, 'invalid', 'Invalid Input: query');
  const page = tokenPage(c, users, { of: 'users', pageMax, view: viewOf });
  return page === null ? googleError(c, 400, 'invalid', 'Invalid Input: maxResults') : c.json(page);
}

/** Only `externalId='…'`, over external ids of every type. */
function searched(parts: GoogleParts, query: string): GoogleUser[] | null {
  const literal = /^externalId='((?:[^'\\]|\\['\\])*)'$/.exec(query)?.[1];
  if (literal === undefined) return null;
  const wanted = literal.replaceAll(/\\(['\\])/g, '$1').toLowerCase();
  return indexedUsers(parts).filter(({ externalIds }) =>
    externalIds.some(({ value }) => String(value).toLowerCase() === wanted),
  );
}

function isTaken({ store }: GoogleParts, address: string | undefined, id: string): boolean {
  const wanted = address?.toLowerCase() ?? '';
  const isOfUser = Object.values(store.data.users).some((user) => user.id !== id && addressesOf(user).includes(wanted));
  return isOfUser || Object.values(store.data.groups).some(({ email }) => email === wanted);
}

const duplicate = (c: SandboxContext): Response => googleError(c, 409, 'duplicate', 'Entity already exists.');

async function createUser(c: SandboxContext, parts: GoogleParts): Promise<Response> {
  const body = NewUser.safeParse(await readJson(c));
  if (!body.success) return googleError(c, 400, 'invalid', 'Invalid Input');
  const { primaryEmail } = body.data;
  if (!primaryEmail.endsWith(`@${parts.domain}`)) return googleError(c, 404, 'notFound', 'Domain not found.');
  if (isTaken(parts, primaryEmail, '')) return duplicate(c);
  const id = `1${Array.from({ length: 20 }, () => randomInt(10)).join('')}`;
  const user = newUser(id, primaryEmail, parts.now().toISOString());
  apply(user, body.data);
  const { data } = parts.store;
  data.users[id] = user;
  data.readyAtMs[id] = parts.now().getTime() + parts.lags.creationLagMs;
  queueForIndex(parts, user);
  return c.json(viewOf(user));
}

async function changeUser(c: SandboxContext, parts: GoogleParts): Promise<Response> {
  const body = Changes.safeParse(await readJson(c));
  const user = userBy(parts, c.req.param('key') ?? '');
  if (user === undefined) return googleNotFound(c, 'userKey');
  if (!body.success) return googleError(c, 400, 'invalid', 'Invalid Input');
  if (!isReady(parts, user.id)) return googleError(c, 412, 'conditionNotMet', 'User creation is not complete.');
  const nowMs = parts.now().getTime();
  const { data } = parts.store;
  if ((data.renamedUntilMs[user.id] ?? 0) > nowMs) return googleError(c, 409, 'conflict', 'Conflict.');
  if (isTaken(parts, body.data.primaryEmail, user.id)) return duplicate(c);
  if (body.data.primaryEmail !== undefined && body.data.primaryEmail !== user.primaryEmail) {
    // The old address stays with the account.
    user.aliases = [...user.aliases.filter((alias) => alias !== body.data.primaryEmail), user.primaryEmail];
    data.renamedUntilMs[user.id] = nowMs + parts.lags.renameLagMs;
  }
  apply(user, body.data);
  queueForIndex(parts, user);
  return c.json(viewOf(user));
}

function apply(user: GoogleUser, body: Changes): void {
  const { name, ...changes } = body;
  delete changes.password;
  delete changes.changePasswordAtNextLogin;
  Object.assign(user, changes);
  Object.assign(user.name, name);
  user.name.fullName = `${user.name.givenName} ${user.name.familyName}`;
}

function addSessionRoutes({ app }: Pick<VendorKit, 'app'>, parts: GoogleParts): void {
  const { store } = parts;
  const lists = { tokens: 'token', asps: 'password' } as const;
  app.post(`${base}/:key/signOut`, (c) => {
    const user = userBy(parts, c.req.param('key'));
    if (user === undefined) return googleNotFound(c, 'userKey');
    const { data } = store;
    data.sessions = data.sessions.filter(({ userId, kind }) => userId !== user.id || kind !== 'web');
    return c.body(null, 204);
  });
  app.get(`${base}/:key/:list{tokens|asps}`, (c) => {
    const user = userBy(parts, c.req.param('key'));
    if (user === undefined) return googleNotFound(c, 'userKey');
    const list = c.req.param('list') as keyof typeof lists;
    const own = store.data.sessions.filter(({ userId, kind }) => userId === user.id && kind === lists[list]);
    const items = own.map(({ key }) =>
      list === 'tokens' ? { clientId: `${key}.apps.googleusercontent.com`, userKey: user.id } : { codeId: key },
    );
    return c.json({ kind: `admin#directory#${list}`, ...(items.length === 0 ? {} : { items }) });
  });
  app.delete(`${base}/:key/:list{tokens|asps}/:item`, (c) => {
    const user = userBy(parts, c.req.param('key'));
    if (user === undefined) return googleNotFound(c, 'userKey');
    const kind = lists[c.req.param('list') as keyof typeof lists];
    const key = Number.parseInt(c.req.param('item'), 10);
    const { data } = store;
    const before = data.sessions.length;
    data.sessions = data.sessions.filter((each) => each.userId !== user.id || each.kind !== kind || each.key !== key);
    return data.sessions.length === before ? googleError(c, 404, 'notFound', 'Not found') : c.body(null, 204);
  });
}
