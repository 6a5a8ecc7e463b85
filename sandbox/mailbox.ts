/**
 * The mail box of the sandbox company: takes every mail over SMTP, keeps it, and shows it over HTTP (`GET /` for
 * people; `GET /messages`, `DELETE /messages`). It delivers nothing.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type AddressObject, simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import { z } from 'zod';
import { createVendorKit, type SandboxOptions, type SandboxServer, type VendorKit } from './kit.ts';
import { mailboxPage } from './mailbox-page.ts';
import { openStore } from './store.ts';

export const Message = z.strictObject({
  id: z.number().int(),
  receivedAt: z.string(),
  from: z.string(),
  /** Of the envelope: who really gets it. */
  to: z.array(z.string()),
  subject: z.string(),
  text: z.string(),
  html: z.string().nullable(),
  headers: z.record(z.string(), z.string()),
});
export type Message = z.infer<typeof Message>;

const MailboxState = z.strictObject({ nextId: z.number().int(), messages: z.array(Message) });
type MailboxState = z.infer<typeof MailboxState>;

/** `listen` opens the HTTP side; `listenSmtp` the other. `close` ends both. */
export interface Mailbox extends SandboxServer {
  /** Port 0 takes any free one; resolves with the port. Rejects when the port is taken. */
  listenSmtp(port?: number, host?: string): Promise<number>;
  /** The messages to an address, or all, oldest first. */
  messages(to?: string): Message[];
  /** The first message that fits, now or within `timeoutMs`; rejects after that. */
  waitFor(isMatch: (message: Message) => boolean, timeoutMs?: number): Promise<Message>;
}

const maxMessages = 2000;

export function createMailbox(options: SandboxOptions = {}): Mailbox {
  const seed = (): MailboxState => ({ nextId: 1, messages: [] });
  const store = openStore(MailboxState, options.state, seed, options.onChange);
  const messages = (to?: string): Message[] =>
    structuredClone(store.data.messages.filter((message) => to === undefined || message.to.includes(to.toLowerCase())));
  const kit = createVendorKit({
    store,
    options,
    refuse: (c, status) => c.json({ error: 'not available' }, status as 500),
    describe: () => ({ messages: messages() }),
  });
  addMessageRoutes(kit, messages, () => {
    store.data.messages = [];
  });
  const arrived = new EventTarget();
  let smtp: SMTPServer | null = null;
  const receive = async (raw: Buffer, envelopeTo: string[]): Promise<void> => {
    const message = await parseMessage(raw);
    const { data } = store;
    data.messages.push({ ...message, id: data.nextId++, receivedAt: kit.now().toISOString(), to: envelopeTo });
    data.messages = data.messages.slice(-maxMessages);
    store.changed();
    arrived.dispatchEvent(new Event('message'));
  };
  return {
    ...kit.server,
    messages,
    listenSmtp: async (port = 0, host = '127.0.0.1') => {
      const starting = createSmtp(receive);
      const bound = await startSmtp(starting, port, host);
      smtp = starting;
      return bound;
    },
    waitFor: async (isMatch, timeoutMs = 5000) => {
      const signal = AbortSignal.timeout(timeoutMs);
      for (;;) {
        const found = messages().find(isMatch);
        if (found !== undefined) return found;
        await nextMessage(arrived, signal);
      }
    },
    close: async () => {
      const closing = smtp;
      smtp = null;
      if (closing !== null) await new Promise<void>((resolve) => closing.close(() => resolve()));
      await kit.server.close();
    },
  };
}

function addMessageRoutes({ app }: VendorKit, messages: (to?: string) => Message[], clear: () => void): void {
  app.get('/', (c) => c.html(mailboxPage(messages())));
  app.get('/messages', (c) => c.json({ messages: messages(c.req.query('to')) }));
  app.delete('/messages', (c) => {
    clear();
    return c.body(null, 204);
  });
}

function nextMessage(arrived: EventTarget, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    arrived.addEventListener('message', () => resolve(), { once: true });
    signal.addEventListener('abort', () => reject(new Error('No such message arrived.')), { once: true });
    if (signal.aborted) reject(new Error('No such message arrived.'));
  });
}

function createSmtp(receive: (raw: Buffer, to: string[]) => Promise<void>): SMTPServer {
  return new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    size: 1024 * 1024,
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const to = session.envelope.rcptTo.map((recipient) => recipient.address.toLowerCase());
        void acknowledge(receive(Buffer.concat(chunks), to), done);
      });
    },
  });
}

/** Tells the sending side once the message is kept, or that it cannot be read. */
async function acknowledge(receiving: Promise<void>, done: (error?: Error) => void): Promise<void> {
  const isKept = await receiving.then(
    () => true,
    () => false,
  );
  if (isKept) done();
  else done(new Error('The message cannot be read.'));
}

async function startSmtp(smtp: SMTPServer, port: number, host: string): Promise<number> {
  const failed = once(smtp, 'error').then(([error]) => {
    throw error instanceof Error ? error : new Error('The mail box cannot listen.');
  });
  failed.catch(() => undefined);
  await Promise.race([failed, new Promise<void>((resolve) => smtp.listen(port, host, () => resolve()))]);
  // A client that hangs up in the middle must not end the process.
  smtp.on('error', () => undefined);
  const address: AddressInfo | string | null = smtp.server.address();
  if (address === null || typeof address === 'string') throw new Error('The mail box listens on no port.');
  return address.port;
}

async function parseMessage(raw: Buffer): Promise<Omit<Message, 'id' | 'receivedAt' | 'to'>> {
  const parsed = await simpleParser(raw);
  const from: AddressObject | undefined = parsed.from;
  const headers = parsed.headerLines.map(({ key, line }) => [key, line.slice(line.indexOf(':') + 1).trim()] as const);
  return {
    from: from?.value[0]?.address ?? '',
    subject: parsed.subject ?? '',
    text: parsed.text ?? '',
    html: typeof parsed.html === 'string' ? parsed.html : null,
    headers: Object.fromEntries(headers),
  };
}
