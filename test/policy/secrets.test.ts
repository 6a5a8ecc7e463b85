import { describe, expect, test } from '@jest/globals';
import { resolveSecrets } from '../../src/policy/secrets.ts';

const secrets = { crm: { token: 's3cret', url: 'https://crm.example' }, okta: { token: 'other' } };

describe('secrets of a system', () => {
  test('references are replaced at any depth; all other values stay', () => {
    const config = {
      url: '${secret:crm.url}',
      list: [{ token: '${secret:crm.token}' }, 5],
      quirks: { pageMax: 50, isStrict: null },
    };
    expect(resolveSecrets('crm', config, secrets)).toEqual({
      url: 'https://crm.example',
      list: [{ token: 's3cret' }, 5],
      quirks: { pageMax: 50, isStrict: null },
    });
  });

  test.each([
    ['${secret:okta.token}', 'may not read secrets of system okta'],
    ['${secret:crm.password}', 'no value for secret crm.password'],
    ['${secret:crm.constructor}', 'no value for secret crm.constructor'],
    ['x${secret:crm.token}', 'and nothing else'],
    ['${secret:crm.token', 'and nothing else'],
  ])('%s is refused, with the field and without any value', (text, message) => {
    expect(() => resolveSecrets('crm', { quirks: { token: text } }, secrets)).toThrow(
      expect.objectContaining({
        code: 'invalidInput',
        field: 'quirks.token',
        message: expect.stringContaining(message),
      }),
    );
    expect(() => resolveSecrets('crm', { token: text }, secrets)).not.toThrow(/s3cret|other/);
  });

  test('a system without secrets has none, whatever objects inherit', () => {
    expect(() => resolveSecrets('constructor', { token: '${secret:constructor.name}' }, secrets)).toThrow(
      'no value for secret',
    );
  });
});
