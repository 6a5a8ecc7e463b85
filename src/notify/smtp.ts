/** Sends messages by SMTP. Subjects and bodies hold personal data and codes: nothing of them is ever logged. */
import { createTransport } from 'nodemailer';
import type { Message, Notifier } from './notifier.ts';

const SEND_TIMEOUT_MS = 10_000;

/** `url` as `smtp://user:password@host:port` or `smtps://…`; `from` is the sender's address. */
export function createSmtpNotifier(url: string, from: string): Notifier {
  const transport = createTransport(url, { from });
  return {
    async send(message: Message): Promise<void> {
      if (message.to.length === 0) return;
      const sending = transport.sendMail({ to: message.to, subject: oneLine(message.subject), text: message.text });
      await withTimeout(sending, SEND_TIMEOUT_MS);
    },
  };
}

/** Header injection by a name with a line break ends here. */
function oneLine(text: string): string {
  return text.replace(/[\r\n\u2028\u2029]+/g, ' ').slice(0, 200);
}

async function withTimeout(promise: Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the mail server did not answer in time')), timeoutMs);
  });
  try {
    await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
