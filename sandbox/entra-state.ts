/** What the sandbox's Entra stores, what its replicas and its index know of it, and how licences follow groups. */
import { z } from 'zod';
import type { Store } from './store.ts';

const moment = z.string().nullable();

export const EntraUser = z.strictObject({
  id: z.string(),
  userPrincipalName: z.string(),
  accountEnabled: z.boolean(),
  userType: z.enum(['Member', 'Guest']),
  mail: z.string().nullable(),
  mailNickname: z.string().nullable(),
  employeeId: z.string().nullable(),
  displayName: z.string().nullable(),
  givenName: z.string().nullable(),
  surname: z.string().nullable(),
  jobTitle: z.string().nullable(),
  department: z.string().nullable(),
  onPremisesSyncEnabled: z.boolean().nullable(),
  onPremisesExtensionAttributes: z.record(z.string(), z.string().nullable()),
  managerId: z.string().nullable(),
  signInActivity: z
    .strictObject({
      lastSignInDateTime: moment,
      lastNonInteractiveSignInDateTime: moment,
      lastSuccessfulSignInDateTime: moment,
    })
    .nullable(),
});
export type EntraUser = z.infer<typeof EntraUser>;

export const EntraGroup = z.strictObject({
  id: z.string(),
  displayName: z.string(),
  groupTypes: z.array(z.string()),
  mailEnabled: z.boolean(),
  securityEnabled: z.boolean(),
  isAssignableToRole: z.boolean().nullable(),
  onPremisesSyncEnabled: z.boolean().nullable(),
  /** What a membership gives, and how many of it are left. */
  licences: z.array(z.strictObject({ skuId: z.string(), left: z.number().int() })),
  memberIds: z.array(z.string()),
});
export type EntraGroup = z.infer<typeof EntraGroup>;

export const EntraState = z.strictObject({
  users: z.record(z.string(), EntraUser),
  groups: z.record(z.string(), EntraGroup),
  sessions: z.array(z.strictObject({ id: z.string(), userId: z.string() })),
  licenceStates: z.array(
    z.strictObject({
      userId: z.string(),
      groupId: z.string(),
      skuId: z.string(),
      state: z.enum(['Active', 'Error']),
      error: z.string(),
      visibleAtMs: z.number(),
    }),
  ),
  /** When reads by id begin to know an account. */
  visibleAtMs: z.record(z.string(), z.number()),
  /** What filters see: users as of the last refresh, and what waits for the next. */
  index: z.record(z.string(), EntraUser),
  indexQueue: z.array(z.strictObject({ visibleAtMs: z.number(), user: EntraUser })),
});
export type EntraState = z.infer<typeof EntraState>;

export interface EntraLags {
  /** Until a filter knows a change. */
  indexLagMs: number;
  /** Until reads and references by id know a new account. */
  replicaLagMs: number;
  /** Until the licences of a group reach a new member. */
  licenceLagMs: number;
}

export interface EntraParts {
  store: Store<EntraState>;
  lags: EntraLags;
  now: () => Date;
}

export const newUser = (id: string, userPrincipalName: string): EntraUser => ({
  id,
  userPrincipalName,
  accountEnabled: true,
  userType: 'Member',
  mail: null,
  mailNickname: null,
  employeeId: null,
  displayName: null,
  givenName: null,
  surname: null,
  jobTitle: null,
  department: null,
  onPremisesSyncEnabled: null,
  onPremisesExtensionAttributes: {},
  managerId: null,
  signInActivity: null,
});

/** The user as a replica knows it, by id. */
export function visibleUser({ store, now }: EntraParts, id: string): EntraUser | undefined {
  const isVisible = (store.data.visibleAtMs[id] ?? 0) <= now().getTime();
  return isVisible ? store.data.users[id] : undefined;
}

/** The index learns of the user as it is now, later. */
export function queueForIndex({ store, lags, now }: EntraParts, user: EntraUser): void {
  store.data.indexQueue.push({ visibleAtMs: now().getTime() + lags.indexLagMs, user: structuredClone(user) });
}

/** The users that the index knows. */
export function indexedUsers({ store, now }: EntraParts): EntraUser[] {
  const nowMs = now().getTime();
  const { data } = store;
  for (const { user } of data.indexQueue.filter(({ visibleAtMs }) => visibleAtMs <= nowMs)) data.index[user.id] = user;
  data.indexQueue = data.indexQueue.filter(({ visibleAtMs }) => visibleAtMs > nowMs);
  return Object.values(data.index);
}

/** Adds the member; its licences follow later, or an error where none is left. */
export function addMember({ store, lags, now }: EntraParts, group: EntraGroup, userId: string): void {
  group.memberIds.push(userId);
  for (const licence of group.licences) {
    const isLeft = licence.left > 0;
    if (isLeft) licence.left -= 1;
    store.data.licenceStates.push({
      userId,
      groupId: group.id,
      skuId: licence.skuId,
      state: isLeft ? 'Active' : 'Error',
      error: isLeft ? 'None' : 'CountViolation',
      visibleAtMs: now().getTime() + lags.licenceLagMs,
    });
  }
}

export function removeMember({ store }: EntraParts, group: EntraGroup, userId: string): void {
  group.memberIds = group.memberIds.filter((id) => id !== userId);
  store.data.licenceStates = store.data.licenceStates.filter(
    (each) => each.userId !== userId || each.groupId !== group.id,
  );
}
