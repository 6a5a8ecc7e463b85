/**
 * How Usher shows Okta who it is. Recommended: an "API Services" application with OAuth 2 scopes, whose private key signs
 * an assertion for a token of an hour (private_key_jwt, RFC 7523). Beside it: an SSWS token, which has all the rights of
 * the administrator who made it. https://developer.okta.com/docs/guides/implement-oauth-for-okta-serviceapp/main/
 */
import { importJWK, importPKCS8, type JWK, SignJWT } from 'jose';
import { z } from 'zod';
import type { ConnectorRuntime } from '../kit/contract.ts';
import { pathOf } from '../kit/escape.ts';
import { askForToken, TokenAnswer } from '../kit/token-endpoint.ts';
import { createTokenSource, type IssuedToken, type TokenSource } from '../kit/token-source.ts';
import { createVendorClient, isConnectorError, type VendorClient } from '../kit/vendor-client.ts';
import { readOktaRefusal, readTokenRefusal } from './dialect.ts';

/** What Usher asks for: users with their sessions, groups with their members, and sign-ins. */
export const oktaScopes = ['okta.users.manage', 'okta.groups.manage', 'okta.logs.read'];
/** And this, where administrator roles are entitlements. */
export const rolesScope = 'okta.roles.manage';

export interface OktaCredentials {
  url: string;
  token?: string | undefined;
  clientId?: string | undefined;
  privateKey?: string | undefined;
  keyId?: string | undefined;
  adminRoles: boolean;
}

const BearerAnswer = TokenAnswer.extend({ token_type: z.string().regex(/^bearer$/i) });

const operation = 'fetchToken';
/** Okta refuses assertions that live longer than an hour; a minute is enough to be read. */
const assertionLifetimeSeconds = 60;

export interface OktaAccess {
  client: VendorClient;
  /**
   * Scopes that Okta grants this application none of: asked for one by one, because it refuses them all for one that is
   * missing, and does not say which. Null with an SSWS token, which has no scopes.
   */
  missingScopes: (() => Promise<string[]>) | null;
}

/** The client of the management API, with whichever credentials the configuration has. */
export function openOkta(runtime: ConnectorRuntime<OktaCredentials>): OktaAccess {
  const { url: baseUrl, token, clientId, privateKey, keyId, adminRoles } = runtime.config;
  const scopes = adminRoles ? [...oktaScopes, rolesScope] : oktaScopes;
  if (clientId === undefined || privateKey === undefined) {
    const headers = { authorization: `SSWS ${token ?? ''}` };
    return {
      client: createVendorClient(runtime, { baseUrl, headers }, { dialect: readOktaRefusal }),
      missingScopes: null,
    };
  }
  const issuer = createIssuer(runtime, { clientId, privateKey, keyId });
  const tokens: TokenSource = createTokenSource(
    () => issuer(scopes),
    () => runtime.now(),
  );
  const client = createVendorClient(runtime, { baseUrl }, { dialect: readOktaRefusal, tokens });
  return { client, missingScopes: () => findMissing(issuer, scopes) };
}

type Issuer = (scopes: string[]) => Promise<IssuedToken>;

async function findMissing(issuer: Issuer, scopes: string[]): Promise<string[]> {
  const missing: string[] = [];
  for (const scope of scopes) {
    try {
      await issuer([scope]);
    } catch (error) {
      if (!isConnectorError(error, 'auth') || error.detail.vendorCode !== 'invalid_scope') throw error;
      missing.push(scope);
    }
  }
  return missing;
}

interface SigningKey {
  clientId: string;
  privateKey: string;
  keyId: string | undefined;
}

function createIssuer(runtime: ConnectorRuntime<OktaCredentials>, key: SigningKey): Issuer {
  const baseUrl = runtime.config.url;
  const client = createVendorClient(runtime, { baseUrl }, { dialect: readTokenRefusal });
  return async (scopes) => {
    const assertion = await sign(client, key, { audience: tokenUrlOf(baseUrl), nowMs: runtime.now() });
    const form = {
      grant_type: 'client_credentials',
      scope: scopes.join(' '),
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    };
    const path = () => pathOf('oauth2', 'v1', 'token');
    return askForToken(client, { operation, path, form, schema: BearerAnswer });
  };
}

function tokenUrlOf(url: string): string {
  return `${new URL(url).origin}/oauth2/v1/token`;
}

async function sign(
  client: VendorClient,
  { clientId, privateKey, keyId }: SigningKey,
  { audience, nowMs }: { audience: string; nowMs: number },
): Promise<string> {
  const nowSeconds = Math.floor(nowMs / 1000);
  try {
    const { key, alg, kid = keyId } = await readKey(privateKey);
    return await new SignJWT({})
      .setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) })
      .setIssuer(clientId)
      .setSubject(clientId)
      .setAudience(audience)
      .setIssuedAt(nowSeconds)
      .setExpirationTime(nowSeconds + assertionLifetimeSeconds)
      .setJti(crypto.randomUUID())
      .sign(key);
  } catch {
    // What the library says may quote the key.
    throw client.fail('auth', operation, 'the private key cannot be used: expected a private JWK, or PEM in PKCS#8');
  }
}

/** As Okta hands it out: a JWK, or PEM (RSA; the header of another kind of key is not to be guessed). */
async function readKey(text: string) {
  if (!text.trimStart().startsWith('{')) {
    // Secrets that pass through an environment variable carry their line ends as two characters.
    return { key: await importPKCS8(text.replaceAll('\\n', '\n'), 'RS256'), alg: 'RS256', kid: undefined };
  }
  const jwk = JSON.parse(text) as JWK;
  const alg = jwk.alg ?? (jwk.kty === 'EC' ? 'ES256' : 'RS256');
  return { key: await importJWK(jwk, alg), alg, kid: jwk.kid };
}
