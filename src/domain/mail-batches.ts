/**
 * Which waiting mails go out as messages of their own, which as one digest, and which wait a little: a person who is
 * asked forty times in an hour reads one mail about forty things, not forty mails.
 */

export interface WaitingMail {
  recipient: string;
  /** Milliseconds since the epoch. */
  createdAtMs: number;
  /** When it is too late to tell; null when it never is. */
  expiresAtMs: number | null;
}

export interface MailLimits {
  /** So many messages of their own a person gets within the window; what is more comes as a digest. */
  digestAbove: number;
  windowMs: number;
  /** What belongs to one wave arrives within this time. */
  settleMs: number;
  /** Between two digests to one person. */
  digestEveryMs: number;
}

export const defaultMailLimits: MailLimits = {
  digestAbove: 10,
  windowMs: 3_600_000,
  settleMs: 60_000,
  digestEveryMs: 1_800_000,
};

/** A digest holds no more than this; the rest is the next one's. */
export const DIGEST_MAILS_MAX = 200;

export interface SentMessage {
  atMs: number;
  mails: number;
}

export interface MailBatch<Mail> {
  recipient: string;
  mails: Mail[];
}

/**
 * `sent` holds the messages of the window by recipient. Batches come in the order of their oldest mail; a mail that is
 * in no batch waits for the next look.
 */
export function mailBatches<Mail extends WaitingMail>(
  waiting: readonly Mail[],
  sent: ReadonlyMap<string, readonly SentMessage[]>,
  limits: MailLimits,
  nowMs: number,
): MailBatch<Mail>[] {
  const byRecipient = new Map<string, Mail[]>();
  for (const mail of waiting) byRecipient.set(mail.recipient, [...(byRecipient.get(mail.recipient) ?? []), mail]);
  return [...byRecipient].flatMap(([recipient, mails]) => {
    const before = (sent.get(recipient) ?? []).filter((message) => message.atMs > nowMs - limits.windowMs);
    if (before.length + mails.length <= limits.digestAbove) return mails.map((mail) => ({ recipient, mails: [mail] }));
    return isDigestDue(mails, before, limits, nowMs) ? [{ recipient, mails: mails.slice(0, DIGEST_MAILS_MAX) }] : [];
  });
}

function isDigestDue(
  mails: readonly WaitingMail[],
  before: readonly SentMessage[],
  limits: MailLimits,
  nowMs: number,
): boolean {
  const isPressing = mails.some(
    ({ expiresAtMs }) => expiresAtMs !== null && expiresAtMs - nowMs <= 2 * limits.digestEveryMs,
  );
  if (isPressing) return true;
  // Beyond the limit a single one that follows is a digest of one.
  const isFlooded = before.length >= limits.digestAbove;
  const oldestMs = Math.min(...mails.map((mail) => mail.createdAtMs));
  const lastDigestMs = Math.max(
    Number.NEGATIVE_INFINITY,
    ...before.filter(({ mails }) => mails > 1 || isFlooded).map((message) => message.atMs),
  );
  return nowMs - oldestMs >= limits.settleMs && nowMs - lastDigestMs >= limits.digestEveryMs;
}

const RETRY_FIRST_MS = 5_000;
const RETRY_MAX_MS = 300_000;

/** How long a mail waits after its so-manieth failure: 5 s, doubling, at most 5 minutes. */
export function mailRetryDelayMs(attempts: number): number {
  return Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(20, Math.max(0, attempts - 1)));
}
