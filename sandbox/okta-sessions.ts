/**
 * Okta's sessions, and what clients hold in a user's name: refresh tokens and consents. Revoking the sessions leaves the
 * consents, and the tokens unless it is told otherwise.
 */
import type { VendorKit } from './kit.ts';
import { oktaNotFound } from './okta-http.ts';
import type { OktaState } from './okta-state.ts';
import { findUser } from './okta-users.ts';
import type { Store } from './store.ts';

export function addSessionRoutes({ app }: VendorKit, store: Store<OktaState>): void {
  const path = '/api/v1/users/:id';
  const ofUser = (id: string) => findUser(store, id);
  app.delete(`${path}/sessions`, (c) => {
    const user = ofUser(c.req.param('id'));
    if (user === undefined) return oktaNotFound(c, c.req.param('id'), 'User');
    const alsoTokens = c.req.query('oauthTokens') === 'true';
    store.data.sessions = store.data.sessions.filter(
      ({ userId, kind }) => userId !== user.id || (kind === 'oauth' && !alsoTokens),
    );
    return c.body(null, 204);
  });
  app.get(`${path}/clients`, (c) => {
    const user = ofUser(c.req.param('id'));
    if (user === undefined) return oktaNotFound(c, c.req.param('id'), 'User');
    const held = store.data.clientGrants.filter(({ userId }) => userId === user.id);
    const ids = [...new Set(held.map(({ clientId }) => clientId))];
    return c.json(ids.map((clientId) => ({ client_id: clientId, client_name: clientId })));
  });
  app.delete(`${path}/clients/:client/tokens`, (c) => {
    const user = ofUser(c.req.param('id'));
    if (user === undefined) return oktaNotFound(c, c.req.param('id'), 'User');
    remove(store, user.id, ({ kind, clientId }) => kind === 'refreshToken' && clientId === c.req.param('client'));
    return c.body(null, 204);
  });
  app.delete(`${path}/grants`, (c) => {
    const user = ofUser(c.req.param('id'));
    if (user === undefined) return oktaNotFound(c, c.req.param('id'), 'User');
    remove(store, user.id, ({ kind }) => kind === 'consent');
    return c.body(null, 204);
  });
}

type Grant = OktaState['clientGrants'][number];

function remove(store: Store<OktaState>, userId: string, isGone: (grant: Grant) => boolean): void {
  store.data.clientGrants = store.data.clientGrants.filter((grant) => grant.userId !== userId || !isGone(grant));
}
