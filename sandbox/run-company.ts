/**
 * Runs the sandbox company from a data folder: secrets made once, states saved and found again, addresses kept over
 * restarts where the ports are still free.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import {
  type Company,
  type CompanySecrets,
  createCompany,
  type SandboxSystemId,
  systemIds,
} from './company-servers.ts';
import { createControl } from './control.ts';
import { createAutosave, hasCode, readJsonFile, writeJsonFile } from './json-file.ts';
import type { Listening } from './kit.ts';

/** `addresses.json`: where everything listens. */
export const Addresses = z.object({
  systems: z.record(z.enum(systemIds), z.string()),
  /** Origins of all HTTP servers, for the private endpoints. */
  origins: z.record(z.string(), z.string()),
  mailbox: z.object({ url: z.string(), smtp: z.object({ host: z.string(), port: z.number().int() }) }),
  control: z.string(),
});
export type Addresses = z.infer<typeof Addresses>;

const Token = z.object({ token: z.string() });
const SavedSecrets = z.object({
  bamboohr: z.object({ apiKey: z.string(), webhookKey: z.string() }),
  okta: Token,
  crm: Token,
  wiki: Token,
  warehouse: Token,
  servicenow: z.object({ username: z.string(), password: z.string() }),
});

export interface RunningCompany {
  company: Company;
  addresses: Addresses;
  /** Saves and closes everything. */
  stop(): Promise<void>;
}

export interface RunOptions {
  dataDir: string;
  /** The first port to try. */
  portBase: number;
  now?: () => Date;
}

const vendors: (keyof Company)[] = [...systemIds, 'mailbox'];
const host = '127.0.0.1';
const portsToTry = 200;

/** Resolves when every server listens and the files are written. */
export async function runCompany({ dataDir, portBase, now }: RunOptions): Promise<RunningCompany> {
  const secrets = await readOrMakeSecrets(join(dataDir, 'secrets.json'));
  const states: Partial<Record<keyof Company, unknown>> = {};
  for (const vendor of vendors) states[vendor] = await readJsonFile(stateFile(dataDir, vendor));
  const autosaves = new Map<keyof Company, ReturnType<typeof createAutosave>>();
  const company = createCompany({
    secrets,
    states,
    onChange: (vendor) => autosaves.get(vendor)?.touch(),
    ...(now === undefined ? {} : { now }),
  });
  for (const vendor of vendors) {
    autosaves.set(
      vendor,
      createAutosave(stateFile(dataDir, vendor), () => company[vendor].exportState()),
    );
  }
  const previous = Addresses.safeParse(await readJsonFile(join(dataDir, 'addresses.json'))).data ?? null;
  const { addresses, closeControl } = await listenAll(company, previous, portBase);
  await writeJsonFile(join(dataDir, 'addresses.json'), addresses);
  await writeJsonFile(join(dataDir, 'secrets.json'), withUrls(secrets, addresses.systems));
  await Promise.all([...autosaves.values()].map((autosave) => autosave.flush()));
  return {
    company,
    addresses,
    stop: async () => {
      await closeControl();
      await Promise.all(vendors.map((vendor) => company[vendor].close()));
      await Promise.all([...autosaves.values()].map((autosave) => autosave.flush()));
    },
  };
}

function stateFile(dataDir: string, vendor: keyof Company): string {
  return join(dataDir, 'state', `${vendor}.json`);
}

async function readOrMakeSecrets(path: string): Promise<CompanySecrets> {
  const saved = await readJsonFile(path);
  if (saved !== undefined) return SavedSecrets.parse(saved);
  const secret = (): string => randomBytes(24).toString('base64url');
  return {
    bamboohr: { apiKey: secret(), webhookKey: secret() },
    okta: { token: secret() },
    crm: { token: secret() },
    wiki: { token: secret() },
    warehouse: { token: secret() },
    servicenow: { username: 'usher', password: secret() },
  };
}

/** The shape of `secrets.json`: `{ "<system>": { "url": …, "token": … } }`. */
function withUrls(secrets: CompanySecrets, urls: Record<SandboxSystemId, string>): object {
  return Object.fromEntries(systemIds.map((id) => [id, { url: urls[id], ...secrets[id] }]));
}

async function listenAll(
  company: Company,
  previous: Addresses | null,
  portBase: number,
): Promise<{ addresses: Addresses; closeControl(): Promise<void> }> {
  const ports = createPortPicker(portBase);
  const urls = new Map<SandboxSystemId, string>();
  const origins: Record<string, string> = {};
  for (const id of systemIds) {
    const listening = await ports.listen(portOf(previous?.origins[id]), (port) => company[id].listen(port, host));
    urls.set(id, listening.url);
    origins[id] = listening.origin;
  }
  const smtpPort = await ports.listen(previous?.mailbox.smtp.port ?? null, (port) =>
    company.mailbox.listenSmtp(port, host),
  );
  const mailbox = await ports.listen(portOf(previous?.mailbox.url), (port) => company.mailbox.listen(port, host));
  origins['mailbox'] = mailbox.origin;
  let addresses: Addresses | null = null;
  const control = createControl(company, () => addresses);
  const controlling = await ports.listen(portOf(previous?.control), (port) => control.listen(port, host));
  addresses = Addresses.parse({
    systems: Object.fromEntries(urls),
    origins,
    mailbox: { url: mailbox.url, smtp: { host, port: smtpPort } },
    control: controlling.url,
  });
  return { addresses, closeControl: () => control.close() };
}

function portOf(url: string | undefined): number | null {
  return url === undefined ? null : Number(new URL(url).port);
}

/** Hands out the previous port of a server where it is free, else the next free one. */
function createPortPicker(base: number): {
  listen<T extends Listening | number>(previous: number | null, start: (port: number) => Promise<T>): Promise<T>;
} {
  let next = base;
  return {
    async listen(previous, start) {
      if (previous !== null) {
        try {
          return await start(previous);
        } catch (error) {
          if (!hasCode(error, 'EADDRINUSE')) throw error;
        }
      }
      for (const last = base + portsToTry; next < last;) {
        try {
          return await start(next++);
        } catch (error) {
          if (!hasCode(error, 'EADDRINUSE')) throw error;
        }
      }
      throw new Error(`No port is free from ${base} on.`);
    },
  };
}
