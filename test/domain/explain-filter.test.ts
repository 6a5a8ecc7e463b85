/** Why a filter does not match, and that looking profiles up by value never changes which of them match. */
import { describe, expect, it } from '@jest/globals';
import { explainFilter } from '../../src/domain/explain-filter.ts';
import { compileFilter } from '../../src/domain/filter.ts';
import { matchProfiles } from '../../src/domain/match-profiles.ts';
import type { AttributePolicy } from '../../src/schemas/policy.ts';
import { createSeededRandom } from '../support/seeded-random.ts';
import { facts, policyWith } from './support.ts';

const attributes: AttributePolicy[] = (['title', 'department', 'division', 'employmentType'] as const).map((name) => ({
  name,
  useFor: 'mapping',
  caseExact: name === 'title',
}));

function explain(text: string, person = facts()) {
  const compiled = compileFilter(text, attributes);
  if (!compiled.isValid) throw new Error(compiled.problem.message);
  return explainFilter(compiled.filter.node, person);
}

describe('explainFilter', () => {
  it('says nothing failed for a match', () => {
    expect(explain('department eq "ENGINEERING"')).toEqual({
      isMatch: true,
      failed: [],
      distance: 0,
      conditionCount: 1,
    });
  });

  it('names only the clauses that fail, in the order of the filter, with value and expectation', () => {
    const { failed, distance } = explain('department eq "Sales" and employmentType eq "employee" and title sw "Head"');
    expect(failed).toEqual([
      {
        clause: 'department eq "Sales"',
        conditions: [{ attribute: 'department', actual: 'Engineering', expected: 'exactly "Sales"', truth: false }],
      },
      {
        clause: 'title sw "Head"',
        conditions: [
          { attribute: 'title', actual: 'Engineer', expected: 'a text that begins with "Head"', truth: false },
        ],
      },
    ]);
    expect(distance).toBe(2);
  });

  it('shows all ways of an "or" as one clause, of which one would do', () => {
    const { failed, distance } = explain('department eq "Engineering" and (title eq "engineer" or title co "Lead")');
    expect(failed.map(({ clause }) => clause)).toEqual(['title eq "engineer" or title co "Lead"']);
    expect(failed[0]?.conditions.map(({ actual }) => actual)).toEqual(['Engineer', 'Engineer']);
    expect(distance).toBe(1);
  });

  it('an absent attribute is neither true nor false, also behind "not"', () => {
    for (const text of ['division eq "x"', 'not (division eq "x")']) {
      const { isMatch, failed } = explain(text);
      expect({ isMatch, failed: failed[0]?.conditions[0] }).toMatchObject({
        isMatch: false,
        failed: { attribute: 'division', actual: null, truth: null },
      });
    }
    expect(explain('division pr').failed[0]?.conditions[0]).toMatchObject({ expected: 'any value', actual: null });
    expect(explain('not (department pr)').failed[0]?.clause).toBe('not (department pr)');
  });

  it('writes quotes in a value as the filter does', () => {
    expect(explain(String.raw`title eq "the \"one\""`).failed[0]?.clause).toBe(String.raw`title eq "the \"one\""`);
  });
});

describe('profiles by value', () => {
  it('match exactly those that a look at every profile finds', () => {
    const random = createSeededRandom(4_711).next;
    const values = ['Engineering', 'engineering', 'Sales', 'É', 'é', 'Ops'];
    const pick = (list: readonly string[]): string => list[Math.floor(random() * list.length)] ?? '';
    const condition = (): string =>
      `${pick(['title', 'department', 'division'])} ${pick(['eq', 'eq', 'co', 'ne', 'sw'])} "${pick(values)}"`;
    const clause = (): string => pick([condition(), `not (${condition()})`, `(${condition()} or ${condition()})`]);
    for (let round = 0; round < 60; round += 1) {
      const profiles = Array.from({ length: 12 }, (_, n) => ({
        id: `p${n}`,
        description: 'x',
        when: Array.from({ length: 1 + Math.floor(random() * 3) }, clause).join(pick([' and ', ' and ', ' or '])),
        grants: ['app/base'],
      }));
      const index = policyWith({ profiles, attributes });
      const person = facts({
        title: pick(values),
        department: random() < 0.2 ? null : pick(values),
        division: random() < 0.5 ? null : pick(values),
      });
      const everyOne = profiles
        .filter(({ id }) => index.filterByProfileId.get(id)?.matches(person))
        .map(({ id }) => id);
      expect(matchProfiles(person, index).map(({ profile }) => profile.id)).toEqual(everyOne.toSorted());
    }
  });
});
