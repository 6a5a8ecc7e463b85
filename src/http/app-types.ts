/** What every route of the server is given. */
import type { Context, Hono } from 'hono';
import type { Checkpointer } from '../evidence/checkpoint.ts';
import type { Caller } from '../auth/tokens.ts';
import type { ServerDeps } from '../use-cases/server-deps.ts';

/** A payload of Temporal as bytes. */
export interface PayloadBytes {
  metadata?: Record<string, Uint8Array> | null;
  data?: Uint8Array | null;
}

export interface HttpDeps extends ServerDeps {
  /** The folder of keys and checkpoints, for `audit verify`. */
  keysDir: string;
  /** Signs what an export is proved against. */
  checkpointer: Checkpointer;
  /** The CLI profile of a person, where this installation keeps profiles of several people to try them out. */
  profileOf: (personId: string) => string | null;
  /** Counts answered webhooks for monitoring; `systemId` is of the policy. */
  countWebhook?: (systemId: string, outcome: 'accepted' | 'repeated' | 'refused') => void;
  /** Decrypts payloads; rejects when one does not open. What is not encrypted passes as it is. */
  openPayloads: (payloads: PayloadBytes[]) => Promise<PayloadBytes[]>;
}

export interface AppEnv {
  Variables: { requestId: string };
}

export type App = Hono<AppEnv>;
export type AppContext = Context<AppEnv>;

/** What a caller may see of things that are not their own. */
export interface Viewer {
  /** Cases, people and systems of everybody. */
  canSeeAll: boolean;
  /** Departures that have not taken effect. */
  canSeeDepartures: boolean;
}

export function viewerOf(caller: Caller): Viewer {
  const canSeeDepartures = caller.scopes.has('security');
  return {
    canSeeAll: canSeeDepartures || caller.scopes.has('operate') || caller.scopes.has('audit'),
    canSeeDepartures,
  };
}
