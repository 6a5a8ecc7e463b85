/**
 * Registers routes from the one table of endpoints and guards them by it. There is no other way to add a route, so that
 * none can be open by oversight.
 */
import { endpoints, isOpenTo, type Endpoint, type Scope } from '../auth/scopes.ts';
import { authenticate, type Caller } from '../auth/tokens.ts';
import { AppError } from '../domain/errors.ts';
import type { App, AppContext, HttpDeps } from './app-types.ts';

type GuardedEndpoint = {
  [E in Endpoint]: (typeof endpoints)[E] extends readonly Scope[] ? E : never;
}[Endpoint];
type OpenEndpoint = Exclude<Endpoint, GuardedEndpoint>;
/** Endpoints that change nothing although they are asked by POST. */
const readsByPost: ReadonlySet<Endpoint> = new Set<Endpoint>([
  'POST /codec/decode',
  'POST /api/v1/policy/diff',
  'POST /api/v1/policy/simulate',
]);

type Answer = Response | Promise<Response>;

export interface Router {
  /** For endpoints whose proof is not a token; the handler checks it. */
  open(endpoint: OpenEndpoint, handler: (c: AppContext) => Answer): void;
  /** For endpoints that need a scope; the handler gets who asks. */
  guarded(endpoint: GuardedEndpoint, handler: (c: AppContext, caller: Caller) => Answer): void;
}

export function createRouter(app: App, deps: HttpDeps): Router {
  const register = (endpoint: Endpoint, handler: (c: AppContext) => Answer): void => {
    const [method, path] = endpoint.split(' ') as [string, string];
    app.on(method, path, handler);
  };
  return {
    open: register,
    guarded(endpoint, handler) {
      register(endpoint, async (c) => handler(c, await admit(c, deps, endpoint)));
    },
  };
}

/** Throws AppError `unauthenticated` or `forbidden`. */
async function admit(c: AppContext, deps: HttpDeps, endpoint: GuardedEndpoint): Promise<Caller> {
  const credentials = { authorization: c.req.header('authorization'), cookie: c.req.header('cookie') };
  const caller = await authenticate(deps.db, credentials, deps.now());
  if (!caller) throw new AppError('unauthenticated');
  // A cookie travels with requests that another site makes, a bearer token does not.
  const isReading = c.req.method === 'GET' || c.req.method === 'HEAD' || readsByPost.has(endpoint);
  if (caller.via === 'session' && !isReading)
    throw new AppError('forbidden', 'A session from a login link only reads. Use a token for this.');
  const need: readonly Scope[] = endpoints[endpoint];
  if (!isOpenTo(need, caller.scopes))
    throw new AppError('forbidden', `This needs one of the scopes ${need.join(', ')}; the token has none of them.`);
  return caller;
}

/** The person behind a call that only a person may make. Throws AppError `forbidden` for a service token. */
export function personOf(caller: Caller): string {
  if (caller.personId === null) throw new AppError('forbidden', 'A service token names no person; use your own token.');
  return caller.personId;
}
