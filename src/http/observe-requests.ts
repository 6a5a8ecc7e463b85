/**
 * Gives each request an id that its log lines and its answer carry, and a span. Patterns of routes are logged, never paths:
 * a path may name a person or hold a secret.
 */
import { SpanKind } from '@opentelemetry/api';
import type { MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import { withOwnLogContext } from '../observe/log-context.ts';
import { inSpan } from '../observe/tracing.ts';
import { uuidV7 } from '../store/uuid.ts';
import type { AppContext, AppEnv, HttpDeps } from './app-types.ts';

/** For `app.use`, before everything else. */
export function observeRequests(deps: HttpDeps): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const requestId = uuidV7(deps.now());
    c.set('requestId', requestId);
    const startedAtMs = performance.now();
    const { method, path } = c.req;
    // Only our own worker continues a trace; what a stranger sends begins one of its own.
    const parent = path.startsWith('/internal/') ? (c.req.header('traceparent') ?? null) : null;
    const attributes = { 'http.request.method': method, 'usher.request_id': requestId };
    await withOwnLogContext({ requestId }, () =>
      inSpan(`${method} ${roomOf(path)}`, { attributes, kind: SpanKind.SERVER, parent }, async (span) => {
        await next();
        const { status } = c.res;
        const route = routeOf(c);
        span.setAttribute('http.route', route);
        span.setAttribute('http.response.status_code', status);
        const durationMs = Math.round(performance.now() - startedAtMs);
        deps.log.debug({ method, route, status, durationMs }, 'request answered');
      }),
    );
    c.res.headers.set('x-request-id', requestId);
  };
}

/** The pattern of the route that answered. */
export function routeOf(c: AppContext): string {
  const routes = matchedRoutes(c).map((route) => route.path);
  return routes.findLast((path) => !path.endsWith('*')) ?? 'unknown';
}

const rooms = ['webhooks', 'internal', 'api', 'decide', 'login', 'codec', 'healthz', 'readyz'];

function roomOf(path: string): string {
  const first = path.split('/')[1] ?? '';
  return rooms.includes(first) ? `/${first}` : '/';
}
