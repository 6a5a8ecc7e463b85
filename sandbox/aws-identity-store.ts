/**
 * The API of the identity store: users, groups, memberships. A name and an address belong to one user; no call disables
 * a user and none writes external ids.
 * https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/welcome.html
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import {
  type AwsHandlers,
  type IdentityParts,
  type IdentityState,
  type IdentityUserRow,
  parseInput,
} from './aws-identity-state.ts';
import { AwsRefusal, pageOf } from './aws-wire.ts';

const storeText = z.string().regex(/^[\p{L}\p{M}\p{S}\p{N}\p{P}\t\n\r \u00a0\u3000]{1,1024}$/u);
const resourceId = z.string().regex(/^([0-9a-f]{10}-)?[A-Fa-f0-9]{8}(-[A-Fa-f0-9]{4}){3}-[A-Fa-f0-9]{12}$/);
const UserName = z.string().regex(/^[\p{L}\p{M}\p{S}\p{N}\p{P}]{1,128}$/u);
const Emails = z
  .array(z.strictObject({ Value: storeText, Type: storeText.optional(), Primary: z.boolean().optional() }))
  .length(1);
const InStore = { IdentityStoreId: z.string() };
const Paging = { MaxResults: z.number().int().min(1).max(100).default(100), NextToken: z.string().optional() };
const Member = z.strictObject({ UserId: resourceId });
const Extensions = z.array(z.string()).optional();
const Membership = z.strictObject({ ...InStore, GroupId: resourceId, MemberId: Member });

const CreateUser = z.strictObject({
  ...InStore,
  UserName,
  DisplayName: storeText,
  Name: z.strictObject({ GivenName: storeText, FamilyName: storeText }),
  Emails: Emails.optional(),
  Title: storeText.optional(),
  NickName: storeText.optional(),
  ProfileUrl: storeText.optional(),
  UserType: storeText.optional(),
  Extensions: z.record(z.literal('aws:identitystore:enterprise'), z.record(z.string(), z.unknown())).optional(),
});

export function identityStoreHandlers(parts: IdentityParts): AwsHandlers {
  const { instance } = parts;
  const handlers: AwsHandlers = { ...userHandlers(parts), ...groupHandlers(parts) };
  const Located = z.looseObject({ IdentityStoreId: z.string() });
  return Object.fromEntries(
    Object.entries(handlers).map(([name, handle]) => [
      name,
      (input: unknown) => {
        if (parseInput(Located, input).IdentityStoreId !== instance.storeId) throw notFound('IDENTITY_STORE');
        return handle(input);
      },
    ]),
  );
}

function userHandlers({ store, instance }: IdentityParts): AwsHandlers {
  const IdentityStoreId = instance.storeId;
  const show = (user: IdentityUserRow, extensions: string[] | undefined) => {
    const { Extensions: all, ...shown } = user;
    const asked = Object.entries(all ?? {}).filter(([name]) => extensions?.includes(name));
    return { IdentityStoreId, ...shown, ...(asked.length === 0 ? {} : { Extensions: Object.fromEntries(asked) }) };
  };
  return {
    ListUsers(input) {
      const asked = parseInput(z.strictObject({ ...InStore, ...Paging, Extensions }), input);
      const { items, next } = pageOf(Object.values(store.data.users), asked.NextToken, asked.MaxResults);
      return { Users: items.map((user) => show(user, asked.Extensions)), ...tokenOf(next) };
    },
    DescribeUser(input) {
      const asked = parseInput(z.strictObject({ ...InStore, UserId: resourceId, Extensions }), input);
      return show(userOf(store.data, asked.UserId), asked.Extensions);
    },
    GetUserId(input) {
      const ExternalId = z.strictObject({ Issuer: z.string(), Id: z.string() });
      const schema = z.strictObject({ ...InStore, AlternateIdentifier: z.strictObject({ ExternalId }) });
      const { Issuer, Id } = parseInput(schema, input).AlternateIdentifier.ExternalId;
      const user = Object.values(store.data.users).find(({ ExternalIds }) =>
        (ExternalIds ?? []).some((each) => each.Issuer === Issuer && each.Id === Id),
      );
      if (user === undefined) throw notFound('USER');
      return { IdentityStoreId, UserId: user.UserId };
    },
    CreateUser(input) {
      const { IdentityStoreId: _store, ...attributes } = parseInput(CreateUser, input);
      assertFree(store.data, attributes, null);
      const UserId = randomUUID();
      store.data.users[UserId] = { ...attributes, UserId, UserStatus: 'ENABLED' };
      return { IdentityStoreId, UserId };
    },
    UpdateUser(input) {
      const Operation = z.strictObject({ AttributePath: z.string().max(255), AttributeValue: z.unknown() });
      const schema = z.strictObject({ ...InStore, UserId: resourceId, Operations: z.array(Operation).min(1).max(100) });
      const { UserId, Operations } = parseInput(schema, input);
      const changed = structuredClone(userOf(store.data, UserId));
      for (const { AttributePath, AttributeValue } of Operations) change(changed, AttributePath, AttributeValue);
      assertFree(store.data, changed, UserId);
      store.data.users[UserId] = changed;
      return {};
    },
  };
}

function groupHandlers({ store, instance }: IdentityParts): AwsHandlers {
  const IdentityStoreId = instance.storeId;
  const find = ({ GroupId, MemberId }: z.infer<typeof Membership>) =>
    store.data.memberships.find(({ groupId, userId }) => groupId === GroupId && userId === MemberId.UserId);
  return {
    ListGroups(input) {
      const { NextToken, MaxResults } = parseInput(z.strictObject({ ...InStore, ...Paging }), input);
      const { items, next } = pageOf(store.data.groups, NextToken, MaxResults);
      const Groups = items.map(({ id, name }) => ({ IdentityStoreId, GroupId: id, DisplayName: name }));
      return { Groups, ...tokenOf(next) };
    },
    ListGroupMembershipsForMember(input) {
      const asked = parseInput(z.strictObject({ ...InStore, ...Paging, MemberId: Member }), input);
      userOf(store.data, asked.MemberId.UserId);
      const all = store.data.memberships.filter(({ userId }) => userId === asked.MemberId.UserId);
      const { items, next } = pageOf(all, asked.NextToken, asked.MaxResults);
      const GroupMemberships = items.map(({ id, groupId, userId }) => ({
        IdentityStoreId,
        MembershipId: id,
        GroupId: groupId,
        MemberId: { UserId: userId },
      }));
      return { GroupMemberships, ...tokenOf(next) };
    },
    GetGroupMembershipId(input) {
      const found = find(parseInput(Membership, input));
      if (found === undefined) throw notFound('GROUP_MEMBERSHIP');
      return { IdentityStoreId, MembershipId: found.id };
    },
    CreateGroupMembership(input) {
      const asked = parseInput(Membership, input);
      if (!store.data.groups.some(({ id }) => id === asked.GroupId)) throw notFound('GROUP');
      userOf(store.data, asked.MemberId.UserId);
      if (find(asked) !== undefined) throw taken('Member and Group relationship already exists.');
      const id = randomUUID();
      store.data.memberships.push({ id, groupId: asked.GroupId, userId: asked.MemberId.UserId });
      return { IdentityStoreId, MembershipId: id };
    },
    DeleteGroupMembership(input) {
      const { MembershipId } = parseInput(z.strictObject({ ...InStore, MembershipId: resourceId }), input);
      const others = store.data.memberships.filter(({ id }) => id !== MembershipId);
      if (others.length === store.data.memberships.length) throw notFound('GROUP_MEMBERSHIP');
      store.data.memberships = others;
      return {};
    },
  };
}

function change(user: IdentityUserRow, path: string, value: unknown): void {
  const enterprise = /^aws:identitystore:enterprise\.(\p{L}+)$/u.exec(path)?.[1];
  if (enterprise !== undefined) {
    const extension = { ...user.Extensions?.['aws:identitystore:enterprise'], [enterprise]: value };
    user.Extensions = { ...user.Extensions, 'aws:identitystore:enterprise': extension };
    return;
  }
  const asText = (): string => parseInput(storeText, value);
  switch (path) {
    case 'userName':
      user.UserName = parseInput(UserName, value);
      return;
    case 'displayName':
      user.DisplayName = asText();
      return;
    case 'title':
      user.Title = asText();
      return;
    case 'name.givenName':
      user.Name = { ...user.Name, GivenName: asText() };
      return;
    case 'name.familyName':
      user.Name = { ...user.Name, FamilyName: asText() };
      return;
    case 'emails':
      user.Emails = parseInput(Emails, value);
      return;
    default:
      throw new AwsRefusal('ValidationException', 'Unsupported update operation');
  }
}

type Taken = Pick<IdentityUserRow, 'UserName' | 'Emails'>;

function assertFree(state: IdentityState, { UserName: name, Emails: emails }: Taken, ownId: string | null): void {
  const others = Object.values(state.users).filter(({ UserId }) => UserId !== ownId);
  const isSame = (a: string | undefined, b: string | undefined) =>
    a !== undefined && a.toLowerCase() === b?.toLowerCase();
  const isTaken = others.some(
    (user) => isSame(name, user.UserName) || isSame(emails?.[0]?.Value, user.Emails?.[0]?.Value),
  );
  if (isTaken) throw taken('Duplicate UserName or e-mail');
}

function userOf(state: IdentityState, id: string): IdentityUserRow {
  const user = state.users[id];
  if (user === undefined) throw notFound('USER');
  return user;
}

function notFound(ResourceType: string): AwsRefusal {
  return new AwsRefusal('ResourceNotFoundException', `${ResourceType} not found.`, { ResourceType });
}

function taken(message: string): AwsRefusal {
  return new AwsRefusal('ConflictException', message, { Reason: 'UNIQUENESS_CONSTRAINT_VIOLATION' });
}

function tokenOf(next: string | undefined): { NextToken?: string } {
  return next === undefined ? {} : { NextToken: next };
}
