/** From when until when somebody may have access, in the zone of the place where they work. */
import { describe, expect, test } from '@jest/globals';
import type { PersonFacts } from '../../src/schemas/facts.ts';
import type { LifecyclePolicy } from '../../src/schemas/policy.ts';
import { accessWindow } from '../../src/use-cases/access-window.ts';

const leadTimeSeconds = 8 * 3600;
const lifecycle: LifecyclePolicy = {
  joiner: { leadTime: leadTimeSeconds },
  movers: { handOver: 0 },
  leavers: { maxPerHour: 10, maxPerDay: 20, sweepsAfter: [] },
  outage: { incidentAfter: 900 },
  zones: {
    default: 'Europe/London',
    byLocation: {
      Berlin: 'Europe/Berlin',
      'New York': 'America/New_York',
      Sydney: 'Australia/Sydney',
      Santiago: 'America/Santiago',
      Apia: 'Pacific/Apia',
    },
  },
};

function facts(changes: Partial<PersonFacts>): PersonFacts {
  return {
    sourceKey: '1',
    givenName: 'Ada',
    familyName: 'Lovelace',
    displayName: 'Ada Lovelace',
    workEmail: null,
    title: null,
    department: null,
    division: null,
    location: null,
    employmentType: 'employee',
    managerKey: null,
    startDate: '2026-06-01',
    endDate: null,
    isTerminated: false,
    ...changes,
  };
}

const observedAt = new Date('2026-05-20T10:00:00.000Z');
const windowOf = (changes: Partial<PersonFacts>, at = observedAt) => accessWindow(facts(changes), lifecycle, at);

describe('the first day', () => {
  test.each([
    ['Sydney', '2026-05-31T14:00:00.000Z'],
    ['Berlin', '2026-05-31T22:00:00.000Z'],
    ['New York', '2026-06-01T04:00:00.000Z'],
  ])('begins in %s at midnight there', (location, startsAt) => {
    expect(windowOf({ location })).toMatchObject({ startsAt, until: null });
  });

  test('of the same date begins fourteen hours earlier in Sydney than in New York', () => {
    const startMs = (location: string) => Date.parse(windowOf({ location }).startsAt);
    expect(startMs('New York') - startMs('Sydney')).toBe(14 * 3_600_000);
  });

  test.each([[null], ['Atlantis'], ['toString'], ['berlin']])(
    'at the unknown place %j is that of the default zone',
    (location) => {
      expect(windowOf({ location })).toMatchObject({ zone: 'Europe/London', startsAt: '2026-05-31T23:00:00.000Z' });
    },
  );

  test('gives access lead time before, counted in elapsed hours through a change of the clocks', () => {
    // In Berlin 2026-03-29 has 23 hours; eight hours before the midnight after it is 16:00 summer time.
    const spring = windowOf({ location: 'Berlin', startDate: '2026-03-30' });
    expect(spring).toMatchObject({ startsAt: '2026-03-29T22:00:00.000Z', from: '2026-03-29T14:00:00.000Z' });
    // Sydney leaves summer time on 2026-04-05 at 3:00; eight hours before that day's end are all in standard time.
    const autumn = windowOf({ location: 'Sydney', startDate: '2026-04-06' });
    expect(autumn).toMatchObject({ startsAt: '2026-04-05T14:00:00.000Z', from: '2026-04-05T06:00:00.000Z' });
  });

  test('on which the clocks skip midnight begins with the first moment that exists', () => {
    // Santiago moves from 0:00 to 1:00 on 2026-09-06.
    expect(windowOf({ location: 'Santiago', startDate: '2026-09-06' }).startsAt).toBe('2026-09-06T04:00:00.000Z');
  });

  test('that the place never had begins with the next day', () => {
    // Samoa skipped 2011-12-30 altogether.
    expect(windowOf({ location: 'Apia', startDate: '2011-12-30' }).startsAt).toBe('2011-12-30T10:00:00.000Z');
  });
});

describe('the last day', () => {
  test.each([
    ['Sydney', '2026-06-30T14:00:00.000Z'],
    ['Berlin', '2026-06-30T22:00:00.000Z'],
    ['New York', '2026-07-01T04:00:00.000Z'],
  ])('counts to its end in %s', (location, until) => {
    expect(windowOf({ location, endDate: '2026-06-30' }).until).toBe(until);
  });

  test('is as long as the day of a change of the clocks', () => {
    const hours = (endDate: string): number => {
      const { startsAt, until } = windowOf({ location: 'Berlin', startDate: endDate, endDate });
      return (Date.parse(until ?? '') - Date.parse(startsAt)) / 3_600_000;
    };
    expect([hours('2026-03-29'), hours('2026-06-30'), hours('2026-10-25')]).toEqual([23, 24, 25]);
  });

  test.each(['2026-02-28', '2028-02-29', '2026-12-31'])('%s ends on the first of the next month', (endDate) => {
    expect(windowOf({ endDate, startDate: '2026-01-01' }).until).toMatch(/-01T00:00:00\.000Z$/);
  });
});

describe('somebody whom HR marked as no longer employed', () => {
  test('has no access from the observation on, whatever last day is written', () => {
    for (const endDate of [null, '2026-06-30', '2026-05-20'])
      expect(windowOf({ endDate, isTerminated: true }).until).toBe(observedAt.toISOString());
  });

  test('had none since the end of a last day that lies further back', () => {
    expect(windowOf({ endDate: '2026-05-18', isTerminated: true }).until).toBe('2026-05-18T23:00:00.000Z');
  });
});
