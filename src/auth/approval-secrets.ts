/**
 * One-time proofs of an approver: the secret of the page `/decide/<secret>` and the two codes (one for approve, one for
 * deny) that a signal from the Temporal UI brings. Stored hashed; the plain text exists in the mail only.
 *
 * The live set of an approver is the one with the latest expiry, and minting makes the expiry of a new set later than
 * all before. So minting only ever inserts, and an old secret can still tell its holder that a newer one exists.
 */
import { sql } from 'kysely';
import type { Db, Tx } from '../store/db.ts';
import { sha256Hex } from '../store/sha256.ts';
import { hasDeparted } from './has-departed.ts';
import { newSecret } from './secret.ts';

/** First key of the advisory lock; must differ from those in `lockClass`. */
const MINT_LOCK = 20;

export interface ApprovalSecrets {
  /** Secret of the page: the mail links to `<public URL>/decide/<link>`. */
  link: string;
  approveCode: string;
  denyCode: string;
}

export interface MintInput {
  approvalId: string;
  approverId: string;
  expiresAt: Date;
  now: Date;
}

/**
 * Makes a set for one approver of one approval; every older set of theirs stops working. `expiresAt` is met to the
 * millisecond unless an older set was to live longer: then the new one lives one millisecond longer than that. Throws a
 * RangeError when `expiresAt` has passed.
 */
export async function mintApprovalSecrets(db: Db | Tx, input: MintInput): Promise<ApprovalSecrets> {
  if (input.expiresAt <= input.now) throw new RangeError('an approval secret must expire in the future');
  const secrets = { link: newSecret('', 32), approveCode: newSecret('', 16), denyCode: newSecret('', 16) };
  const insert = async (tx: Db | Tx): Promise<void> => {
    const key = `${input.approvalId} ${input.approverId}`;
    // Otherwise two attempts of one activity could mint two sets with the same expiry, both alive.
    await sql`select pg_advisory_xact_lock(${MINT_LOCK}::int, hashtext(${key}))`.execute(tx);
    const latest = await latestExpiry(tx, input);
    const expiresAt = new Date(Math.max(input.expiresAt.getTime(), latest === null ? 0 : latest.getTime() + 1));
    const row = { approval_id: input.approvalId, approver_id: input.approverId, expires_at: expiresAt };
    await tx
      .insertInto('approval_secret')
      .values([
        { ...row, secret_hash: sha256Hex(secrets.link), kind: 'link' },
        { ...row, secret_hash: sha256Hex(secrets.approveCode), kind: 'approve' },
        { ...row, secret_hash: sha256Hex(secrets.denyCode), kind: 'deny' },
      ])
      .execute();
  };
  await (db.isTransaction ? insert(db) : db.transaction().execute(insert));
  return secrets;
}

export interface FoundSecret {
  approvalId: string;
  approverId: string;
  expiresAt: Date;
  /**
   * `replaced`: a newer set was minted. `departed`: the approver has left and is told nothing. Only `live` may decide;
   * the others may explain themselves to their holder.
   */
  status: 'live' | 'used' | 'expired' | 'replaced' | 'departed';
}

/** Finds the secret of a page; null for one that was never minted. Codes are never found this way. Changes nothing. */
export async function findSecret(db: Db | Tx, secret: string, now: Date): Promise<FoundSecret | null> {
  const row = await db
    .selectFrom('approval_secret')
    .selectAll()
    .where('secret_hash', '=', sha256Hex(secret))
    .where('kind', '=', 'link')
    .executeTakeFirst();
  if (!row) return null;
  const latest = await latestExpiry(db, { approvalId: row.approval_id, approverId: row.approver_id });
  const found = { approvalId: row.approval_id, approverId: row.approver_id, expiresAt: row.expires_at };
  if (await hasDeparted(db, row.approver_id)) return { ...found, status: 'departed' };
  if (row.used_at) return { ...found, status: 'used' };
  if (latest && latest > row.expires_at) return { ...found, status: 'replaced' };
  return { ...found, status: row.expires_at <= now ? 'expired' : 'live' };
}

/** Takes the secret of a page for one decision: true for exactly one caller, and only while the secret is live. */
export async function claimSecret(db: Db | Tx, secret: string, now: Date): Promise<boolean> {
  if ((await findSecret(db, secret, now))?.status !== 'live') return false;
  const result = await db
    .updateTable('approval_secret')
    .set({ used_at: now })
    .where('secret_hash', '=', sha256Hex(secret))
    .where('used_at', 'is', null)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Gives a claimed secret back because the decision was not taken after all. */
export async function releaseSecret(db: Db | Tx, secret: string): Promise<void> {
  await db
    .updateTable('approval_secret')
    .set({ used_at: null })
    .where('secret_hash', '=', sha256Hex(secret))
    .where('kind', '=', 'link')
    .execute();
}

export interface CodeInput {
  approvalId: string;
  approverId: string;
  code: string;
  now: Date;
}

/**
 * Checks a code of this approver for this approval and uses it up; null when it is unknown, of somebody else, used,
 * expired or replaced, and when the approver has left. The secret of a page is no code.
 */
export async function consumeCode(tx: Tx, input: CodeInput): Promise<'approve' | 'deny' | null> {
  const latest = await latestExpiry(tx, input);
  if (!latest || (await hasDeparted(tx, input.approverId))) return null;
  const row = await tx
    .updateTable('approval_secret')
    .set({ used_at: input.now })
    .where('secret_hash', '=', sha256Hex(input.code))
    .where('approval_id', '=', input.approvalId)
    .where('approver_id', '=', input.approverId)
    .where('kind', 'in', ['approve', 'deny'])
    .where('used_at', 'is', null)
    .where('expires_at', '>', input.now)
    .where('expires_at', '=', latest)
    .returning('kind')
    .executeTakeFirst();
  return row === undefined || row.kind === 'link' ? null : row.kind;
}

async function latestExpiry(db: Db | Tx, of: { approvalId: string; approverId: string }): Promise<Date | null> {
  const row = await db
    .selectFrom('approval_secret')
    .select((eb) => eb.fn.max('expires_at').as('latest'))
    .where('approval_id', '=', of.approvalId)
    .where('approver_id', '=', of.approverId)
    .executeTakeFirst();
  return row?.latest ?? null;
}
