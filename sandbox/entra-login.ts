/**
 * The sign-in service that issues tokens for the sandbox's Graph: client credentials with a signed assertion or a secret.
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
 */
import { createHash, randomBytes, randomUUID, X509Certificate } from 'node:crypto';
import { decodeProtectedHeader, jwtVerify, SignJWT } from 'jose';
import { createVendorKit, isSameSecret, type SandboxContext, type SandboxServer } from './kit.ts';
import { Store } from './store.ts';

export interface EntraLoginOptions {
  tenantId: string;
  clientId: string;
  clientSecret?: string;
  /** PEM of the certificate that was uploaded. */
  certificate?: string;
  /** Application permissions that the token carries. */
  permissions: string[];
  now: () => Date;
}

export interface EntraLogin {
  server: SandboxServer;
  accepts(token: string): boolean;
  /** As when an administrator withdraws what was issued so far. */
  withdrawTokens(): void;
}

const lifetimeSeconds = 3599;

export function createEntraLogin(options: EntraLoginOptions): EntraLogin {
  const key = randomBytes(32);
  const issued = new Map<string, number>();
  const { app, server, now } = createVendorKit({
    store: new Store({}, undefined),
    options: { now: options.now },
    refuse: (c, status) => c.json({ error: 'temporarily_unavailable', error_codes: [90033] }, status as 500),
    describe: () => ({ issuedCount: issued.size }),
  });
  app.post(`/${options.tenantId}/oauth2/v2.0/token`, async (c) => {
    const form = new URLSearchParams(await c.req.text());
    if (form.get('grant_type') !== 'client_credentials' || form.get('scope')?.endsWith('/.default') !== true) {
      return c.json({ error: 'invalid_request', error_codes: [900144] }, 400);
    }
    if (form.get('client_id') !== options.clientId)
      return c.json({ error: 'unauthorized_client', error_codes: [700016] }, 400);
    const isProved = form.has('client_assertion') ? await isSigned(c, form, options) : isSecret(form, options);
    if (!isProved)
      return c.json({ error: 'invalid_client', error_codes: [form.has('client_assertion') ? 700027 : 7000215] }, 401);
    const token = await new SignJWT({ roles: options.permissions })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setJti(randomUUID())
      .sign(key);
    issued.set(token, now().getTime() + lifetimeSeconds * 1000);
    return c.json({
      token_type: 'Bearer',
      expires_in: lifetimeSeconds,
      ext_expires_in: lifetimeSeconds,
      access_token: token,
    });
  });
  return {
    server,
    accepts: (token) => now().getTime() < (issued.get(token) ?? 0),
    withdrawTokens: () => issued.clear(),
  };
}

function isSecret(form: URLSearchParams, { clientSecret }: EntraLoginOptions): boolean {
  return clientSecret !== undefined && isSameSecret(form.get('client_secret') ?? '', clientSecret);
}

async function isSigned(
  c: SandboxContext,
  form: URLSearchParams,
  { certificate, clientId, tenantId, now }: EntraLoginOptions,
): Promise<boolean> {
  if (certificate === undefined) return false;
  const assertion = form.get('client_assertion') ?? '';
  const known = new X509Certificate(certificate);
  try {
    const thumbprint = createHash('sha256').update(known.raw).digest('base64url');
    if (decodeProtectedHeader(assertion)['x5t#S256'] !== thumbprint) return false;
    await jwtVerify(assertion, known.publicKey, {
      algorithms: ['PS256'],
      issuer: clientId,
      subject: clientId,
      audience: `${new URL(c.req.url).origin}/${tenantId}/oauth2/v2.0/token`,
      requiredClaims: ['exp', 'jti', 'nbf'],
      maxTokenAge: '10 minutes',
      currentDate: now(),
    });
    return form.get('client_assertion_type') === 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
  } catch {
    return false;
  }
}
