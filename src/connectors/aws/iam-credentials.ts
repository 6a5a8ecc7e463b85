/**
 * Everything that an IAM user can sign with: password, access keys, SSH keys and passwords of single services, signing
 * certificates. Each kind but the password can be switched off and on again; a password can only be deleted.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials.html
 */
import {
  DeleteLoginProfileCommand,
  GetLoginProfileCommand,
  ListAccessKeysCommand,
  ListServiceSpecificCredentialsCommand,
  ListSigningCertificatesCommand,
  ListSSHPublicKeysCommand,
  UpdateAccessKeyCommand,
  UpdateServiceSpecificCredentialCommand,
  UpdateSigningCertificateCommand,
  UpdateSSHPublicKeyCommand,
} from '@aws-sdk/client-iam';
import { z } from 'zod';
import type { CallContext, VendorReceipt } from '../kit/contract.ts';
import { isConnectorError } from '../kit/vendor-client.ts';
import { type IamApi, markedPage } from './iam-api.ts';
import { collectTokenPages } from './token-pages.ts';

const kinds = ['accessKey', 'sshKey', 'serviceCredential', 'certificate'] as const;
type Kind = (typeof kinds)[number];

export interface Credential {
  kind: Kind;
  id: string;
  isActive: boolean;
}

export interface Credentials {
  hasPassword: boolean;
  keys: Credential[];
}

const marks = { IsTruncated: z.boolean().nullish(), Marker: z.string().nullish() };
const Status = z.string();
/** Where each kind stands in its listing. */
const schemas = {
  accessKey: z
    .object({ AccessKeyMetadata: z.array(z.object({ AccessKeyId: z.string(), Status })), ...marks })
    .transform(({ AccessKeyMetadata: all, ...rest }) => ({
      ...rest,
      keys: all.map((key) => ({ id: key.AccessKeyId, Status: key.Status })),
    })),
  sshKey: z
    .object({ SSHPublicKeys: z.array(z.object({ SSHPublicKeyId: z.string(), Status })), ...marks })
    .transform(({ SSHPublicKeys: all, ...rest }) => ({
      ...rest,
      keys: all.map((key) => ({ id: key.SSHPublicKeyId, Status: key.Status })),
    })),
  serviceCredential: z
    .object({
      ServiceSpecificCredentials: z.array(z.object({ ServiceSpecificCredentialId: z.string(), Status })),
      ...marks,
    })
    .transform(({ ServiceSpecificCredentials: all, ...rest }) => ({
      ...rest,
      keys: all.map((key) => ({ id: key.ServiceSpecificCredentialId, Status: key.Status })),
    })),
  certificate: z
    .object({ Certificates: z.array(z.object({ CertificateId: z.string(), Status })), ...marks })
    .transform(({ Certificates: all, ...rest }) => ({
      ...rest,
      keys: all.map((key) => ({ id: key.CertificateId, Status: key.Status })),
    })),
};

/** Fresh: all credentials of the user, side by side, for a leaver waits for them. */
export async function readCredentials(
  api: IamApi,
  operation: string,
  userName: string,
  ctx: CallContext,
): Promise<Credentials> {
  const [hasPassword, ...lists] = await Promise.all([
    readHasPassword(api, operation, userName, ctx),
    ...kinds.map((kind) => listCredentials(api, kind, { operation, userName }, ctx)),
  ]);
  return { hasPassword, keys: lists.flat() };
}

/** Anything that could sign now. An expired credential cannot. */
export function hasLive({ hasPassword, keys }: Credentials): boolean {
  return hasPassword || keys.some(({ isActive }) => isActive);
}

export async function readHasPassword(
  { aws, iam }: IamApi,
  operation: string,
  UserName: string,
  ctx: CallContext,
): Promise<boolean> {
  const send = (options: object) => iam.send(new GetLoginProfileCommand({ UserName }), options);
  return (await aws.readOrNull({ operation, schema: z.unknown() }, send, ctx)) !== null;
}

export async function listCredentials(
  api: IamApi,
  kind: Kind,
  { operation, userName }: { operation: string; userName: string },
  ctx: CallContext,
): Promise<Credential[]> {
  const { aws } = api;
  try {
    const all = await collectTokenPages(aws, operation, async (Marker) => {
      const send = listingOf(api, kind, { UserName: userName, Marker });
      const { data } = await aws.read({ operation, schema: schemas[kind] }, send, ctx);
      return markedPage(aws, operation, data.keys, data);
    });
    return all.map(({ id, Status: status }) => ({ kind, id, isActive: status === 'Active' }));
  } catch (error) {
    // A partition of AWS without such services has no such credentials.
    if (isConnectorError(error, 'unsupported')) return [];
    throw error;
  }
}

function listingOf({ iam }: IamApi, kind: Kind, input: { UserName: string; Marker: string | undefined }) {
  return (options: object): Promise<unknown> => {
    switch (kind) {
      case 'accessKey':
        return iam.send(new ListAccessKeysCommand(input), options);
      case 'sshKey':
        return iam.send(new ListSSHPublicKeysCommand(input), options);
      case 'serviceCredential':
        return iam.send(new ListServiceSpecificCredentialsCommand(input), options);
      case 'certificate':
        return iam.send(new ListSigningCertificatesCommand(input), options);
      default:
        return kind satisfies never;
    }
  };
}

/** Switches one credential. One that is gone in the meantime is as good as switched off. */
export async function switchCredential(
  { aws, iam }: IamApi,
  userName: string,
  { kind, id }: Pick<Credential, 'kind' | 'id'>,
  isActive: boolean,
  ctx: CallContext,
): Promise<void> {
  const UserName = userName;
  const Status = isActive ? ('Active' as const) : ('Inactive' as const);
  const send = (options: object): Promise<unknown> => {
    switch (kind) {
      case 'accessKey':
        return iam.send(new UpdateAccessKeyCommand({ UserName, AccessKeyId: id, Status }), options);
      case 'sshKey':
        return iam.send(new UpdateSSHPublicKeyCommand({ UserName, SSHPublicKeyId: id, Status }), options);
      case 'serviceCredential':
        return iam.send(
          new UpdateServiceSpecificCredentialCommand({ UserName, ServiceSpecificCredentialId: id, Status }),
          options,
        );
      case 'certificate':
        return iam.send(new UpdateSigningCertificateCommand({ UserName, CertificateId: id, Status }), options);
      default:
        return kind satisfies never;
    }
  };
  try {
    await aws.write({ operation: 'setLogin', schema: z.unknown() }, send, ctx);
  } catch (error) {
    if (!isConnectorError(error, 'notFound')) throw error;
  }
}

/** Null where there was none any more. */
export async function deletePassword(
  { aws, iam }: IamApi,
  UserName: string,
  ctx: CallContext,
): Promise<VendorReceipt | null> {
  const send = (options: object) => iam.send(new DeleteLoginProfileCommand({ UserName }), options);
  try {
    return (await aws.write({ operation: 'setLogin', schema: z.unknown() }, send, ctx)).receipt;
  } catch (error) {
    if (isConnectorError(error, 'notFound')) return null;
    throw error;
  }
}
