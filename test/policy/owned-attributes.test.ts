import { describe, expect, test } from '@jest/globals';
import { findingText } from '../../src/policy/finding.ts';
import { checkWith } from './support.ts';

const at = (name: string, from: string, to: string): string[] => checkWith(name, from, to).findings.map(findingText);
const okta = '    isIdentityProvider: true\n';
const crm = '    masteredBy: okta\n';

describe('who owns an attribute', () => {
  test.each([
    [okta, `${okta}    attributes: [title, department]\n`],
    [crm, '    attributes: [title]\n'],
    [okta, `${okta}    emailPattern: "{given}.{family}@example.com"\n`],
    ['    displayName: HR\n', '    displayName: HR\n    writeBack: [workEmail]\n'],
  ])('%j as %j is a right policy', (from, to) => {
    expect(at('systems.yaml', from, to)).toEqual([]);
  });

  test('a policy that says nothing about attributes has the content, and so the hash, of before', () => {
    const { policy } = checkWith('systems.yaml', 'displayName: CRM', 'displayName: CRM');
    const keys = policy?.systems.flatMap((system) => Object.keys(system)) ?? [];
    expect(keys).not.toEqual(expect.arrayContaining(['attributes']));
    expect(keys).not.toEqual(expect.arrayContaining(['writeBack']));
    expect(keys).not.toEqual(expect.arrayContaining(['emailPattern']));
  });

  test.each<[string, string, string, string]>([
    [
      crm,
      `${crm}    attributes: [title]\n`,
      'systems.yaml:21:17',
      'system okta overwrites crm and owns its attributes',
    ],
    [crm, '    attributes: [title, department]\n', 'systems.yaml:20:25', 'connector scim cannot change department'],
    [crm, '    attributes: [title, title]\n', 'systems.yaml:20:25', 'title stands in the list already'],
    [crm, '    attributes: [salary]\n', 'systems.yaml:20:18', '"displayName"'],
    [
      '    displayName: HR\n',
      '    displayName: HR\n    attributes: [title]\n',
      'systems.yaml:6:17',
      'only a system that holds accounts can have this',
    ],
    [crm, '    writeBack: [workEmail]\n', 'systems.yaml:20:16', 'connector scim takes no work e-mail back'],
    [crm, '    emailPattern: "{given}@example.com"\n', 'systems.yaml:20:19', 'only the identity provider'],
    [okta, `${okta}    emailPattern: "{name}@example.com"\n`, 'systems.yaml:15:19', 'expected an address such as'],
  ])('%j as %j is found, at its line and column', (from, to, place, message) => {
    const atPlace = at('systems.yaml', from, to).filter((text) => text.startsWith(`${place}: `));
    expect(atPlace).toContainEqual(expect.stringContaining(message));
  });

  test('the system at the end of the chain of masters is named as the owner', () => {
    const findings = at(
      'systems.yaml',
      '  - id: tickets\n',
      '  - id: pages\n    connector: scim\n    displayName: Pages\n    owner: hr/2\n    masteredBy: crm\n    attributes: [title]\n  - id: tickets\n',
    );
    expect(findings).toEqual([expect.stringContaining('system okta overwrites pages')]);
  });
});
