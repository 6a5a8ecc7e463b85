/**
 * AWS IAM of the sandbox, in the query protocol: a form comes, XML goes, and statuses follow the kind of the refusal.
 * Sessions live on their own: only a policy ends them, not the loss of the key that they came from.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/programming.html
 */
import { z } from 'zod';
import {
  canIamUserLogIn,
  type CredentialRow,
  type IamParts,
  IamState,
  type IamUserRow,
  liveIamSessions,
} from './aws-iam-state.ts';
import {
  type IamHandlers,
  iamPaging,
  iamUserHandlers,
  markersOf,
  noSuchEntity,
  ofUser,
  userNamed,
} from './aws-iam-users.ts';
import { parseInput } from './aws-identity-state.ts';
import {
  type AwsKey,
  AwsRefusal,
  codeOfStatus,
  fromForm,
  isReadOperation,
  isSigned,
  pageOf,
  xmlAnswer,
  xmlRefusal,
} from './aws-wire.ts';
import { createVendorKit, type SandboxContext, type SandboxOptions, type SandboxServer } from './kit.ts';
import { openStore } from './store.ts';

export interface IamSandboxOptions extends SandboxOptions {
  key: AwsKey;
  awsAccountId: string;
  groups?: IamState['groups'];
  policies?: IamState['policies'];
}

export interface IamSandbox extends SandboxServer {
  readonly state: IamState;
  userOf(id: string): IamUserRow | undefined;
  canLogIn(id: string): boolean;
  createSession(id: string): void;
  sessionsOf(id: string): number[];
}

const namespace = 'https://iam.amazonaws.com/doc/2010-05-08/';
const codes: Record<number, string> = {
  400: 'ValidationError',
  401: 'InvalidClientTokenId',
  403: 'AccessDenied',
  404: 'NoSuchEntity',
  409: 'EntityAlreadyExists',
  412: 'LimitExceeded',
  429: 'Throttling',
  500: 'ServiceFailure',
  503: 'ServiceUnavailable',
};
/** Statuses that IAM gives to these codes; a refusal of the client is 400 otherwise. */
const statuses: Record<number, number> = { 401: 403, 403: 403, 404: 404, 409: 409, 412: 409 };

export function createIamSandbox(options: IamSandboxOptions): IamSandbox {
  const seed = (): IamState =>
    structuredClone({ users: [], groups: options.groups ?? [], policies: options.policies ?? [] });
  const store = openStore(IamState, options.state, seed, options.onChange);
  const kit = createVendorKit({
    store,
    options,
    refuse: refuseIam,
    describe: () => store.data,
    async nameCall(c) {
      const operation = new URLSearchParams(await c.req.text()).get('Action') ?? '';
      return { method: isReadOperation(operation) ? 'GET' : 'POST', path: `/${operation}` };
    },
  });
  const parts: IamParts = { store, awsAccountId: options.awsAccountId, now: kit.now };
  const handlers: IamHandlers = { ...iamUserHandlers(parts), ...credentialHandlers(parts) };
  kit.app.post('/', async (c) => {
    const { Action, Version, ...input } = fromForm(await c.req.text());
    const operation = String(Action);
    const handle = handlers[operation];
    try {
      if (!(await isSigned(c, options.key))) throw new AwsRefusal('SignatureDoesNotMatch', 'Wrong signature.', {}, 403);
      if (handle === undefined || Version !== '2010-05-08') throw new AwsRefusal('InvalidAction', 'Unknown action.');
      return xmlAnswer(c, operation, namespace, handle(input));
    } catch (error) {
      if (!(error instanceof AwsRefusal)) throw error;
      // The shared parts word it as the JSON services do.
      const code = error.code === 'ValidationException' ? 'ValidationError' : error.code;
      return xmlRefusal(c, namespace, new AwsRefusal(code, error.message, {}, error.status));
    }
  });
  const userOf = (id: string) => store.data.users.find((user) => user.id === id);
  return {
    ...kit.server,
    userOf,
    canLogIn: (id) => canIamUserLogIn(userOf(id)),
    createSession: (id) => void userOf(id)?.sessionsIssuedAtMs.push(kit.now().getTime()),
    sessionsOf: (id) => liveIamSessions(userOf(id)),
    get state() {
      return store.data;
    },
  };
}

const Status = z.enum(['Active', 'Inactive']);

/** The four kinds have calls of their own that differ in names only. */
const kinds = {
  accessKey: { list: 'ListAccessKeys', update: 'UpdateAccessKey', items: 'AccessKeyMetadata', id: 'AccessKeyId' },
  sshKey: { list: 'ListSSHPublicKeys', update: 'UpdateSSHPublicKey', items: 'SSHPublicKeys', id: 'SSHPublicKeyId' },
  serviceCredential: {
    list: 'ListServiceSpecificCredentials',
    update: 'UpdateServiceSpecificCredential',
    items: 'ServiceSpecificCredentials',
    id: 'ServiceSpecificCredentialId',
  },
  certificate: {
    list: 'ListSigningCertificates',
    update: 'UpdateSigningCertificate',
    items: 'Certificates',
    id: 'CertificateId',
  },
} as const satisfies Record<CredentialRow['kind'], object>;

function credentialHandlers(parts: IamParts): IamHandlers {
  const { store } = parts;
  const ofKinds = Object.entries(kinds).flatMap(([kind, names]) =>
    Object.entries(kindHandlers(parts, kind as CredentialRow['kind'], names)),
  );
  return {
    ...Object.fromEntries(ofKinds),
    GetLoginProfile(input) {
      const user = userNamed(parts, parseInput(z.strictObject(ofUser), input).UserName);
      if (!user.hasPassword) throw noSuchEntity();
      return { LoginProfile: { UserName: user.name, CreateDate: new Date(user.createdAtMs).toISOString() } };
    },
    DeleteLoginProfile(input) {
      const user = userNamed(parts, parseInput(z.strictObject(ofUser), input).UserName);
      if (!user.hasPassword) throw noSuchEntity();
      user.hasPassword = false;
      return null;
    },
    GetAccessKeyLastUsed(input) {
      const { AccessKeyId } = parseInput(z.strictObject({ AccessKeyId: z.string() }), input);
      const user = store.data.users.find(({ credentials }) => credentials.some(({ id }) => id === AccessKeyId));
      const key = user?.credentials.find(({ id }) => id === AccessKeyId);
      if (user === undefined || key === undefined) throw noSuchEntity();
      const isUsed = key.lastUsedAtMs !== null;
      const used = isUsed ? { LastUsedDate: new Date(key.lastUsedAtMs ?? 0).toISOString() } : {};
      const where = { ServiceName: isUsed ? 's3' : 'N/A', Region: isUsed ? 'us-east-1' : 'N/A' };
      return { UserName: user.name, AccessKeyLastUsed: { ...used, ...where } };
    },
  };
}

function kindHandlers(parts: IamParts, kind: CredentialRow['kind'], names: (typeof kinds)[typeof kind]): IamHandlers {
  return {
    [names.list](input) {
      const { UserName, Marker, MaxItems } = parseInput(z.strictObject({ ...ofUser, ...iamPaging }), input);
      const user = userNamed(parts, UserName);
      const all = user.credentials.filter((credential) => credential.kind === kind);
      const { items, next } = pageOf(all, Marker, MaxItems);
      const at = new Date(user.createdAtMs).toISOString();
      return {
        [names.items]: items.map(({ id, status }) => ({
          UserName,
          [names.id]: id,
          Status: status,
          ...extras(kind, at),
        })),
        ...markersOf(next),
      };
    },
    [names.update](input) {
      const { UserName, Status: status, ...asked } = parseInput(z.looseObject({ ...ofUser, Status }), input);
      const credential = userNamed(parts, UserName).credentials.find(
        (each) => each.kind === kind && each.id === asked[names.id],
      );
      if (credential === undefined) throw noSuchEntity();
      credential.status = status;
      return null;
    },
  };
}

function extras(kind: CredentialRow['kind'], at: string): object {
  switch (kind) {
    case 'accessKey':
      return { CreateDate: at };
    case 'sshKey':
      return { UploadDate: at };
    case 'serviceCredential':
      return { CreateDate: at, ServiceName: 'codecommit.amazonaws.com', ServiceUserName: 'ada-at-111122223333' };
    case 'certificate':
      return { UploadDate: at, CertificateBody: '-----BEGIN CERTIFICATE-----' };
    default:
      return kind satisfies never;
  }
}

/** IAM has no word for the time to wait; a proxy before it may send the header. */
export function refuseIam(c: SandboxContext, status: number, retryAfterSeconds: number | null): Response {
  if (retryAfterSeconds !== null) c.header('Retry-After', String(retryAfterSeconds));
  const sent = status >= 500 ? status : (statuses[status] ?? 400);
  return xmlRefusal(c, namespace, new AwsRefusal(codeOfStatus(status, codes), 'refused', {}, sent));
}
