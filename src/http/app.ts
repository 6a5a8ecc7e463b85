/**
 * The HTTP surface of the server: limits and headers for every answer, one shape for every failure, and the routes, each
 * resource in its own file. Answers are never cached and never carry a stack trace.
 */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { ZodError } from 'zod';
import { AppError } from '../domain/errors.ts';
import type { App, AppContext, AppEnv, HttpDeps } from './app-types.ts';
import { invalidInput } from './input.ts';
import { observeRequests, routeOf } from './observe-requests.ts';
import { contentSecurityPolicy, messagePage } from './pages/layout.ts';
import { problemOf, problemResponse } from './problem.ts';
import { createRouter } from './router.ts';
import { approvalRoutes } from './routes/approvals.ts';
import { approvalPeopleRoutes } from './routes/approval-people.ts';
import { auditRoutes } from './routes/audit.ts';
import { baselineRoutes } from './routes/baseline.ts';
import { caseRoutes } from './routes/cases.ts';
import { allowTemporalUi, codecRoutes } from './routes/codec.ts';
import { decideRoutes } from './routes/decide.ts';
import { doctorRoutes } from './routes/doctor.ts';
import { healthRoutes } from './routes/health.ts';
import { holdRoutes } from './routes/holds.ts';
import { homeRoutes } from './routes/home.ts';
import { importRoutes } from './routes/import.ts';
import { incidentRoutes } from './routes/incidents.ts';
import { internalRoutes } from './routes/internal.ts';
import { loginRoutes } from './routes/login.ts';
import { meRoutes } from './routes/me.ts';
import { openApiRoutes } from './routes/openapi.ts';
import { personRoutes } from './routes/persons.ts';
import { accessRoutes } from './routes/access.ts';
import { policyRoutes } from './routes/policy.ts';
import { policyTrialRoutes } from './routes/policy-trials.ts';
import { policyVersionRoutes } from './routes/policy-versions.ts';
import { storyRoutes } from './routes/story.ts';
import { systemRoutes } from './routes/systems.ts';
import { taskRoutes } from './routes/tasks.ts';
import { webhookRoutes } from './routes/webhooks.ts';

const WEBHOOK_BYTES_MAX = 1024 * 1024;
const BODY_BYTES_MAX = 256 * 1024;
/** A list of 100,000 people is some 20 MB. */
const IMPORT_BYTES_MAX = 32 * 1024 * 1024;
const IMPORT_PATH = '/api/v1/import';
/** The Temporal UI sends the payloads of a whole page of events. */
const CODEC_BYTES_MAX = 4 * 1024 * 1024;

const routeFiles = [
  approvalRoutes,
  approvalPeopleRoutes,
  auditRoutes,
  baselineRoutes,
  caseRoutes,
  codecRoutes,
  decideRoutes,
  doctorRoutes,
  healthRoutes,
  holdRoutes,
  homeRoutes,
  importRoutes,
  incidentRoutes,
  internalRoutes,
  loginRoutes,
  meRoutes,
  openApiRoutes,
  personRoutes,
  accessRoutes,
  policyRoutes,
  policyTrialRoutes,
  policyVersionRoutes,
  storyRoutes,
  systemRoutes,
  taskRoutes,
  webhookRoutes,
];

/** Makes the application; the caller listens. */
export function createApp(deps: HttpDeps): App {
  const app: App = new Hono<AppEnv>();
  app.use(observeRequests(deps));
  const isHttps = deps.publicUrl.startsWith('https:');
  app.use(async (c, next) => {
    await next();
    setHeaders(c, isHttps);
  });
  app.use('/webhooks/*', limitBody(WEBHOOK_BYTES_MAX));
  app.use(IMPORT_PATH, limitBody(IMPORT_BYTES_MAX));
  const limitApi = limitBody(BODY_BYTES_MAX);
  app.use('/api/*', (c, next) => (c.req.path === IMPORT_PATH ? next() : limitApi(c, next)));
  app.use('/internal/*', limitBody(BODY_BYTES_MAX));
  app.use('/decide/*', limitBody(BODY_BYTES_MAX));
  app.use('/login/*', limitBody(BODY_BYTES_MAX));
  allowTemporalUi(app, deps);
  app.use('/codec/*', limitBody(CODEC_BYTES_MAX));
  const router = createRouter(app, deps);
  for (const addRoutes of routeFiles) addRoutes(router, deps);
  app.notFound((c) => failure(c, new AppError('notFound', 'There is no such address.')));
  app.onError((error, c) => failure(c, asAppError(error, c, deps)));
  return app;
}

function limitBody(maxSize: number) {
  const onError = (): Response => {
    const tooLarge = new AppError('invalidInput', `body: expected at most ${maxSize} bytes`, 'body');
    const response = problemResponse(tooLarge, 413);
    // The rest of the body is never read: a client that kept the connection would lose its next request on it.
    response.headers.set('connection', 'close');
    return response;
  };
  return bodyLimit({ maxSize, onError });
}

function setHeaders(c: AppContext, isHttps: boolean): void {
  const headers: Record<string, string> = {
    'content-security-policy': contentSecurityPolicy,
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
    ...(isHttps ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  };
  for (const [name, value] of Object.entries(headers)) c.res.headers.set(name, value);
}

/** What nobody expected is logged by name and message and shown as `internal`. */
function asAppError(error: unknown, c: AppContext, deps: HttpDeps): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof ZodError) return invalidInput(error, 'body');
  deps.log.error({ method: c.req.method, route: routeOf(c), err: error }, 'request failed');
  return new AppError('internal');
}

/** Programs get problem+json, readers of pages get a page. */
function failure(c: AppContext, error: AppError): Response | Promise<Response> {
  const isPage = c.req.path === '/' || /^\/(decide|login)(\/|$)/.test(c.req.path);
  if (!isPage) return problemResponse(error);
  const hint =
    error.code === 'unauthenticated'
      ? ['Open the login link that was printed when Usher started, or make a new one by starting it again.']
      : [error.message];
  const problem = problemOf(error);
  return c.html(messagePage(problem.title, hint), problem.status);
}
