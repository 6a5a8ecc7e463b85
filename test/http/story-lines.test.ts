/** The lines that a person reads in the terminal: calm, and with the command that decides. */
import { describe, expect, it } from '@jest/globals';
import { storyLines, type StoryNames } from '../../src/http/story-lines.ts';
import type { StoryView } from '../../src/store/read-story.ts';

const names: StoryNames = { nameOf: (id) => `Name ${id}`, profileOf: (id) => (id === 'a' ? 'name-a' : null) };
const entry = (kind: string, data: Record<string, unknown>): StoryView => ({
  storyId: '1',
  at: '2026-03-02T08:00:00.000Z',
  kind,
  personId: 'p',
  person: 'Ada',
  caseId: 'case_p_1',
  data,
});
const said = (kind: string, data: Record<string, unknown>): string[] =>
  storyLines(entry(kind, data), names).map((line) => line.replace(/^08:00:00 {2}| {10}/, ''));
const seats = [
  { role: 'security', approverIds: ['a', 'b'] },
  { role: 'owner', approverIds: ['c'] },
];

describe('the story', () => {
  it('gives one command for each seat, asks for a reason where one is needed, and names who sits there', () => {
    const data = { approvalId: 'approval_p_1_1', seats, items: ['okta/admins'], why: ['privileged'], riskMax: 9 };
    expect(said('approvalOpened', data)).toEqual([
      'Ada: okta/admins waits for Name a or Name b (security), and Name c (owner): privileged',
      'npx usher approve approval_p_1_1 --reason "WHY" --profile name-a',
      'npx usher approve approval_p_1_1 --reason "WHY"',
    ]);
  });

  it('never offers to approve all profiles at once', () => {
    const data = {
      approvalId: 'approval_p_1_1',
      seats: [seats[1]],
      items: ['profile sales', 'profile support'],
      riskMax: 0,
    };
    const lines = said('approvalOpened', data);
    expect(lines[0]).toContain('a choice among 2 profiles waits for');
    expect(
      lines
        .slice(1)
        .filter((line) => line.includes(' approve '))
        .every((line) => line.includes('--item')),
    ).toBe(true);
  });

  it('says once that something was decided, and what', () => {
    expect(said('decided', { approverId: 'a', approved: ['crm/sales'], denied: ['okta/vpn'] })).toEqual([
      'Ada: Name a approved crm/sales and denied okta/vpn',
    ]);
    expect(said('approvalClosed', { state: 'decided' })).toEqual([]);
    expect(said('approvalClosed', { state: 'expired' })).toEqual(['Ada: nobody decided in time: denied']);
  });

  it('tells the removals of a leaver, not what was found before them', () => {
    const items = [{ label: 'crm/sales', action: 'revoke', systemId: 'crm', route: 'policy' }];
    expect(said('planned', { kind: 'leaver', items })).toEqual([]);
    expect(said('verified', { systemId: 'crm', items })).toEqual([
      'Ada: 1 right removed at crm (verified by a fresh read)',
    ]);
  });

  it.each([
    'planned',
    'verified',
    'contradicted',
    'approvalOpened',
    'decided',
    'caseClosed',
    'caseWaiting',
    'unheardOf',
  ])('survives a row of the kind %s whose content fits nothing', (kind) => {
    for (const data of [{}, { items: 'x', seats: 3, approvalId: 7 }, { items: [null, 1, {}], seats: [null, {}] }])
      expect(() => storyLines(entry(kind, data), names)).not.toThrow();
  });

  it('never says of a leaver that nothing is left while something is', () => {
    const until = '2026-03-02T08:15:00.000Z';
    expect(said('caseWaiting', { until, verifiedCount: 3, leftSystemIds: ['crm', 'wiki'] })).toEqual([
      'Ada: something is left at crm, wiki: 3 removals verified; looks again at 2026-03-02 08:15 UTC',
    ]);
    expect(said('caseWaiting', { until, verifiedCount: 1, leftSystemIds: [] })).toEqual([
      'Ada: nothing is left: 1 removal verified; looks again at 2026-03-02 08:15 UTC',
    ]);
  });
});
