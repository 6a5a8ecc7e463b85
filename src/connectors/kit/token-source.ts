/**
 * Access tokens that a vendor issues for a while. One is fetched when the first call needs it and again shortly before it
 * ends. A refused token is forgotten: the call fails as `auth`, waits like an outage, and comes back with a new one.
 */

export interface IssuedToken {
  token: string;
  /** From the moment it was issued. */
  lifetimeSeconds: number;
}

export interface TokenSource {
  /** A token that is still valid. Calls that come at once share one request. */
  get(): Promise<string>;
  /** Forgets the token if it is still this one. */
  forget(token: string): void;
}

/** A token is renewed this long before its end, so that no call travels with one that ends under way. */
const marginMs = 60_000;

/** `issue` fetches one and throws ConnectorErrors; `now` is in milliseconds since the epoch. */
export function createTokenSource(issue: () => Promise<IssuedToken>, now: () => number): TokenSource {
  let held: { token: string; renewAtMs: number } | null = null;
  let underWay: Promise<string> | null = null;

  async function fetchToken(): Promise<string> {
    const askedAtMs = now();
    const { token, lifetimeSeconds } = await issue();
    const lifetimeMs = lifetimeSeconds * 1000;
    // Of a token that lives shorter than the margin, half its life is used.
    held = { token, renewAtMs: askedAtMs + Math.max(lifetimeMs - marginMs, lifetimeMs / 2) };
    return token;
  }

  return {
    get() {
      if (held !== null && now() < held.renewAtMs) return Promise.resolve(held.token);
      underWay ??= fetchToken().finally(() => {
        underWay = null;
      });
      return underWay;
    },
    forget(token) {
      if (held?.token === token) held = null;
    },
  };
}
