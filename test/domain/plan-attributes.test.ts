import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { planAttributes, type PlanAttributesInput } from '../../src/domain/plan-attributes.ts';
import { profileFromFacts } from '../../src/domain/profile-from-facts.ts';
import { attributesBehind, updateDefinitionHash } from '../../src/domain/update-definition.ts';
import { OwnedAttribute } from '../../src/schemas/owned-attribute.ts';

const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex');
const shown = {
  displayName: 'Ada Byron',
  givenName: 'Ada',
  familyName: 'Byron',
  title: 'Analyst',
  department: null,
  email: 'ada@example.test',
  login: 'ada@example.test',
  manager: null,
};
const input: PlanAttributesInput = {
  personId: '0197-person',
  spellN: 1,
  snapshotId: 'snapshot-1',
  system: { id: 'okta', displayName: 'Okta', attributes: ['title', 'department', 'displayName'] },
  accountId: 'account-1',
  shown,
  wanted: { displayName: 'Ada Byron', title: 'Head of Finance', department: 'Finance', email: 'new@example.test' },
  sha256Hex,
};

describe('the plan of attributes', () => {
  test('names what differs and is owned, in order, and holds no value', () => {
    const [item, ...others] = planAttributes(input);
    expect(others).toEqual([]);
    expect(item).toMatchObject({
      action: 'update',
      systemId: 'okta',
      accountId: 'account-1',
      description: 'department, title at Okta',
      route: { kind: 'policy' },
      risk: 0,
    });
    expect(JSON.stringify(item)).not.toMatch(/Head of|Finance|new@|Analyst/);
    const definition = { systemId: 'okta', attributes: ['title', 'department'] as const, snapshotId: 'snapshot-1' };
    expect(item?.definitionHash).toBe(updateDefinitionHash(definition, sha256Hex));
  });

  test.each<[string, Partial<PlanAttributesInput>]>([
    ['nothing differs', { wanted: { title: 'Analyst', displayName: 'Ada Byron' } }],
    ['HR says nothing', { wanted: {} }],
    ['policy gave nothing to Usher', { system: { id: 'okta', displayName: 'Okta' } }],
    ['only what others own differs', { system: { id: 'okta', displayName: 'Okta', attributes: ['familyName'] } }],
  ])('has no item where %s', (_what, changes) => {
    expect(planAttributes({ ...input, ...changes })).toEqual([]);
  });

  test('asserts all that is owned and known where the system did not answer', () => {
    const [item] = planAttributes({ ...input, shown: 'unreadable' });
    expect(item?.description).toBe('department, displayName, title at Okta');
  });

  test('is the same item for the same facts, and another one for newer facts or another account', () => {
    const digest = (changes: Partial<PlanAttributesInput>) => planAttributes({ ...input, ...changes })[0]?.itemDigest;
    expect(digest({})).toBe(digest({ wanted: { ...input.wanted, title: 'Something else' } }));
    const others = [digest({ snapshotId: 'snapshot-2' }), digest({ accountId: 'account-2' }), digest({ spellN: 2 })];
    expect(new Set([digest({}), ...others]).size).toBe(4);
  });
});

describe('the attributes behind a definition hash', () => {
  const about = { systemId: 'okta', snapshotId: 'snapshot-1', among: OwnedAttribute.options };

  test.each([[['title']], [['manager', 'email']], [[...OwnedAttribute.options]]] as [OwnedAttribute[]][])(
    'are found again: %j',
    (attributes) => {
      const hash = updateDefinitionHash({ systemId: 'okta', snapshotId: 'snapshot-1', attributes }, sha256Hex);
      expect(attributesBehind(hash, about, sha256Hex)).toEqual(attributes.toSorted());
      expect(attributesBehind(hash, { ...about, snapshotId: 'snapshot-2' }, sha256Hex)).toBeNull();
      expect(attributesBehind(hash, { ...about, systemId: 'crm' }, sha256Hex)).toBeNull();
      expect(attributesBehind(hash, { ...about, among: attributes.slice(1) }, sha256Hex)).toBeNull();
    },
  );

  test('are none for no hash, an empty choice and text that is no hash', () => {
    const empty = updateDefinitionHash({ systemId: 'okta', snapshotId: 'snapshot-1', attributes: [] }, sha256Hex);
    for (const hash of [null, empty, 'x']) expect(attributesBehind(hash, about, sha256Hex)).toBeNull();
  });
});

describe('values from facts', () => {
  const facts = {
    displayName: 'Ada',
    givenName: 'Ada',
    familyName: '',
    title: null,
    department: 'Finance',
    workEmail: 'ada@example.test',
  };

  test('leave out what HR does not say, so that nothing is emptied', () => {
    const values = { displayName: 'Ada', givenName: 'Ada', department: 'Finance' };
    const address = { email: 'ada@example.test', login: 'ada@example.test' };
    expect(profileFromFacts(facts, null)).toEqual({ ...values, ...address });
    expect(profileFromFacts({ ...facts, workEmail: null }, 'boss')).toEqual({ ...values, manager: 'boss' });
  });
});
