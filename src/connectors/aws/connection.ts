/** How a system reaches AWS: the configuration fields that its products share, and whose credentials sign the calls. */
import { z } from 'zod';
import type { CheckResult } from '../kit/contract.ts';

/** Spread into the `config` schema of a product; {@link hasWholeKey} belongs beside it. */
export const connectionFields = {
  accessKeyId: z
    .string()
    .regex(/^\w{16,128}$/)
    .optional()
    .describe('Access key id of the IAM user that Usher signs with. Leave out to use the role of the machine.'),
  secretAccessKey: z.string().min(1).optional().describe('Secret access key that belongs to the access key id.'),
  profile: z
    .string()
    .min(1)
    .optional()
    .describe('Profile in the AWS config file of the worker, to assume a role. Not needed on EC2, ECS or EKS.'),
  url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Address in place of the public endpoints of AWS, for a stand-in. Leave out for AWS.'),
};

export const Region = z.string().regex(/^[a-z]{2,}(-[a-z]+)+-\d{1,2}$/);

export interface AwsConnection {
  region: string;
  accessKeyId?: string | undefined;
  secretAccessKey?: string | undefined;
  profile?: string | undefined;
  url?: string | undefined;
}

/** A key is an id and a secret. */
export function hasWholeKey({ accessKeyId, secretAccessKey }: Omit<AwsConnection, 'region'>): boolean {
  return (accessKeyId === undefined) === (secretAccessKey === undefined);
}

/**
 * The part of an SDK client's configuration that says where and as whom. Without a key the SDK looks where AWS puts the
 * credentials of a role: container, instance, web identity token, profile; it renews them by itself.
 */
export function sdkConnection({ region, accessKeyId, secretAccessKey, profile, url }: AwsConnection) {
  return {
    region,
    ...(url === undefined ? {} : { endpoint: url }),
    ...(profile === undefined ? {} : { profile }),
    ...(accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : { credentials: { accessKeyId, secretAccessKey } }),
  };
}

/** What `check` says about the credentials themselves. */
export function keyFindings({ accessKeyId }: AwsConnection): CheckResult['findings'] {
  if (accessKeyId === undefined || !accessKeyId.startsWith('AKIA')) return [];
  const text = 'Usher signs with a long-lived access key. A role needs no key: prefer one, or rotate the key.';
  return [{ level: 'warning', text }];
}
