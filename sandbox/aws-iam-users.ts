/**
 * IAM's calls about users and their permissions: users, tags, inline policies, groups, attached policies.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html
 */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { type IamParts, type IamUserRow, newIamUser } from './aws-iam-state.ts';
import { parseInput } from './aws-identity-state.ts';
import { AwsRefusal, pageOf } from './aws-wire.ts';

/** Null: the answer has no result. */
export type IamHandlers = Record<string, (input: unknown) => object | null>;

const Name = z.string().regex(/^[\w+=,.@-]{1,64}$/);
const TagKey = z.string().regex(/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u);
const Tag = z.strictObject({ Key: TagKey, Value: z.string().regex(/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u) });
export const ofUser = { UserName: Name };
export const iamPaging = {
  MaxItems: z.coerce.number().int().min(1).max(1000).default(100),
  Marker: z.string().optional(),
};

export function noSuchEntity(): AwsRefusal {
  return new AwsRefusal('NoSuchEntity', 'The entity cannot be found.', {}, 404);
}

export function userNamed({ store }: IamParts, name: string): IamUserRow {
  const user = store.data.users.find((each) => each.name === name);
  if (user === undefined) throw noSuchEntity();
  return user;
}

export function markersOf(next: string | undefined): object {
  return next === undefined ? { IsTruncated: false } : { IsTruncated: true, Marker: next };
}

export function iamUserHandlers(parts: IamParts): IamHandlers {
  return { ...readHandlers(parts), ...writeHandlers(parts), ...policyHandlers(parts), ...groupHandlers(parts) };
}

function basics({ awsAccountId }: IamParts, user: IamUserRow): object {
  return {
    Path: '/',
    UserName: user.name,
    UserId: user.id,
    Arn: `arn:aws:iam::${awsAccountId}:user/${user.name}`,
    CreateDate: new Date(user.createdAtMs).toISOString(),
  };
}

function tagsOf({ tags }: IamUserRow): object {
  const listed = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  return listed.length === 0 ? {} : { Tags: listed };
}

function lastSignIn({ passwordLastUsedAtMs }: IamUserRow): object {
  return passwordLastUsedAtMs === null ? {} : { PasswordLastUsed: new Date(passwordLastUsedAtMs).toISOString() };
}

function readHandlers(parts: IamParts): IamHandlers {
  const { store } = parts;
  return {
    // Tags are left out here, as IAM does: only GetUser and the details show them.
    ListUsers(input) {
      const { Marker, MaxItems } = parseInput(z.strictObject(iamPaging), input);
      const { items, next } = pageOf(store.data.users, Marker, MaxItems);
      return { Users: items.map((user) => ({ ...basics(parts, user), ...lastSignIn(user) })), ...markersOf(next) };
    },
    GetUser(input) {
      const user = userNamed(parts, parseInput(z.strictObject(ofUser), input).UserName);
      return { User: { ...basics(parts, user), ...lastSignIn(user), ...tagsOf(user) } };
    },
    GetAccountAuthorizationDetails(input) {
      const schema = z.strictObject({ ...iamPaging, Filter: z.tuple([z.literal('User')]) });
      const { Marker, MaxItems } = parseInput(schema, input);
      const { items, next } = pageOf(store.data.users, Marker, MaxItems);
      const UserDetailList = items.map((user) => ({
        ...basics(parts, user),
        UserPolicyList: Object.entries(user.policies).map(([PolicyName, document]) => ({
          PolicyName,
          PolicyDocument: encodeURIComponent(document),
        })),
        ...tagsOf(user),
      }));
      return { UserDetailList, ...markersOf(next) };
    },
  };
}

function writeHandlers(parts: IamParts): IamHandlers {
  const { store, now } = parts;
  const assertFree = (name: string): void => {
    // Names differ by more than case.
    const isTaken = store.data.users.some((user) => user.name.toLowerCase() === name.toLowerCase());
    if (isTaken) throw new AwsRefusal('EntityAlreadyExists', 'The user name exists already.', {}, 409);
  };
  return {
    CreateUser(input) {
      const schema = z.strictObject({ ...ofUser, Tags: z.array(Tag).max(50).default([]) });
      const { UserName, Tags } = parseInput(schema, input);
      assertFree(UserName);
      const user = newIamUser(uniqueId('AIDA'), UserName, now().getTime());
      user.tags = Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value]));
      store.data.users.push(user);
      return { User: { ...basics(parts, user), ...tagsOf(user) } };
    },
    UpdateUser(input) {
      const { UserName, NewUserName } = parseInput(z.strictObject({ ...ofUser, NewUserName: Name }), input);
      const user = userNamed(parts, UserName);
      assertFree(NewUserName);
      user.name = NewUserName;
      return null;
    },
    TagUser(input) {
      const { UserName, Tags } = parseInput(z.strictObject({ ...ofUser, Tags: z.array(Tag).max(50) }), input);
      const user = userNamed(parts, UserName);
      const tags = { ...user.tags, ...Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value])) };
      if (Object.keys(tags).length > 50) throw new AwsRefusal('LimitExceeded', 'Too many tags.', {}, 409);
      user.tags = tags;
      return null;
    },
    UntagUser(input) {
      const { UserName, TagKeys } = parseInput(z.strictObject({ ...ofUser, TagKeys: z.array(TagKey).max(50) }), input);
      const user = userNamed(parts, UserName);
      user.tags = Object.fromEntries(Object.entries(user.tags).filter(([key]) => !TagKeys.includes(key)));
      return null;
    },
  };
}

function policyHandlers(parts: IamParts): IamHandlers {
  const OfPolicy = z.strictObject({ ...ofUser, PolicyName: z.string() });
  const OfAttached = z.strictObject({ ...ofUser, PolicyArn: z.string() });
  const { store } = parts;
  return {
    GetUserPolicy(input) {
      const { UserName, PolicyName } = parseInput(OfPolicy, input);
      const document = userNamed(parts, UserName).policies[PolicyName];
      if (document === undefined) throw noSuchEntity();
      return { UserName, PolicyName, PolicyDocument: encodeURIComponent(document) };
    },
    PutUserPolicy(input) {
      const schema = OfPolicy.extend({ PolicyDocument: z.string().max(2048) });
      const { UserName, PolicyName, PolicyDocument } = parseInput(schema, input);
      userNamed(parts, UserName).policies[PolicyName] = PolicyDocument;
      return null;
    },
    DeleteUserPolicy(input) {
      const { UserName, PolicyName } = parseInput(OfPolicy, input);
      const user = userNamed(parts, UserName);
      if (user.policies[PolicyName] === undefined) throw noSuchEntity();
      delete user.policies[PolicyName];
      return null;
    },
    ListPolicies(input) {
      const { Marker, MaxItems } = parseInput(z.strictObject({ ...iamPaging, Scope: z.literal('Local') }), input);
      const { items, next } = pageOf(store.data.policies, Marker, MaxItems);
      return { Policies: items.map(({ arn, name }) => ({ PolicyName: name, Arn: arn })), ...markersOf(next) };
    },
    ListAttachedUserPolicies(input) {
      const { UserName, Marker, MaxItems } = parseInput(z.strictObject({ ...ofUser, ...iamPaging }), input);
      const { items, next } = pageOf(userNamed(parts, UserName).attachedArns, Marker, MaxItems);
      return { AttachedPolicies: items.map((PolicyArn) => ({ PolicyArn })), ...markersOf(next) };
    },
    AttachUserPolicy(input) {
      const { UserName, PolicyArn } = parseInput(OfAttached, input);
      const user = userNamed(parts, UserName);
      if (!store.data.policies.some(({ arn }) => arn === PolicyArn)) throw noSuchEntity();
      user.attachedArns = [...new Set([...user.attachedArns, PolicyArn])];
      return null;
    },
    DetachUserPolicy(input) {
      const { UserName, PolicyArn } = parseInput(OfAttached, input);
      const user = userNamed(parts, UserName);
      if (!user.attachedArns.includes(PolicyArn)) throw noSuchEntity();
      user.attachedArns = user.attachedArns.filter((arn) => arn !== PolicyArn);
      return null;
    },
  };
}

function groupHandlers(parts: IamParts): IamHandlers {
  const { store, awsAccountId, now } = parts;
  const show = ({ id, name }: { id: string; name: string }) => ({
    Path: '/',
    GroupName: name,
    GroupId: id,
    Arn: `arn:aws:iam::${awsAccountId}:group/${name}`,
    CreateDate: now().toISOString(),
  });
  const OfGroup = z.strictObject({ ...ofUser, GroupName: z.string() });
  const groupNamed = (name: string) => {
    const group = store.data.groups.find((each) => each.name === name);
    if (group === undefined) throw noSuchEntity();
    return group;
  };
  return {
    ListGroups(input) {
      const { Marker, MaxItems } = parseInput(z.strictObject(iamPaging), input);
      const { items, next } = pageOf(store.data.groups, Marker, MaxItems);
      return { Groups: items.map(show), ...markersOf(next) };
    },
    ListGroupsForUser(input) {
      const { UserName, Marker, MaxItems } = parseInput(z.strictObject({ ...ofUser, ...iamPaging }), input);
      const { groupIds } = userNamed(parts, UserName);
      const held = store.data.groups.filter(({ id }) => groupIds.includes(id));
      const { items, next } = pageOf(held, Marker, MaxItems);
      return { Groups: items.map(show), ...markersOf(next) };
    },
    AddUserToGroup(input) {
      const { UserName, GroupName } = parseInput(OfGroup, input);
      const user = userNamed(parts, UserName);
      user.groupIds = [...new Set([...user.groupIds, groupNamed(GroupName).id])];
      return null;
    },
    RemoveUserFromGroup(input) {
      const { UserName, GroupName } = parseInput(OfGroup, input);
      const user = userNamed(parts, UserName);
      const { id } = groupNamed(GroupName);
      user.groupIds = user.groupIds.filter((each) => each !== id);
      return null;
    },
  };
}

/** As IAM makes them: a prefix that tells the kind, and 17 capitals and digits. */
export function uniqueId(prefix: string): string {
  return prefix + randomBytes(9).toString('hex').toUpperCase().slice(0, 17);
}
