/**
 * What HR does during a chaos run: one random event after the other for people hired during the run and a few who were there
 * before. It keeps in plain words who works there in which job, so that the end can be checked without Usher's rules.
 */
import type { SystemName } from '../support/chaos-stories.ts';
import type { CompanyProcesses } from '../support/company-processes.ts';
import { isoDate } from '../support/crash-cast.ts';
import type { SeededRandom } from '../support/seeded-random.ts';

interface Job {
  fields: { jobTitle: string; department: string; supervisorEId: string };
  /** Groups by system once everybody who is asked has said yes. */
  holds: Partial<Record<SystemName, string[]>>;
}

const everybody = '00gemployees00000000';
const engineering = [everybody, '00gengineering000000', '00gvpn00000000000000'];
const writers = ['wiki-editor', 'wiki-reader'];

const jobs = {
  engineer: {
    fields: { jobTitle: 'Software Engineer', department: 'Engineering', supervisorEId: '103' },
    holds: { okta: engineering, wiki: writers },
  },
  reliability: {
    fields: { jobTitle: 'Site Reliability Engineer', department: 'Engineering', supervisorEId: '104' },
    holds: { okta: [...engineering, '00gdeployproduction0'].toSorted(), wiki: writers },
  },
  seller: {
    fields: { jobTitle: 'Account Executive', department: 'Sales', supervisorEId: '105' },
    holds: { okta: [everybody], wiki: ['wiki-reader'], crm: ['crm-reader', 'crm-sales'] },
  },
  support: {
    fields: { jobTitle: 'Support Agent', department: 'Customer Support', supervisorEId: '106' },
    holds: { okta: [everybody, '00gsupportdesk000000'], wiki: ['wiki-reader'], crm: ['crm-reader', 'crm-support'] },
  },
  analyst: {
    fields: { jobTitle: 'Financial Analyst', department: 'Finance', supervisorEId: '107' },
    holds: { okta: [everybody], wiki: ['wiki-reader'], warehouse: ['warehouse-finance', 'warehouse-reports'] },
  },
  product: {
    fields: { jobTitle: 'Product Manager', department: 'Product', supervisorEId: '113' },
    holds: { okta: [everybody], wiki: writers, warehouse: ['warehouse-product-analytics'] },
  },
} satisfies Record<string, Job>;
type JobName = keyof typeof jobs;
const jobNames = Object.keys(jobs) as JobName[];

type Standing =
  /** Works there; the departure may be announced. */
  | 'works'
  | 'leaving'
  /** The first day lies weeks ahead. */
  | 'comes'
  | 'left'
  /** Was hired and never began. */
  | 'calledOff';

export interface ChaosPerson {
  key: string;
  job: JobName;
  standing: Standing;
}

/** What each kind of event needs: somebody of that standing. Hires need nobody. */
const kinds = {
  hire: { weight: 10, of: null },
  hireForLater: { weight: 3, of: null },
  move: { weight: 10, of: 'works' },
  moveWhileLeaving: { weight: 1, of: 'leaving' },
  changePlace: { weight: 2, of: 'works' },
  again: { weight: 3, of: 'works' },
  leave: { weight: 4, of: 'works' },
  announceLeave: { weight: 3, of: 'works' },
  rescindLeave: { weight: 2, of: 'leaving' },
  leaveSooner: { weight: 1, of: 'leaving' },
  leaveWasMistake: { weight: 2, of: 'left' },
  startSooner: { weight: 2, of: 'comes' },
  callOff: { weight: 1, of: 'comes' },
  announceAgain: { weight: 1, of: 'calledOff' },
} as const satisfies Record<string, { weight: number; of: Standing | null }>;
export type EventKind = keyof typeof kinds;
const kindNames = Object.keys(kinds) as EventKind[];

/** People of the sandbox company who only leave: nobody asks them to decide anything. */
const leaverKeys = ['114', '115', '120', '125'];

export class ChaosCompany {
  readonly people: ChaosPerson[] = [];
  readonly counts = new Map<EventKind, number>();
  readonly #of: Pick<CompanyProcesses, 'company'>;
  readonly #random: SeededRandom;

  constructor(of: Pick<CompanyProcesses, 'company'>, random: SeededRandom) {
    this.#of = of;
    this.#random = random;
  }

  /** One event of a random kind that somebody is there for. Answers what it was. */
  event(): EventKind {
    const possible = kindNames.filter((kind) => {
      const { of } = kinds[kind];
      return of === null || this.people.some((one) => one.standing === of && !leaverKeys.includes(one.key));
    });
    const weights = possible.map((kind) => kinds[kind].weight);
    let at = this.#random.between(
      1,
      weights.reduce((sum, weight) => sum + weight, 0),
    );
    const kind = possible.find((_, position) => (at -= weights[position] ?? 0) <= 0) ?? 'hire';
    this.#play(kind);
    return kind;
  }

  /** Some of those who were there before leave: their accounts were made by others. */
  leaversFromBefore(): void {
    for (const key of leaverKeys) {
      this.people.push({ key, job: 'engineer', standing: 'works' });
      this.#play('leave', this.people.at(-1));
    }
  }

  /** What was announced comes to its end, so that nothing waits for a day to come. */
  settle(): void {
    for (const person of this.people.filter(({ standing }) => standing === 'leaving')) {
      this.#play(this.#random.between(0, 1) === 0 ? 'rescindLeave' : 'leaveSooner', person);
    }
    for (const person of this.people.filter(({ standing }) => standing === 'comes')) {
      this.#play(this.#random.between(0, 1) === 0 ? 'startSooner' : 'callOff', person);
    }
  }

  holdsOf({ standing, job }: ChaosPerson, system: SystemName): string[] {
    const holds: Job['holds'] = standing === 'works' ? jobs[job].holds : {};
    return holds[system] ?? [];
  }

  #play(kind: EventKind, chosen?: ChaosPerson): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    const { hr } = this.#of.company.bamboohr;
    if (kind === 'hire') return this.#hire('works', -2);
    if (kind === 'hireForLater') return this.#hire('comes', 20);
    const person = chosen ?? this.#pick(kinds[kind].of);
    const { key } = person;
    switch (kind) {
      case 'move':
      case 'moveWhileLeaving':
        person.job = this.#job(person.job);
        hr.setFields(key, jobs[person.job].fields);
        return;
      case 'changePlace':
        hr.setFields(key, { location: this.#one(['Berlin', 'London', 'New York']) });
        return;
      case 'again':
        hr.setFields(key, jobs[person.job].fields);
        return;
      case 'leave':
      case 'leaveSooner':
        hr.terminate(key);
        person.standing = 'left';
        return;
      case 'announceLeave':
        hr.terminate(key, { date: isoDate(this.#random.between(5, 30)) });
        person.standing = 'leaving';
        return;
      case 'rescindLeave':
      case 'leaveWasMistake':
        hr.rescind(key, 'termination');
        person.standing = 'works';
        return;
      case 'startSooner':
        hr.setFields(key, { hireDate: isoDate(-2) });
        person.standing = 'works';
        return;
      case 'callOff':
        hr.rescind(key, 'hire');
        person.standing = 'calledOff';
        return;
      case 'announceAgain':
        hr.setFields(key, { hireDate: isoDate(-1) });
        hr.rescind(key, 'termination');
        person.standing = 'works';
        return;
      default:
        return kind satisfies never;
    }
  }

  #hire(standing: Standing, startsInDays: number): void {
    const job = this.#job(null);
    const { id } = this.#of.company.bamboohr.hr.hire({
      firstName: 'Robin',
      lastName: `Chaos ${this.people.length + 1}`,
      location: this.#one(['Berlin', 'London', 'New York']),
      hireDate: isoDate(startsInDays),
      ...jobs[job].fields,
    });
    this.people.push({ key: id, job, standing });
  }

  #pick(standing: Standing | null): ChaosPerson {
    // Those who were there before left for good: their access was never Usher's to give.
    const fitting = this.people.filter((one) => one.standing === standing && !leaverKeys.includes(one.key));
    const [person = this.people[0]] = this.#random.shuffled(fitting);
    if (person === undefined) throw new Error(`nobody ${standing ?? ''}`);
    return person;
  }

  #job(other: JobName | null): JobName {
    return this.#one(jobNames.filter((name) => name !== other));
  }

  #one<T>(values: readonly T[]): T {
    const value = values[this.#random.between(0, values.length - 1)];
    if (value === undefined) throw new Error('nothing to choose from');
    return value;
  }
}
