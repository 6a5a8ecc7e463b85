/** What the sandbox's Google Workspace stores, and what its search and its slower parts know of it. */
import { z } from 'zod';
import type { Store } from './store.ts';

const Entries = z.array(z.record(z.string(), z.unknown()));

export const GoogleUser = z.strictObject({
  id: z.string(),
  primaryEmail: z.string(),
  aliases: z.array(z.string()),
  suspended: z.boolean(),
  archived: z.boolean(),
  name: z.strictObject({
    givenName: z.string(),
    familyName: z.string(),
    fullName: z.string(),
    displayName: z.string().optional(),
  }),
  externalIds: Entries,
  organizations: Entries,
  relations: Entries,
  phones: Entries,
  orgUnitPath: z.string(),
  ipWhitelisted: z.boolean(),
  creationTime: z.string(),
  lastLoginTime: z.string(),
});
export type GoogleUser = z.infer<typeof GoogleUser>;

export const GoogleGroup = z.strictObject({
  id: z.string(),
  email: z.string(),
  name: z.string(),
  memberIds: z.array(z.string()),
});
export type GoogleGroup = z.infer<typeof GoogleGroup>;

export const sessionKinds = ['web', 'token', 'password'] as const;

export const GoogleState = z.strictObject({
  users: z.record(z.string(), GoogleUser),
  groups: z.record(z.string(), GoogleGroup),
  sessions: z.array(z.strictObject({ userId: z.string(), kind: z.enum(sessionKinds), key: z.number().int() })),
  /** When a new account can be changed, and a renamed one again. */
  readyAtMs: z.record(z.string(), z.number()),
  renamedUntilMs: z.record(z.string(), z.number()),
  /** What a search sees: users as of the last refresh, and what waits for the next. */
  index: z.record(z.string(), GoogleUser),
  indexQueue: z.array(z.strictObject({ visibleAtMs: z.number(), user: GoogleUser })),
  nextKey: z.number().int(),
});
export type GoogleState = z.infer<typeof GoogleState>;

export interface GoogleLags {
  /** Until a search knows a change. */
  searchLagMs: number;
  /** Until a new account can be changed and put into groups. */
  creationLagMs: number;
  /** For how long after a change of address every change is refused. */
  renameLagMs: number;
}

export interface GoogleParts {
  store: Store<GoogleState>;
  lags: GoogleLags;
  domain: string;
  now: () => Date;
}

/** Google's way to say "never". */
export const never = '1970-01-01T00:00:00.000Z';

export const newUser = (id: string, primaryEmail: string, createdAt: string): GoogleUser => ({
  id,
  primaryEmail,
  aliases: [],
  suspended: false,
  archived: false,
  name: { givenName: 'Seed', familyName: 'Account', fullName: 'Seed Account' },
  externalIds: [],
  organizations: [],
  relations: [],
  phones: [{ value: '+1 555 0100', type: 'home' }],
  orgUnitPath: '/',
  ipWhitelisted: false,
  creationTime: createdAt,
  lastLoginTime: never,
});

/** By id, address or alias: all of them stand in this place of a path. */
export function userBy({ store }: GoogleParts, key: string): GoogleUser | undefined {
  const wanted = key.toLowerCase();
  return Object.values(store.data.users).find((user) => user.id === key || addressesOf(user).includes(wanted));
}

export function addressesOf({ primaryEmail, aliases }: GoogleUser): string[] {
  return [primaryEmail, ...aliases].map((address) => address.toLowerCase());
}

export function groupBy({ store }: GoogleParts, key: string): GoogleGroup | undefined {
  return Object.values(store.data.groups).find(({ id, email }) => id === key || email === key.toLowerCase());
}

export function isReady({ store, now }: GoogleParts, id: string): boolean {
  return (store.data.readyAtMs[id] ?? 0) <= now().getTime();
}

/** The search learns of the user as it is now, later. */
export function queueForIndex({ store, lags, now }: GoogleParts, user: GoogleUser): void {
  store.data.indexQueue.push({ visibleAtMs: now().getTime() + lags.searchLagMs, user: structuredClone(user) });
}

export function indexedUsers({ store, now }: GoogleParts): GoogleUser[] {
  const nowMs = now().getTime();
  const { data } = store;
  for (const { user } of data.indexQueue.filter(({ visibleAtMs }) => visibleAtMs <= nowMs)) data.index[user.id] = user;
  data.indexQueue = data.indexQueue.filter(({ visibleAtMs }) => visibleAtMs > nowMs);
  return Object.values(data.index);
}
