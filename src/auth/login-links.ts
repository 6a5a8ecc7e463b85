/**
 * One-time login links for the page `/`. A link becomes a session when its button is pressed: the row's hash is
 * replaced by that of a fresh cookie value, so that the address in a browser's history opens nothing. A session is never
 * more than the token behind it: it ends with it, and it is good for reading only.
 */
import type { Db, Tx } from '../store/db.ts';
import { sha256Hex } from '../store/sha256.ts';
import { newSecret } from './secret.ts';

const COOKIE_NAME = 'usher_session';
const SESSION_SECONDS = 12 * 3600;

export interface LoginLinkInput {
  tokenHash: string;
  expiresAt: Date;
}

/** Makes a link for a token; answers the secret of the page `/login/<secret>`. */
export async function createLoginLink(db: Db | Tx, input: LoginLinkInput): Promise<string> {
  const secret = newSecret('', 32);
  await db
    .insertInto('login_link')
    .values({ secret_hash: sha256Hex(secret), token_hash: input.tokenHash, expires_at: input.expiresAt })
    .execute();
  return secret;
}

/** True while the link can still be used. Changes nothing. */
export async function isLoginLinkLive(db: Db, secret: string, now: Date): Promise<boolean> {
  const row = await db
    .selectFrom('login_link')
    .select('secret_hash')
    .where('secret_hash', '=', sha256Hex(secret))
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  return row !== undefined;
}

/** Uses the link up; answers the header `Set-Cookie` of the session, or null when the link is unknown, used or expired. */
export async function redeemLoginLink(
  db: Db,
  secret: string,
  options: { now: Date; isHttps: boolean },
): Promise<string | null> {
  const session = newSecret('', 32);
  const row = await db
    .updateTable('login_link')
    .set({
      secret_hash: sha256Hex(session),
      used_at: options.now,
      expires_at: new Date(options.now.getTime() + SESSION_SECONDS * 1000),
    })
    .where('secret_hash', '=', sha256Hex(secret))
    .where('used_at', 'is', null)
    .where('expires_at', '>', options.now)
    .returning('token_hash')
    .executeTakeFirst();
  if (!row) return null;
  const secure = options.isHttps ? '; Secure' : '';
  return `${COOKIE_NAME}=${session}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${SESSION_SECONDS}${secure}`;
}

/** The hash of the token behind a live session, or null. */
export async function findSession(db: Db, session: string, now: Date): Promise<string | null> {
  const row = await db
    .selectFrom('login_link')
    .select('token_hash')
    .where('secret_hash', '=', sha256Hex(session))
    .where('used_at', 'is not', null)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  return row?.token_hash ?? null;
}

/** The session value in a header `Cookie`, or null. */
export function readSessionCookie(header: string | undefined): string | null {
  return header?.match(/(?:^|;\s*)usher_session=([A-Za-z0-9_-]{43})(?:;|$)/)?.[1] ?? null;
}
