/** What a system of Google Workspace is configured with, and the scopes that the delegation must name. */
import { z } from 'zod';

const origin = z.url({ protocol: /^https?$/ });

export const GoogleWorkspaceConfig = z.strictObject({
  serviceAccountKey: z
    .string()
    .min(1)
    .describe('The JSON key file of the service account, its whole text; made under Keys of the service account'),
  adminUser: z
    .email()
    .describe('Address of the administrator in whose name the service account acts; its role bounds what Usher can do'),
  customerId: z
    .string()
    .regex(/^[A-Za-z0-9_]+$/)
    .default('my_customer')
    .describe('Customer ID of the account settings; as it is, the organisation of the administrator'),
  orgUnitPath: z
    .string()
    .startsWith('/')
    .default('/')
    .describe('Organisational unit that new accounts are put into, such as /Staff'),
  url: origin.default('https://admin.googleapis.com').describe('Origin of the Admin SDK; leave as it is'),
  tokenUrl: origin.default('https://oauth2.googleapis.com').describe('Origin of the token service; leave as it is'),
});
export type GoogleWorkspaceConfig = z.infer<typeof GoogleWorkspaceConfig>;

const prefix = 'https://www.googleapis.com/auth/admin.directory.';
export const googleScopes = [
  `${prefix}user`,
  `${prefix}user.security`,
  `${prefix}group.readonly`,
  `${prefix}group.member`,
];
