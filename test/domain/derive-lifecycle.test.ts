import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { deriveLifecycle } from '../../src/domain/derive-lifecycle.ts';
import type { LifecycleAction, LifecycleSnapshot, LifecycleState } from '../../src/domain/derive-lifecycle.ts';
import { mayHaveAccess } from '../../src/domain/employment.ts';
import { LifecycleModel } from './lifecycle-model.ts';
import { facts, window } from './support.ts';

const now = '2026-05-01T12:00:00Z';
const june = '2026-06-30T22:00:00Z';
const april = '2026-04-30T22:00:00Z';
const employed: LifecycleSnapshot = { window: window(), facts: facts() };
const hired: LifecycleSnapshot = {
  window: window({ from: '2026-06-01T14:00:00Z', startsAt: '2026-06-01T22:00:00Z' }),
  facts: facts({ startDate: '2026-06-02' }),
};

function until(end: string | null, snapshot = employed): LifecycleSnapshot {
  return { ...snapshot, window: { ...snapshot.window, until: end } };
}

function terminated(snapshot = employed): LifecycleSnapshot {
  return { ...snapshot, facts: { ...snapshot.facts, isTerminated: true } };
}

const unseen: LifecycleState = { spell: null, joiner: null, departure: null, snapshot: null };
const open: LifecycleState = { ...unseen, spell: { spellN: 1, state: 'open' }, snapshot: employed };
const pending: LifecycleState = {
  spell: { spellN: 1, state: 'pending' },
  joiner: { n: 1, isEffective: false },
  departure: null,
  snapshot: hired,
};
const leaving: LifecycleState = {
  ...open,
  departure: { n: 2, effectiveAt: june, status: 'scheduled' },
  snapshot: until(june),
};
const gone: LifecycleState = {
  ...open,
  spell: { spellN: 1, state: 'ended' },
  departure: { n: 2, effectiveAt: april, status: 'done' },
  snapshot: until(april),
};

const metAsLeaver: LifecycleState = {
  ...open,
  spell: { spellN: 1, state: 'ended' },
  departure: { n: 2, effectiveAt: april, status: 'scheduled' },
  snapshot: until(april),
};

describe('what a snapshot means', () => {
  test.each<[string, LifecycleState, LifecycleSnapshot, LifecycleAction[]]>([
    ['a first-seen hire opens a joiner', unseen, hired, [{ kind: 'openJoiner', effectiveAt: hired.window.from }]],
    [
      'a first-seen employed person opens a joiner',
      unseen,
      employed,
      [{ kind: 'openJoiner', effectiveAt: employed.window.from }],
    ],
    [
      'a first-seen person with an end opens a joiner and a leaver',
      unseen,
      until(june),
      [
        { kind: 'openJoiner', effectiveAt: employed.window.from },
        { kind: 'openLeaver', effectiveAt: june },
      ],
    ],
    ['a first-seen person who has ended opens nothing', unseen, until(april), []],
    ['a first-seen person whom HR terminated opens nothing', unseen, terminated(), []],
    [
      'a first-seen person whose end lies before the start opens nothing',
      unseen,
      until('2026-05-20T00:00:00Z', hired),
      [],
    ],
    [
      'a first-seen leaver who is back before the cut-off is given what they should have',
      metAsLeaver,
      employed,
      [
        { kind: 'rescindLeaver', caseN: 2 },
        { kind: 'openJoiner', effectiveAt: employed.window.from },
      ],
    ],
    [
      'a first-seen leaver who leaves later than announced is moved',
      metAsLeaver,
      until(june),
      [{ kind: 'moveLeaver', caseN: 2, effectiveAt: june }],
    ],
    ['the same hire again changes nothing', pending, hired, []],
    [
      'a moved start date is told to the joiner',
      pending,
      { ...hired, window: window() },
      [{ kind: 'tellFactsChanged', caseN: 1 }],
    ],
    [
      'another title is told to the joiner',
      pending,
      { ...hired, facts: facts({ title: 'Lead' }) },
      [{ kind: 'tellFactsChanged', caseN: 1 }],
    ],
    [
      'a hire that HR terminates before it began is rescinded',
      pending,
      terminated(hired),
      [{ kind: 'rescindJoiner', caseN: 1 }],
    ],
    [
      'a hire that ends before it began is rescinded, its end with it',
      { ...pending, departure: { n: 2, effectiveAt: '2026-12-01T00:00:00Z', status: 'scheduled' } },
      until('2026-05-20T00:00:00Z', hired),
      [
        { kind: 'rescindJoiner', caseN: 1 },
        { kind: 'rescindLeaver', caseN: 2 },
      ],
    ],
    [
      'a hire whose access has begun leaves instead',
      { ...pending, joiner: { n: 1, isEffective: true } },
      terminated(hired),
      [{ kind: 'openLeaver', effectiveAt: now }],
    ],
    [
      'a rescinded hire that HR announces again counts',
      { ...unseen, spell: { spellN: 1, state: 'ended' }, snapshot: hired },
      hired,
      [{ kind: 'openJoiner', effectiveAt: hired.window.from }],
    ],
    [
      'another title of an employed person opens a mover',
      open,
      { ...employed, facts: facts({ title: 'Lead' }) },
      [{ kind: 'openMover', effectiveAt: now }],
    ],
    ['an announced departure opens a leaver', open, until(june), [{ kind: 'openLeaver', effectiveAt: june }]],
    ['a termination with no date opens a leaver now', open, terminated(), [{ kind: 'openLeaver', effectiveAt: now }]],
    [
      'a termination before the last day opens a leaver now',
      open,
      terminated(until(june)),
      [{ kind: 'openLeaver', effectiveAt: now }],
    ],
    [
      'a departure in the past opens a leaver that is due',
      open,
      until(april),
      [{ kind: 'openLeaver', effectiveAt: april }],
    ],
    ['the same departure again changes nothing', leaving, until(june), []],
    ['the same instant in another notation changes nothing', leaving, until('2026-06-30T22:00:00.000Z'), []],
    [
      'a departure that is called off before its effect is rescinded',
      leaving,
      employed,
      [{ kind: 'rescindLeaver', caseN: 2 }],
    ],
    [
      'a moved departure moves the leaver',
      leaving,
      until('2026-07-31T22:00:00Z'),
      [{ kind: 'moveLeaver', caseN: 2, effectiveAt: '2026-07-31T22:00:00Z' }],
    ],
    [
      'a scheduled departure becomes due when HR terminates now',
      leaving,
      terminated(until(june)),
      [{ kind: 'moveLeaver', caseN: 2, effectiveAt: now }],
    ],
    [
      'a held departure that is called off is rescinded',
      { ...leaving, departure: { n: 2, effectiveAt: april, status: 'held' } },
      employed,
      [{ kind: 'rescindLeaver', caseN: 2 }],
    ],
    [
      'a held departure of a terminated person stays as it is',
      { ...leaving, departure: { n: 2, effectiveAt: april, status: 'held' } },
      terminated(),
      [],
    ],
    ['a departure that took effect and stands changes nothing', gone, until(april), []],
    ['a termination read again later changes nothing', gone, terminated(), []],
    ['a departure taken back after its effect restores', gone, employed, [{ kind: 'openRestore', effectiveAt: now }]],
    [
      'a departure put off after its effect restores and leaves later',
      gone,
      until(june),
      [
        { kind: 'openRestore', effectiveAt: now },
        { kind: 'openLeaver', effectiveAt: june },
      ],
    ],
    [
      'a new start after the departure is a rehire',
      gone,
      hired,
      [{ kind: 'openRehire', effectiveAt: hired.window.from }],
    ],
    [
      'a new start on the very instant of the departure is a rehire',
      gone,
      { ...employed, window: window({ from: '2026-04-30T14:00:00Z', startsAt: april }) },
      [{ kind: 'openRehire', effectiveAt: '2026-04-30T14:00:00Z' }],
    ],
    [
      'a new start after a departure to come leaves the departure in place',
      leaving,
      { ...employed, window: window({ from: '2026-09-01T00:00:00Z', startsAt: '2026-09-01T08:00:00Z' }) },
      [],
    ],
    [
      'a hire that moves behind its own end, which is gone, has no end',
      { ...pending, departure: { n: 2, effectiveAt: june, status: 'scheduled' } },
      { ...hired, window: window({ from: '2026-09-01T00:00:00Z', startsAt: '2026-09-01T08:00:00Z' }) },
      [
        { kind: 'tellFactsChanged', caseN: 1 },
        { kind: 'rescindLeaver', caseN: 2 },
      ],
    ],
    [
      'a hire whose access has begun keeps its departure when the start moves behind it',
      { ...pending, joiner: { n: 1, isEffective: true }, departure: { n: 2, effectiveAt: june, status: 'scheduled' } },
      { ...hired, window: window({ from: '2026-09-01T00:00:00Z', startsAt: '2026-09-01T08:00:00Z' }) },
      [],
    ],
  ])('%s', (_, state, snapshot, expected) => {
    expect(deriveLifecycle(state, snapshot, now)).toEqual(expected);
  });

  test('announced, rescinded, announced again with the same date: the second counts', () => {
    const model = new LifecycleModel(Date.parse(now));
    model.read(employed);
    model.finishJoiner();
    expect(model.read(until(june))).toEqual([{ kind: 'openLeaver', effectiveAt: june }]);
    expect(model.read(employed)).toEqual([{ kind: 'rescindLeaver', caseN: 2 }]);
    expect(model.read(until(june))).toEqual([{ kind: 'openLeaver', effectiveAt: june }]);
    model.advance(90 * 86_400_000);
    expect(model.state).toMatchObject({ spell: { state: 'ended' }, departure: { n: 3, status: 'started' } });
  });
});

describe('whatever HR writes, and whenever', () => {
  const day = (days: number): string => new Date(Date.UTC(2026, 0, 1) + days * 86_400_000).toISOString();
  const lead = (startsAt: string): string => new Date(Date.parse(startsAt) - 8 * 3_600_000).toISOString();
  const date = fc.integer({ min: 0, max: 60 }).map(day);
  const snapshot = fc
    .record({ startsAt: date, end: fc.option(date), isTerminated: fc.boolean(), title: fc.constantFrom('A', 'B') })
    .map(({ startsAt, end, isTerminated, title }) => ({
      window: window({ startsAt, from: lead(startsAt), until: end }),
      facts: facts({ isTerminated, title }),
    }));
  const step = fc.oneof(
    { weight: 4, arbitrary: snapshot.map((read) => ({ kind: 'read' as const, read })) },
    { weight: 1, arbitrary: fc.constant({ kind: 'finishJoiner' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'hold' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'release' as const }) },
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 20 }).map((days) => ({ kind: 'advance' as const, days })) },
  );

  function run(
    steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[],
    check: (model: LifecycleModel) => void,
  ): void {
    const model = new LifecycleModel(Date.UTC(2026, 0, 5));
    for (const entry of steps) {
      if (entry.kind === 'read') model.read(entry.read);
      else if (entry.kind === 'advance') model.advance(entry.days * 86_400_000);
      else model[entry.kind]();
      check(model);
    }
  }

  test('a repeated event changes nothing', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        run(steps, ({ state, now: at }) => {
          if (state.snapshot !== null) expect(deriveLifecycle(state, state.snapshot, at)).toEqual([]);
        });
      }),
      { numRuns: 1000 },
    );
  });

  test('who may have access has a live spell, and who may not has none that nobody will end', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        run(steps, ({ state, now: at }) => {
          if (state.snapshot === null) return;
          const mayHave = !state.snapshot.facts.isTerminated && mayHaveAccess(state.snapshot.window, at);
          const isHeld = state.departure?.status === 'held';
          if (mayHave && !isHeld) expect(state.spell?.state).toBe('open');
          const end = state.snapshot.window.until;
          const hasEnded = state.snapshot.facts.isTerminated || (end !== null && Date.parse(end) <= Date.parse(at));
          if (hasEnded && !isHeld && state.spell !== null) expect(state.spell.state).toBe('ended');
        });
      }),
      { numRuns: 1000 },
    );
  });

  test('an end to come is scheduled exactly once, at exactly its instant, and no other end is', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        run(steps, ({ state, now: at }) => {
          const { snapshot: latest, departure, spell } = state;
          if (latest === null || spell === null || spell.state === 'ended' || latest.facts.isTerminated) return;
          const startsLater =
            departure !== null && Date.parse(latest.window.startsAt) >= Date.parse(departure.effectiveAt);
          if (startsLater || departure?.status === 'held') return;
          const end = latest.window.until;
          if (end === null) expect(departure).toBeNull();
          else if (Date.parse(end) > Date.parse(at)) expect(departure?.effectiveAt).toBe(end);
        });
      }),
      { numRuns: 1000 },
    );
  });
});
