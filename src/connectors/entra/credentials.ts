/**
 * Access tokens for Microsoft Graph by the client credentials grant: with an assertion that the certificate's key signs
 * (recommended), or with a client secret.
 * https://learn.microsoft.com/entra/identity-platform/certificate-credentials
 */
import { createHash, createPrivateKey, type KeyObject, randomUUID, X509Certificate } from 'node:crypto';
import { decodeJwt, SignJWT } from 'jose';
import { z } from 'zod';
import type { ConnectorRuntime } from '../kit/contract.ts';
import { pathOf } from '../kit/escape.ts';
import type { DialectVerdict, VendorAnswer } from '../kit/http.ts';
import { askForToken, TokenAnswer } from '../kit/token-endpoint.ts';
import { createTokenSource, type IssuedToken, type TokenSource } from '../kit/token-source.ts';
import { createVendorClient, type VendorClient } from '../kit/vendor-client.ts';
import type { EntraConfig } from './config.ts';

const operation = 'signIn';
/** The vendor advises five to ten minutes. */
const assertionLifetimeSeconds = 300;
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** Some of Microsoft's endpoints give the life as text. */
const SignInAnswer = TokenAnswer.extend({ expires_in: z.coerce.number().positive() });
const TokenRefusal = z.object({ error: z.string(), error_codes: z.array(z.number()).nullish() });

/** Tokens for Graph. A refused credential is `auth`; its text reaches no error. */
export function createEntraTokens(runtime: ConnectorRuntime<EntraConfig>): TokenSource {
  const { config } = runtime;
  const client = createVendorClient(runtime, { baseUrl: config.loginUrl }, { dialect: readSignInRefusal });
  return createTokenSource(
    () => issue(client, config, runtime.now()),
    () => runtime.now(),
  );
}

async function issue(client: VendorClient, config: EntraConfig, nowMs: number): Promise<IssuedToken> {
  const path = () => pathOf(config.tenantId, 'oauth2', 'v2.0', 'token');
  const form = {
    grant_type: 'client_credentials',
    client_id: config.clientId,
    scope: `${new URL(config.url).origin}/.default`,
    ...(await proofOf(client, config, nowMs)),
  };
  return askForToken(client, { operation, path, form, schema: SignInAnswer });
}

async function proofOf(client: VendorClient, config: EntraConfig, nowMs: number): Promise<Record<string, string>> {
  if (!config.credential.includes('-----BEGIN ')) return { client_secret: config.credential };
  const { key, thumbprint } = readPem(client, config.credential);
  const nowSeconds = Math.floor(nowMs / 1000);
  const assertion = await new SignJWT()
    .setProtectedHeader({ alg: 'PS256', typ: 'JWT', 'x5t#S256': thumbprint })
    .setIssuer(config.clientId)
    .setSubject(config.clientId)
    .setAudience(`${new URL(config.loginUrl).origin}/${config.tenantId}/oauth2/v2.0/token`)
    .setJti(randomUUID())
    .setIssuedAt(nowSeconds)
    .setNotBefore(nowSeconds)
    .setExpirationTime(nowSeconds + assertionLifetimeSeconds)
    .sign(key);
  return { client_assertion_type: assertionType, client_assertion: assertion };
}

function readPem(client: VendorClient, pem: string): { key: KeyObject; thumbprint: string } {
  try {
    const certificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(pem)?.[0] ?? '';
    const thumbprint = createHash('sha256').update(new X509Certificate(certificate).raw).digest('base64url');
    const key = /-----BEGIN ([A-Z ]*PRIVATE KEY)-----[^-]+-----END \1-----/.exec(pem)?.[0] ?? '';
    return { key: createPrivateKey(key), thumbprint };
  } catch {
    // What the parser says may quote the key.
    throw client.fail('auth', operation, 'the credential holds no readable private key with its certificate');
  }
}

/** The sign-in service answers wrong credentials with 400 or 401 and its own numbers. */
export function readSignInRefusal({ status, body }: VendorAnswer): DialectVerdict | null {
  const parsed = TokenRefusal.safeParse(body);
  if (!parsed.success || status >= 500 || status === 429) return null;
  const [number] = parsed.data.error_codes ?? [];
  // 90033, 90020 and the like come with `temporarily_unavailable`.
  if (parsed.data.error === 'temporarily_unavailable') return { code: 'transient' };
  return { code: 'auth', ...(number === undefined ? {} : { vendorCode: `AADSTS${number}` }) };
}

/**
 * The application permissions that the token carries, for the set-up's sake only: what a call may do is Graph's to say.
 * Null where the token cannot be read.
 */
export function permissionsIn(token: string): ReadonlySet<string> | null {
  try {
    const roles = z.array(z.string()).safeParse(decodeJwt(token)['roles'] ?? []);
    return roles.success ? new Set(roles.data) : null;
  } catch {
    return null;
  }
}
