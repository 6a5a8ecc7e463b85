/**
 * Okta's tokens for applications: client credentials with an assertion that the application signs (private_key_jwt), and
 * scopes that every call is held against. All of the scopes or none: one that was not granted refuses the rest as well.
 * https://developer.okta.com/docs/guides/implement-oauth-for-okta-serviceapp/main/
 */
import { randomBytes } from 'node:crypto';
import { importJWK, type JWK, jwtVerify } from 'jose';
import type { SandboxContext, VendorKit } from './kit.ts';

export interface OktaApplication {
  clientId: string;
  publicKey: JWK;
  /** What an administrator granted. */
  scopes: string[];
}

export interface OktaOAuth {
  /** What a bearer token may do: `ok`, or why not. */
  judge(c: SandboxContext, token: string): 'ok' | 'unknownToken' | 'missingScope';
}

const lifetimeSeconds = 3600;
const tokenPath = '/oauth2/v1/token';

export function addOktaOAuth({ app, now }: VendorKit, application: OktaApplication | undefined): OktaOAuth {
  const tokens = new Map<string, { scopes: string[]; endsAtMs: number }>();
  const usedIds = new Set<string>();
  const refuse = (c: SandboxContext, error: string, text: string, status: 400 | 401 = 400) =>
    c.json({ error, error_description: text }, status);
  app.post(tokenPath, async (c) => {
    const form = new URLSearchParams(await c.req.text());
    if (form.get('grant_type') !== 'client_credentials') return refuse(c, 'unsupported_grant_type', 'Not offered.');
    const audience = `${new URL(c.req.url).origin}${tokenPath}`;
    const id = await verify(form.get('client_assertion') ?? '', { application, audience, now: now() });
    if (application === undefined || id === null || usedIds.has(id)) {
      return refuse(c, 'invalid_client', 'The client_assertion token is not valid.', 401);
    }
    usedIds.add(id);
    const scopes = (form.get('scope') ?? '').split(' ').filter((scope) => scope !== '');
    if (scopes.length === 0 || scopes.some((scope) => !application.scopes.includes(scope))) {
      return refuse(c, 'invalid_scope', 'One or more scopes are not configured for the authorization server resource.');
    }
    const token = randomBytes(24).toString('base64url');
    tokens.set(token, { scopes, endsAtMs: now().getTime() + lifetimeSeconds * 1000 });
    return c.json({ token_type: 'Bearer', expires_in: lifetimeSeconds, access_token: token, scope: scopes.join(' ') });
  });
  return {
    judge(c, token) {
      const held = tokens.get(token);
      if (held === undefined || held.endsAtMs <= now().getTime()) return 'unknownToken';
      const enough = scopesFor(c);
      if (enough.some((scope) => held.scopes.includes(scope))) return 'ok';
      const error =
        'error="insufficient_scope", error_description="The access token provided does not contain the required scopes."';
      c.header('WWW-Authenticate', `Bearer scope="${enough.join(' ')}", ${error}, resource="${c.req.path}"`);
      return 'missingScope';
    },
  };
}

/** Any of them lets the call pass. */
function scopesFor(c: SandboxContext): string[] {
  const [, , , resource = ''] = c.req.path.split('/');
  const isRead = c.req.method === 'GET';
  if (resource === 'logs') return ['okta.logs.read'];
  if (resource === 'iam' || /\/roles(?:\/|$)/.test(c.req.path)) {
    return isRead ? ['okta.roles.read', 'okta.roles.manage'] : ['okta.roles.manage'];
  }
  return isRead ? [`okta.${resource}.read`, `okta.${resource}.manage`] : [`okta.${resource}.manage`];
}

/** The assertion's id, or null where it is not valid. */
async function verify(
  assertion: string,
  { application, audience, now }: { application: OktaApplication | undefined; audience: string; now: Date },
): Promise<string | null> {
  if (application === undefined) return null;
  const { clientId, publicKey } = application;
  try {
    const { payload } = await jwtVerify(assertion, await importJWK(publicKey, publicKey.alg ?? 'RS256'), {
      issuer: clientId,
      subject: clientId,
      audience,
      currentDate: now,
      requiredClaims: ['exp', 'iat', 'jti'],
    });
    const livesSeconds = (payload.exp ?? 0) - (payload.iat ?? 0);
    return livesSeconds > 3600 ? null : (payload.jti ?? null);
  } catch {
    return null;
  }
}
