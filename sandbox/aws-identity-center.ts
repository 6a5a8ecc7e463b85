/**
 * AWS IAM Identity Center of the sandbox: identity store and assignments in the JSON protocol, told apart by
 * `X-Amz-Target`, and the one SCIM call that disables a user. Client errors all carry the status 400.
 * https://docs.aws.amazon.com/singlesignon/latest/developerguide/patchuser.html
 */
import { z } from 'zod';
import {
  type AwsHandlers,
  type IdentityBehaviour,
  type IdentityParts,
  IdentityState,
  type IdentityUserRow,
} from './aws-identity-state.ts';
import { identityStoreHandlers } from './aws-identity-store.ts';
import { ssoAdminHandlers } from './aws-sso-admin.ts';
import {
  type AwsKey,
  AwsRefusal,
  codeOfStatus,
  isReadOperation,
  isSigned,
  jsonAnswer,
  jsonRefusal,
} from './aws-wire.ts';
import {
  createVendorKit,
  isSameSecret,
  readJson,
  type SandboxContext,
  type SandboxOptions,
  type SandboxServer,
  type VendorKit,
} from './kit.ts';
import { openStore } from './store.ts';

export const scimPath = '/tenant/scim/v2';

export interface IdentityCenterSandboxOptions extends SandboxOptions {
  key: AwsKey;
  scimToken: string;
  instance: IdentityParts['instance'];
  groups?: IdentityState['groups'];
  permissionSets?: IdentityState['permissionSets'];
}

export interface IdentityCenterSandbox extends SandboxServer {
  readonly state: IdentityState;
  behaviour: IdentityBehaviour;
  seedUser(user: IdentityUserRow): void;
}

const services: Record<string, string> = { AWSIdentityStore: 'identitystore', SWBExternalService: 'sso-admin' };
const codes: Record<number, string> = {
  400: 'ValidationException',
  401: 'UnrecognizedClientException',
  403: 'AccessDeniedException',
  404: 'ResourceNotFoundException',
  409: 'ConflictException',
  412: 'ServiceQuotaExceededException',
  429: 'ThrottlingException',
  500: 'InternalServerException',
};

export function createIdentityCenterSandbox(options: IdentityCenterSandboxOptions): IdentityCenterSandbox {
  const seed = (): IdentityState => ({
    users: {},
    groups: structuredClone(options.groups ?? []),
    memberships: [],
    permissionSets: structuredClone(options.permissionSets ?? []),
    assignments: [],
    operations: [],
  });
  const store = openStore(IdentityState, options.state, seed, options.onChange);
  const behaviour: IdentityBehaviour = { polls: 0, failureReason: null };
  const kit = createVendorKit({
    store,
    options,
    refuse: refuseIdentityCenter,
    describe: () => store.data,
    nameCall: (c) => Promise.resolve(nameOf(c)),
  });
  const parts: IdentityParts = { store, instance: options.instance, behaviour, now: kit.now };
  addScimRoutes(kit, parts, options.scimToken);
  addJsonRoute(kit, options.key, {
    identitystore: identityStoreHandlers(parts),
    'sso-admin': ssoAdminHandlers(parts),
  });
  return {
    ...kit.server,
    behaviour,
    seedUser: (user) => {
      store.data.users[user.UserId] = user;
      store.changed();
    },
    get state() {
      return store.data;
    },
  };
}

function targetOf(c: SandboxContext): { service: string; operation: string; target: string } {
  const target = c.req.header('x-amz-target') ?? '';
  const [prefix = '', operation = ''] = target.split('.');
  return { service: services[prefix] ?? '', operation, target };
}

function nameOf(c: SandboxContext): { method: string; path: string } {
  const { operation, target } = targetOf(c);
  if (operation === '') return { method: c.req.method, path: c.req.path };
  return { method: isReadOperation(operation) ? 'GET' : 'POST', path: `/${target}` };
}

function addJsonRoute({ app }: VendorKit, key: AwsKey, handlers: Record<string, AwsHandlers>): void {
  app.post('/', async (c) => {
    const { service, operation } = targetOf(c);
    const body = await readJson(c);
    const handle = handlers[service]?.[operation];
    try {
      if (!(await isSigned(c, key))) throw new AwsRefusal(codes[401] ?? '', 'The security token is invalid.');
      if (handle === undefined) throw new AwsRefusal('UnknownOperationException', 'The operation is unknown.');
      return jsonAnswer(c, handle(body));
    } catch (error) {
      if (!(error instanceof AwsRefusal)) throw error;
      return jsonRefusal(c, error);
    }
  });
}

function addScimRoutes({ app }: VendorKit, { store }: IdentityParts, token: string): void {
  const refuse = (c: SandboxContext, status: number, detail: string) =>
    c.json({ schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: String(status), detail }, status as 400);
  const Patch = z.strictObject({
    schemas: z.tuple([z.literal('urn:ietf:params:scim:api:messages:2.0:PatchOp')]),
    Operations: z.tuple([z.strictObject({ op: z.literal('replace'), path: z.literal('active'), value: z.boolean() })]),
  });
  app.use(`${scimPath}/*`, async (c, next) => {
    const given = /^Bearer (.+)$/.exec(c.req.header('authorization') ?? '')?.[1] ?? '';
    return isSameSecret(given, token) ? next() : refuse(c, 401, 'The token is invalid or has expired');
  });
  app.get(`${scimPath}/ServiceProviderConfig`, (c) => c.json({ patch: { supported: true } }));
  app.patch(`${scimPath}/Users/:id`, async (c) => {
    const body = Patch.safeParse(await readJson(c));
    const user = store.data.users[c.req.param('id')];
    if (user === undefined) return refuse(c, 404, 'User not found');
    if (!body.success) return refuse(c, 400, 'Request is unparsable, syntactically incorrect, or violates schema');
    user.UserStatus = body.data.Operations[0].value ? 'ENABLED' : 'DISABLED';
    return c.json({ id: user.UserId, userName: user.UserName, active: user.UserStatus === 'ENABLED' });
  });
}

/** In the wording of the service, and with 400 for whatever the client did wrong. */
export function refuseIdentityCenter(c: SandboxContext, status: number, retryAfterSeconds: number | null): Response {
  if (targetOf(c).operation === '') {
    if (retryAfterSeconds !== null) c.header('Retry-After', String(retryAfterSeconds));
    return c.json({ status: String(status) }, status as 500);
  }
  const members = retryAfterSeconds === null ? {} : { RetryAfterSeconds: retryAfterSeconds };
  const refusal = new AwsRefusal(codeOfStatus(status, codes), 'refused', members, status >= 500 ? status : 400);
  return jsonRefusal(c, refusal);
}
