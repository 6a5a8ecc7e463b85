/**
 * Access tokens by the OAuth 2.0 client credentials grant (RFC 6749, section 4.4), for SCIM services that issue none by hand.
 */
import { z } from 'zod';
import type { ConnectorRuntime } from '../kit/contract.ts';
import type { VendorDialect } from '../kit/http.ts';
import { askForToken } from '../kit/token-endpoint.ts';
import { createTokenSource, type TokenSource } from '../kit/token-source.ts';
import { createVendorClient } from '../kit/vendor-client.ts';

export interface ClientCredentials {
  tokenUrl: string;
  clientId: string;
  clientSecret: string;
  /** How the client names itself: in the Authorization header, or in the body (RFC 6749, section 2.3.1). */
  clientAuth: 'basic' | 'body';
  scope?: string | undefined;
}

const TokenResponse = z.object({
  access_token: z.string().min(1),
  token_type: z.string().regex(/^bearer$/i),
  // Left out, its life is not known (section 5.1): it is then used for a short while.
  expires_in: z.coerce.number().positive().default(300),
});

/** Section 5.2: wrong credentials are a 400 or a 401, and heal like every refusal of credentials when they are mended. */
const dialect: VendorDialect = ({ status }) => (status === 400 || status === 401 ? { code: 'auth' } : null);

/** Tokens of one client. A wrong secret is `auth`. */
export function createClientCredentials(
  runtime: ConnectorRuntime<unknown>,
  { tokenUrl, clientId, clientSecret, clientAuth, scope }: ClientCredentials,
): TokenSource {
  const auth = { username: encodeURIComponent(clientId), password: encodeURIComponent(clientSecret) };
  const options = { baseUrl: tokenUrl, ...(clientAuth === 'basic' ? { auth } : {}) };
  const client = createVendorClient(runtime, options, { dialect });
  const form = {
    grant_type: 'client_credentials',
    ...(scope === undefined ? {} : { scope }),
    ...(clientAuth === 'body' ? { client_id: clientId, client_secret: clientSecret } : {}),
  };
  const request = { operation: 'fetchToken', path: () => '', form, schema: TokenResponse };
  return createTokenSource(
    () => askForToken(client, request),
    () => runtime.now(),
  );
}
