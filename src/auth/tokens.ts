/**
 * Access tokens: `ush_` and 32 random bytes, stored as a hash, each naming one person (or, for a service, nobody),
 * scoped, expiring and revocable. A service token never decides: a decision is a person's.
 */
import type { Db, Tx } from '../store/db.ts';
import { sha256Hex } from '../store/sha256.ts';
import { AppError } from '../domain/errors.ts';
import { allScopes, type Scope } from './scopes.ts';
import { findSession, readSessionCookie } from './login-links.ts';
import { hasDeparted } from './has-departed.ts';
import { newSecret } from './secret.ts';

export interface TokenInput {
  /** Null for a service: it has a label only. */
  personId: string | null;
  label: string;
  scopes: readonly Scope[];
  expiresAt: Date;
  now: Date;
}

export interface CreatedToken {
  /** Shown once, never stored. */
  token: string;
  /** Names the token from now on: for revoking it and for login links. */
  tokenHash: string;
}

/** Who makes a request. */
export interface Caller {
  personId: string | null;
  label: string;
  scopes: ReadonlySet<Scope>;
  /** `session`: by the cookie of a login link, good for reading only. */
  via: 'bearer' | 'session';
}

/**
 * Mints a token. Throws AppError `invalidInput` for no scopes, an expiry that has passed, `decide` or `erase` without a
 * person, and `internal` with one.
 */
export async function createToken(db: Db | Tx, input: TokenInput): Promise<CreatedToken> {
  checkInput(input);
  const token = newSecret('ush_', 32);
  const tokenHash = sha256Hex(token);
  await db
    .insertInto('access_token')
    .values({
      token_hash: tokenHash,
      person_id: input.personId,
      label: input.label,
      scopes: [...new Set(input.scopes)],
      created_at: input.now,
      expires_at: input.expiresAt,
    })
    .execute();
  return { token, tokenHash };
}

function checkInput(input: TokenInput): void {
  if (input.scopes.length === 0) throw new AppError('invalidInput', 'A token needs at least one scope.', 'scopes');
  if (input.expiresAt <= input.now) throw new AppError('invalidInput', 'A token expires in the future.', 'expiresAt');
  const isService = input.personId === null;
  if (isService && input.scopes.some((scope) => scope === 'decide' || scope === 'erase'))
    throw new AppError('invalidInput', 'A service never decides and never erases: name a person.', 'scopes');
  if (!isService && input.scopes.includes('internal'))
    throw new AppError('invalidInput', 'The scope internal is for services, not for people.', 'scopes');
}

export interface Credentials {
  /** The header `Authorization`. */
  authorization?: string | undefined;
  /** The header `Cookie`. */
  cookie?: string | undefined;
}

/**
 * The caller behind a bearer token, else behind a session cookie; null when neither is valid now. A bearer token that
 * is wrong is not made good by a cookie. Tokens of somebody who has left or was erased are not valid.
 */
export async function authenticate(db: Db, credentials: Credentials, now: Date): Promise<Caller | null> {
  if (credentials.authorization !== undefined) {
    const token = /^Bearer (ush_[A-Za-z0-9_-]{43})$/i.exec(credentials.authorization)?.[1];
    return token === undefined ? null : findCaller(db, sha256Hex(token), 'bearer', now);
  }
  const session = readSessionCookie(credentials.cookie);
  const tokenHash = session === null ? null : await findSession(db, session, now);
  return tokenHash === null ? null : findCaller(db, tokenHash, 'session', now);
}

async function findCaller(db: Db, tokenHash: string, via: Caller['via'], now: Date): Promise<Caller | null> {
  const row = await db
    .selectFrom('access_token as t')
    .select(['t.person_id', 't.label', 't.scopes'])
    .where('t.token_hash', '=', tokenHash)
    .where('t.revoked_at', 'is', null)
    .where('t.expires_at', '>', now)
    .executeTakeFirst();
  if (!row || (row.person_id !== null && (await hasDeparted(db, row.person_id)))) return null;
  const known = allScopes.filter((scope) => row.scopes.includes(scope));
  return { personId: row.person_id, label: row.label, scopes: new Set(known), via };
}

/** Ends a token and every session made from it, at once. Repeating it is harmless. */
export async function revokeToken(db: Db | Tx, tokenHash: string, now: Date): Promise<void> {
  await db
    .updateTable('access_token')
    .set({ revoked_at: now })
    .where('token_hash', '=', tokenHash)
    .where('revoked_at', 'is', null)
    .execute();
}

/** Ends every token of a person for good, for instance with their erasure. */
export async function revokeTokensOf(db: Db | Tx, personId: string, now: Date): Promise<void> {
  await db
    .updateTable('access_token')
    .set({ revoked_at: now })
    .where('person_id', '=', personId)
    .where('revoked_at', 'is', null)
    .execute();
}
