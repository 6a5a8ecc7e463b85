/**
 * A connection that listens for notifications of the database. It is made again when it breaks; what was missed meanwhile
 * is for the listener's own rhythm to find.
 */
import pg from 'pg';
import type { Logger } from '../telemetry.ts';

const RECONNECT_AFTER_MS = 2_000;

export interface ListenerOptions {
  databaseUrl: string;
  channel: string;
  /** Gets the payload; '' where there is none. */
  onNotification: (payload: string) => void;
  log: Logger;
}

export class Listener {
  readonly #options: ListenerOptions;
  #client: pg.Client | null = null;
  #connecting: Promise<void>;
  #retry: NodeJS.Timeout | null = null;
  #isStopped = false;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#connecting = this.#connect();
  }

  /** Resolves when no connection is left. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#retry) clearTimeout(this.#retry);
    await this.#connecting;
    await this.#client?.end().catch(() => undefined);
  }

  async #connect(): Promise<void> {
    const { databaseUrl, channel, onNotification, log } = this.#options;
    const client = new pg.Client({ connectionString: databaseUrl });
    client.on('notification', ({ payload }) => onNotification(payload ?? ''));
    client.on('error', () => this.#reconnectSoon(client));
    try {
      await client.connect();
      await client.query(`listen ${client.escapeIdentifier(channel)}`);
      this.#client = client;
    } catch (error) {
      log.warn({ err: error }, 'cannot listen for notifications');
      await client.end().catch(() => undefined);
      this.#reconnectSoon(client);
    }
  }

  #reconnectSoon(broken: pg.Client): void {
    if (this.#client === broken) this.#client = null;
    if (this.#isStopped || this.#retry) return;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#connecting = this.#connect();
    }, RECONNECT_AFTER_MS);
  }
}
