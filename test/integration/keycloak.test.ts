import { expect, test } from '@jest/globals';
import { keycloakServer } from './servers/keycloak.ts';
import { describeOn } from './support/describe-on.ts';

describeOn(keycloakServer, (running) => {
  test('the administrator of the test logs in', async () => {
    const { url, admin } = running();
    const body = new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', ...admin });
    const response = await fetch(`${url}/realms/master/protocol/openid-connect/token`, { method: 'POST', body });
    expect(response.status).toBe(200);
  });
});
