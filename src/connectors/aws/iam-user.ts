/**
 * A user of IAM: what is read of it, and what its tags say. IAM knows a name and nothing of the person, so that the
 * person's key and attributes stand in tags, where policies can read them as well. Pure.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
 */
import { z } from 'zod';
import type { OwnedAttribute, ProfileValues } from '../../schemas/owned-attribute.ts';
import type { AccountProfile, AccountProfileView } from '../kit/contract.ts';
import { clip } from '../kit/escape.ts';

const Tags = z.array(z.object({ Key: z.string(), Value: z.string() })).nullish();

export const IamUser = z.object({
  UserId: z.string().min(1),
  UserName: z.string().min(1),
  Arn: z.string(),
  Tags,
  PasswordLastUsed: z.date().nullish(),
});
export type IamUser = z.infer<typeof IamUser>;

/** Attributes that stand in a tag of their own; the login is the name of the user. */
const taggedAttributes = ['displayName', 'givenName', 'familyName', 'title', 'department', 'email'] as const;
export const iamProfileAttributes = [...taggedAttributes, 'login'] as const satisfies OwnedAttribute[];

export interface Tag {
  Key: string;
  Value: string;
}

export function tagOf(user: Pick<IamUser, 'Tags'>, key: string): string | null {
  return (user.Tags ?? []).find(({ Key }) => Key.toLowerCase() === key.toLowerCase())?.Value ?? null;
}

export const personTag = (prefix: string): string => `${prefix}person`;

export function correlationKeyOf(user: Pick<IamUser, 'Tags'>, prefix: string): string | null {
  return tagOf(user, personTag(prefix));
}

export function iamProfileViewOf(user: IamUser, prefix: string): AccountProfileView {
  const tagged = Object.fromEntries(taggedAttributes.map((name) => [name, tagOf(user, prefix + name)]));
  const values = { ...tagged, login: user.UserName, manager: null } as AccountProfileView['values'];
  return { accountId: user.UserId, correlationKey: correlationKeyOf(user, prefix), values };
}

/** Values as a tag takes them: letters, blanks, numbers and `_.:/=+-@`, at most 256 of them. */
export function tagValueAsStored(value: string): string {
  return clip(value.normalize('NFC').replaceAll(/[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu, ' '), 256);
}

export function iamProfileAsStored(values: ProfileValues): ProfileValues {
  const entries = Object.entries(values).map(([name, value]) => [
    name,
    name === 'login' ? value : tagValueAsStored(value),
  ]);
  return Object.fromEntries(entries) as ProfileValues;
}

/** Tags whose value differs from what the user shows. */
export function tagChanges(user: IamUser, wanted: ProfileValues, prefix: string): Tag[] {
  const stored = iamProfileAsStored(wanted);
  return taggedAttributes.flatMap((name) => {
    const value = stored[name];
    const isSame = value === undefined || tagOf(user, prefix + name) === value;
    return isSame ? [] : [{ Key: prefix + name, Value: value }];
  });
}

export function newUserTags(profile: AccountProfile, personId: string, prefix: string): Tag[] {
  const { givenName, familyName, displayName, email, title, department } = profile;
  const values = { givenName, familyName, displayName, email, title, department };
  const named = Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== null);
  return [
    { Key: personTag(prefix), Value: personId },
    ...named.map(([name, value]) => ({ Key: prefix + name, Value: tagValueAsStored(value) })),
  ];
}
