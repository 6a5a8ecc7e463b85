/** What the sandbox of IAM stores, and what its policies let a user do: only statements that deny everything count here. */
import { z } from 'zod';
import type { Store } from './store.ts';

export const CredentialRow = z.strictObject({
  kind: z.enum(['accessKey', 'sshKey', 'serviceCredential', 'certificate']),
  id: z.string(),
  status: z.enum(['Active', 'Inactive']),
  lastUsedAtMs: z.number().nullable(),
});
export type CredentialRow = z.infer<typeof CredentialRow>;

export const IamUserRow = z.strictObject({
  id: z.string(),
  name: z.string(),
  createdAtMs: z.number(),
  tags: z.record(z.string(), z.string()),
  /** Inline policies, by name. */
  policies: z.record(z.string(), z.string()),
  attachedArns: z.array(z.string()),
  groupIds: z.array(z.string()),
  hasPassword: z.boolean(),
  passwordLastUsedAtMs: z.number().nullable(),
  credentials: z.array(CredentialRow),
  /** When each of the temporary credentials and console sessions was issued. */
  sessionsIssuedAtMs: z.array(z.number()),
});
export type IamUserRow = z.infer<typeof IamUserRow>;

export const IamState = z.strictObject({
  users: z.array(IamUserRow),
  groups: z.array(z.strictObject({ id: z.string(), name: z.string() })),
  policies: z.array(z.strictObject({ arn: z.string(), name: z.string() })),
});
export type IamState = z.infer<typeof IamState>;

export interface IamParts {
  store: Store<IamState>;
  awsAccountId: string;
  now: () => Date;
}

export function newIamUser(id: string, name: string, createdAtMs: number): IamUserRow {
  return {
    id,
    name,
    createdAtMs,
    tags: {},
    policies: {},
    attachedArns: [],
    groupIds: [],
    hasPassword: false,
    passwordLastUsedAtMs: null,
    credentials: [],
    sessionsIssuedAtMs: [],
  };
}

const Statement = z.object({
  Effect: z.literal('Deny'),
  Action: z.literal('*'),
  Resource: z.literal('*'),
  Condition: z
    .strictObject({ DateLessThanEquals: z.strictObject({ 'aws:TokenIssueTime': z.iso.datetime() }) })
    .optional(),
});
const Document = z.object({ Version: z.literal('2012-10-17'), Statement: z.array(z.unknown()) });

/** Until when issued tokens are refused: +∞ where everything is, -∞ where nothing is. */
function deniedUntilMs({ policies }: IamUserRow): number {
  const statements = Object.values(policies).flatMap((text) => Document.parse(JSON.parse(text)).Statement);
  const times = statements.map((statement) => {
    const deny = Statement.safeParse(statement);
    if (!deny.success) return Number.NEGATIVE_INFINITY;
    const time = deny.data.Condition?.DateLessThanEquals['aws:TokenIssueTime'];
    return time === undefined ? Number.POSITIVE_INFINITY : Date.parse(time);
  });
  return Math.max(Number.NEGATIVE_INFINITY, ...times);
}

/** False only where everything is denied and nothing is left to sign with. */
export function canIamUserLogIn(user: IamUserRow | undefined): boolean {
  if (user === undefined) return false;
  const isLive = user.hasPassword || user.credentials.some(({ status }) => status === 'Active');
  return isLive || deniedUntilMs(user) !== Number.POSITIVE_INFINITY;
}

/** Sessions that still may do something. */
export function liveIamSessions(user: IamUserRow | undefined): number[] {
  if (user === undefined) return [];
  const untilMs = deniedUntilMs(user);
  return user.sessionsIssuedAtMs.filter((issuedAtMs) => issuedAtMs > untilMs);
}
