/** The token endpoint of OAuth 2 (RFC 6749), as every vendor has it: a form is posted, a token with its life comes back. */
import { z } from 'zod';
import type { IssuedToken } from './token-source.ts';
import type { VendorClient } from './vendor-client.ts';

export const TokenAnswer = z.object({ access_token: z.string().min(1), expires_in: z.number().positive() });

export interface TokenRequest {
  /** Stable name of the operation, for errors and tickets. */
  operation: string;
  path: () => string;
  /** The grant, the client and its proof. */
  form: Record<string, string>;
  /** Default: {@link TokenAnswer}. */
  schema?: z.ZodType<z.infer<typeof TokenAnswer>>;
}

/** A token that got lost on the way changed nothing: whatever goes wrong, no outcome is unknown. Throws ConnectorErrors. */
export async function askForToken(
  client: VendorClient,
  { operation, path, form, schema = TokenAnswer }: TokenRequest,
): Promise<IssuedToken> {
  const body = new URLSearchParams(form).toString();
  const contentType = 'application/x-www-form-urlencoded';
  const call = { operation, method: 'POST' as const, isRead: true, path, body, contentType, schema };
  const { data } = await client.call(call, { operationKey: operation });
  return { token: data.access_token, lifetimeSeconds: data.expires_in };
}
