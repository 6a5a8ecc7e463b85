/** Sends messages by SMTP. Subjects and bodies hold personal data and codes: nothing of them is ever logged. */
import { createTransport } from 'nodemailer';
import { printableText } from '../domain/printable-text.ts';
import type { Message, Notifier } from './notifier.ts';

const SEND_TIMEOUT_MS = 10_000;
const CHECK_TIMEOUT_MS = 4_000;

/** `url` as `smtp://user:password@host:port` or `smtps://…`; `from` is the sender's address. */
export function createSmtpNotifier(url: string, from: string): Notifier {
  const transport = createTransport(url, { from });
  return {
    async send(message: Message): Promise<void> {
      if (message.to.length === 0) return;
      const sending = transport.sendMail({
        to: message.to,
        subject: oneLine(message.subject),
        text: message.text,
        ...(message.html === undefined ? {} : { html: message.html }),
        // Out-of-office replies and mailing lists leave such a mail alone.
        headers: { 'Auto-Submitted': 'auto-generated' },
      });
      await withTimeout(sending, SEND_TIMEOUT_MS);
    },
    check: () => withTimeout(transport.verify(), CHECK_TIMEOUT_MS),
  };
}

/** Header injection by a name with a line break ends here. */
function oneLine(text: string): string {
  return printableText(text.replace(/[\r\n\u2028\u2029]+/g, ' ')).slice(0, 200);
}

async function withTimeout(promise: Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new MailTimeoutError()), timeoutMs);
  });
  try {
    await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

class MailTimeoutError extends Error {
  readonly code = 'ETIMEDOUT';
  constructor() {
    super('the mail server did not answer in time');
  }
}

/** The code of a failed sending, and nothing that quotes an address: `ECONNECTION`, `EENVELOPE 550`, `unknown`. */
export function mailErrorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown';
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown };
  const name = typeof code === 'string' && /^[A-Z]{2,20}$/.test(code) ? code : 'unknown';
  return typeof responseCode === 'number' ? `${name} ${responseCode}` : name;
}
