/** What the sandbox company tells about itself: where it listens, and how it is given its webhook's receiver. */
import { join } from 'node:path';
import { z } from 'zod';
import { readObject } from './data-folder.ts';

/** The part of the sandbox's `addresses.json` that the starter uses. */
export const SandboxAddresses = z.object({
  /** Base URL of each vendor's API. */
  systems: z.record(z.string(), z.url()),
  /** Scheme, host and port of each vendor, below which the private endpoints are. */
  origins: z.record(z.string(), z.url()),
  mailbox: z.object({ url: z.url(), smtp: z.object({ host: z.string(), port: z.number().int() }) }),
  control: z.url(),
});
export type SandboxAddresses = z.infer<typeof SandboxAddresses>;

/** Reads the addresses that a running sandbox wrote. Throws when the file is not what was expected. */
export const readSandboxAddresses = (sandboxDir: string): SandboxAddresses =>
  SandboxAddresses.parse(readObject(join(sandboxDir, 'addresses.json')));

/** Where Usher sends its mail. */
export const smtpUrl = ({ mailbox }: SandboxAddresses): string => `smtp://${mailbox.smtp.host}:${mailbox.smtp.port}`;

const hris = 'bamboohr';

/** Tells the sandbox's HR system where to send its webhooks. Repeatable; events that it missed are found by polling. */
export async function registerWebhook({ origins }: SandboxAddresses, serverUrl: string): Promise<void> {
  const origin = origins[hris];
  if (origin === undefined) throw new Error(`the sandbox has no ${hris}`);
  const response = await fetch(new URL('/_sandbox/webhook', origin), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ url: `${serverUrl}/webhooks/${hris}` }),
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok) throw new Error(`the sandbox refused the webhook: ${response.status}`);
}

/** Lets the sandbox's first morning flow: joiners, leavers, and systems that are not well. */
export async function beginMorning({ control }: SandboxAddresses): Promise<void> {
  const response = await fetch(new URL('/_sandbox/morning', control), {
    method: 'POST',
    signal: AbortSignal.timeout(60_000),
  });
  if (!response.ok) throw new Error(`the sandbox refused its first morning: ${response.status}`);
}
