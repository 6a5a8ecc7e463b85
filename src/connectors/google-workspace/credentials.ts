/**
 * Access tokens of a service account that acts in the name of an administrator (domain-wide delegation): a JWT grant,
 * signed with the key of the service account.
 * https://developers.google.com/identity/protocols/oauth2/service-account#authorizingrequests
 */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { z } from 'zod';
import type { ConnectorRuntime } from '../kit/contract.ts';
import { pathOf } from '../kit/escape.ts';
import type { DialectVerdict, VendorAnswer } from '../kit/http.ts';
import { askForToken } from '../kit/token-endpoint.ts';
import { createTokenSource, type IssuedToken, type TokenSource } from '../kit/token-source.ts';
import { createVendorClient, isConnectorError, type VendorClient } from '../kit/vendor-client.ts';
import { googleScopes, type GoogleWorkspaceConfig } from './config.ts';

const operation = 'signIn';
const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** Google takes no longer ones. */
const assertionLifetimeSeconds = 3600;

const KeyFile = z.object({
  client_email: z.string().min(1),
  private_key: z.string().min(1),
  private_key_id: z.string().optional(),
});
const TokenRefusal = z.object({ error: z.string().regex(/^[a-z_]{1,60}$/) });

export interface GoogleCredentials {
  tokens: TokenSource;
  /** Scopes that the delegation does not name. Google refuses a token for all of them where one is missing. */
  missingScopes(): Promise<string[]>;
}

export function createGoogleCredentials(runtime: ConnectorRuntime<GoogleWorkspaceConfig>): GoogleCredentials {
  const { config } = runtime;
  const client = createVendorClient(runtime, { baseUrl: config.tokenUrl }, { dialect: readTokenRefusal });
  const issueFor = (scopes: string[]) => issue(client, config, scopes, runtime.now());
  return {
    tokens: createTokenSource(
      () => issueFor(googleScopes),
      () => runtime.now(),
    ),
    async missingScopes() {
      const missing: string[] = [];
      for (const scope of googleScopes) {
        try {
          await issueFor([scope]);
        } catch (error) {
          if (!isNotDelegated(error)) throw error;
          missing.push(scope);
        }
      }
      return missing;
    },
  };
}

/** True where Google says that the service account may not act for these scopes. */
export function isNotDelegated(error: unknown): boolean {
  return isConnectorError(error, 'auth') && error.detail.vendorCode === 'unauthorized_client';
}

async function issue(
  client: VendorClient,
  config: GoogleWorkspaceConfig,
  scopes: string[],
  nowMs: number,
): Promise<IssuedToken> {
  const { email, key, keyId } = readKeyFile(client, config.serviceAccountKey);
  const nowSeconds = Math.floor(nowMs / 1000);
  const assertion = await new SignJWT({ scope: scopes.join(' ') })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', ...(keyId === undefined ? {} : { kid: keyId }) })
    .setIssuer(email)
    .setSubject(config.adminUser)
    .setAudience(`${new URL(config.tokenUrl).origin}/token`)
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + assertionLifetimeSeconds)
    .sign(key);
  return askForToken(client, { operation, path: () => pathOf('token'), form: { grant_type: grantType, assertion } });
}

function readKeyFile(client: VendorClient, text: string): { email: string; key: KeyObject; keyId: string | undefined } {
  try {
    const file = KeyFile.parse(JSON.parse(text));
    return { email: file.client_email, key: createPrivateKey(file.private_key), keyId: file.private_key_id };
  } catch {
    // What the parsers say may quote the key.
    throw client.fail('auth', operation, 'the key of the service account is not readable');
  }
}

/** The token service answers wrong credentials and missing delegation with 400 or 401. */
export function readTokenRefusal({ status, body }: VendorAnswer): DialectVerdict | null {
  const parsed = TokenRefusal.safeParse(body);
  if (!parsed.success || status >= 500 || status === 429) return null;
  return { code: 'auth', vendorCode: parsed.data.error };
}
