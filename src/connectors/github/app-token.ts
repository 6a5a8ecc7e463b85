/**
 * Installation tokens of a GitHub App: a signed statement of ten minutes at most is exchanged for a token of one hour
 * that holds no more than what the installation was granted.
 */
import { createPrivateKey } from 'node:crypto';
import { SignJWT } from 'jose';
import { z } from 'zod';
import type { ConnectorRuntime } from '../kit/contract.ts';
import { ConnectorError } from '../kit/errors.ts';
import { pathOf } from '../kit/escape.ts';
import { createTokenSource, type TokenSource } from '../kit/token-source.ts';
import { createVendorClient } from '../kit/vendor-client.ts';

export interface GithubAppKey {
  appId: string;
  installationId: string;
  /** PEM, as GitHub hands it out (PKCS #1) or converted (PKCS #8). */
  privateKey: string;
}

const IssuedByGithub = z.object({ token: z.string().min(1), expires_at: z.iso.datetime({ offset: true }) });

/** Clocks differ: GitHub advises to date the statement one minute back. */
const backdateSeconds = 60;
const statementSeconds = 540;

/** Tokens for one installation. Throws `auth` where the key is none, without quoting it. */
export function createInstallationTokens(
  runtime: ConnectorRuntime<unknown>,
  baseUrl: string,
  key: GithubAppKey,
): TokenSource {
  const client = createVendorClient(runtime, { baseUrl, headers: { accept: 'application/vnd.github+json' } });
  const operation = 'token';

  async function sign(): Promise<string> {
    const nowSeconds = Math.floor(runtime.now() / 1000);
    try {
      return await new SignJWT({})
        .setProtectedHeader({ alg: 'RS256' })
        .setIssuer(key.appId)
        .setIssuedAt(nowSeconds - backdateSeconds)
        .setExpirationTime(nowSeconds + statementSeconds)
        .sign(createPrivateKey(key.privateKey));
    } catch {
      throw new ConnectorError('auth', 'the private key of the App cannot be read', {
        systemId: runtime.systemId,
        operation,
      });
    }
  }

  async function issue() {
    const path = () => pathOf('app', 'installations', key.installationId, 'access_tokens');
    const headers = { authorization: `Bearer ${await sign()}` };
    const call = { operation, method: 'POST' as const, isRead: true, path, headers, schema: IssuedByGithub };
    const { data } = await client.call(call, { operationKey: 'installationToken' });
    return { token: data.token, lifetimeSeconds: (Date.parse(data.expires_at) - runtime.now()) / 1000 };
  }

  return createTokenSource(issue, runtime.now);
}
