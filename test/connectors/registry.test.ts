import { expect, test } from '@jest/globals';
import type { ConnectorDefinition } from '../../src/connectors/kit/contract.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { allManifests, connectorById } from '../../src/connectors/registry.ts';
import { clockMs, ctx } from '../conformance/harness.ts';

const directory = {
  url: 'ldaps://a.example',
  bindDn: 'CN=usher,DC=a,DC=example',
  password: 'p',
  baseDn: 'DC=a,DC=example',
  accountBaseDn: 'OU=People,DC=a,DC=example',
};
const configs: Record<string, Record<string, unknown>> = {
  'active-directory': directory,
  'aws-iam': { awsAccountId: '111122223333', accessKeyId: 'AKIA567890123456', secretAccessKey: 's' },
  'aws-identity-center': {
    region: 'eu-central-1',
    instanceArn: 'arn:aws:sso:::instance/ssoins-1234567890abcdef',
    identityStoreId: 'd-1234567890',
    accessKeyId: 'AKIA567890123456',
    secretAccessKey: 's',
    scimUrl: 'https://a.example/scim/v2',
    scimToken: 't',
  },
  bamboohr: { url: 'https://a.example', apiKey: 'k', webhookKey: 'w' },
  entra: { tenantId: 't', clientId: '00000000-0000-4000-8000-000000000000', credential: 'c' },
  'google-workspace': { serviceAccountKey: 'k', adminUser: 'a@a.example' },
  atlassian: {
    directoryId: 'd',
    token: 't',
    organizationId: 'o',
    adminKey: 'k',
    siteUrl: 'https://b.example',
    siteEmail: 'a@b',
    siteToken: 's',
  },
  github: { organization: 'acme', appId: '1', installationId: '2', privateKey: 'k', token: 't' },
  jsm: { url: 'https://a.example', email: 'e', token: 't', serviceDeskId: '1', requestTypeId: '2' },
  manual: {
    url: 'https://a.example',
    username: 'u',
    password: 'p',
    entitlements: [{ id: 'reader', displayName: 'Read' }],
  },
  okta: { url: 'https://a.example', token: 't' },
  scim: { url: 'https://a.example/scim/v2', token: 't', clientSecret: undefined },
  openldap: { ...directory, defaultPolicyDn: 'cn=default,dc=a,dc=example' },
  keycloak: { url: 'https://a.example', realm: 'r', clientId: 'c', clientSecret: 's' },
  servicenow: { url: 'https://a.example', username: 'u', password: 'p' },
  slack: { token: 't' },
};
const options = { systemId: 'system', now: () => clockMs };

test('connector ids never change: policy files name them', () => {
  expect(allManifests().map(({ id }) => id)).toEqual([
    'active-directory',
    'atlassian',
    'aws-iam',
    'aws-identity-center',
    'bamboohr',
    'entra',
    'github',
    'google-workspace',
    'jsm',
    'keycloak',
    'manual',
    'okta',
    'openldap',
    'scim',
    'servicenow',
    'slack',
  ]);
  expect(connectorById('no-such-connector')).toBeNull();
});

test.each(Object.keys(configs))('%s opens with its configuration and lists its secrets', (id) => {
  const definition = connectorById(id) as ConnectorDefinition;
  const config = configs[id] ?? {};
  expect(definition.manifest.id).toBe(id);
  expect(openConnector(definition.manifest.kind, definition, { ...options, config })).toHaveProperty('check');
  expect(definition.secretFields.length).toBeGreaterThan(0);
  // Some take one kind of credentials or another.
  expect(definition.secretFields.filter((field) => field in config)).not.toEqual([]);
});

test.each(Object.keys(configs))('%s refuses a wrong configuration without quoting it', (id) => {
  const definition = connectorById(id) as ConnectorDefinition;
  for (const wrong of [undefined, {}, { ...configs[id], url: 'ftp://top-secret' }, { ...configs[id], extra: 1 }]) {
    const open = () => openConnector(definition.manifest.kind, definition, { ...options, config: wrong });
    expect(open).toThrow(
      expect.objectContaining({ code: 'validation', message: expect.not.stringContaining('top-secret') }),
    );
  }
});

test('a connector of another kind does not open', () => {
  const definition = connectorById('okta') as ConnectorDefinition;
  expect(() => openConnector('hris', definition, { ...options, config: configs['okta'] })).toThrow(
    expect.objectContaining({ code: 'validation' }),
  );
});

test('without a limiter of the platform, a system is limited by its manifest', async () => {
  const definition = connectorById('servicenow') as ConnectorDefinition;
  const config = { ...configs['servicenow'], url: 'http://127.0.0.1:9' };
  const connector = openConnector('ticketing', definition, { ...options, config });
  const codes: string[] = [];
  for (let call = 0; call <= definition.manifest.ratePolicy.callsPerMinute / 6; call += 1) {
    await connector.check(ctx).catch((error: { code: string }) => codes.push(error.code));
  }
  expect([codes[0], codes.at(-1)]).toEqual(['transient', 'throttled']);
  expect(codes.filter((code) => code === 'throttled')).toHaveLength(1);
});
