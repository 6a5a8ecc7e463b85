/**
 * Okta's system log, as far as sign-ins go. Without `until` and in ascending order a query is a polling one: `since`
 * bounds the time at which an event was stored, and there always is a next page. With `until` the bounds are those of the
 * time at which it happened, and the last page has no next one.
 * https://developer.okta.com/docs/reference/system-log-query/
 */
import { randomUUID } from 'node:crypto';
import { compileFilter } from './filter.ts';
import type { SandboxContext, VendorKit } from './kit.ts';
import { oktaError, oktaRefusal } from './okta-http.ts';
import { invalid, type OktaLogEvent, type OktaState, type OktaUser } from './okta-state.ts';
import type { Store } from './store.ts';

const retentionMs = 90 * 86_400_000;
const maxEvents = 1000;

export function addLogRoutes({ app, now }: VendorKit, store: Store<OktaState>): void {
  app.get('/api/v1/logs', (c) => listEvents(c, store.data, now()));
}

/** Notes a sign-in; `published` is when it happened, now is when it is stored. */
export function recordSignIn(
  store: Store<OktaState>,
  user: OktaUser,
  { published, persisted }: { published: Date; persisted: Date },
): void {
  store.data.logEvents.push({
    uuid: randomUUID(),
    actorId: user.id,
    login: user.profile.login,
    published: published.toISOString(),
    persisted: persisted.toISOString(),
  });
}

function listEvents(c: SandboxContext, state: OktaState, now: Date): Response {
  const { since, until, after, filter, limit: asked = '100', sortOrder = 'ASCENDING' } = c.req.query();
  const limit = Number(asked);
  const sinceMs = since === undefined ? now.getTime() - 7 * 86_400_000 : Date.parse(since);
  if (!Number.isInteger(limit) || limit < 0 || limit > maxEvents || Number.isNaN(sinceMs)) {
    return oktaRefusal(c, invalid('limit', 'limit or since: not valid').refusal);
  }
  if (sinceMs < now.getTime() - retentionMs) {
    return oktaRefusal(c, invalid('since', 'since: must be within 90 days').refusal);
  }
  const isMatch = filter === undefined ? () => true : compileFilter(filter);
  if (isMatch === null) return oktaError(c, 400, 'E0000053', 'Invalid filter expression.');
  const isPolling = until === undefined && sortOrder === 'ASCENDING';
  const timeOf = (event: OktaLogEvent) => Date.parse(isPolling ? event.persisted : event.published);
  const untilMs = until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until);
  const events = state.logEvents
    .filter((event) => timeOf(event) >= sinceMs && timeOf(event) < untilMs)
    .filter((event) => isMatch(toView(event)))
    .sort((a, b) => timeOf(a) - timeOf(b));
  const start = Number(after ?? '0');
  const page = events.slice(start, start + limit);
  if (isPolling || start + page.length < events.length) {
    const next = new URL(c.req.url);
    next.searchParams.set('after', String(start + page.length));
    c.header('Link', `<${next.href}>; rel="next"`);
  }
  return c.json(page.map(toView));
}

function toView({ uuid, actorId, login, published }: OktaLogEvent): object {
  return {
    uuid,
    published,
    eventType: 'user.session.start',
    version: '0',
    severity: 'INFO',
    displayMessage: 'User login to Okta',
    actor: { id: actorId, type: 'User', alternateId: login, displayName: login },
    outcome: { result: 'SUCCESS' },
  };
}
