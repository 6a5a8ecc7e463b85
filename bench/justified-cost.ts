/** What `justified` costs for a whole company: 20,000 people, 500 entitlements, everybody once. Pure computation, no server. */
import { indexPolicy } from '../src/domain/policy-index.ts';
import type { PolicyIndex } from '../src/domain/policy-index.ts';
import { justified, type DecidedItem, type GrantStart } from '../src/domain/justified.ts';
import { planJoiner } from '../src/domain/plan-joiner.ts';
import type { PeopleByRef } from '../src/domain/route.ts';
import type { Decision } from '../src/schemas/decision.ts';
import type { PersonFacts } from '../src/schemas/facts.ts';
import type { Item } from '../src/schemas/item.ts';
import type { PersonId } from '../src/schemas/ids.ts';
import { Policy } from '../src/schemas/policy.ts';
import { sha256Hex } from '../src/store/sha256.ts';

const PEOPLE = 20_000;
const ENTITLEMENTS = 500;
const DEPARTMENTS = 40;
const TITLES = 10;
const LOCATIONS = 12;
const SEPARATIONS = 20;
const at = '2026-03-02T09:00:00.000Z';
const grantedAt = '2026-03-02T10:00:00.000Z';

const idOf = (n: number): PersonId => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` as PersonId;
const people: PeopleByRef = {
  'hr/mgr': idOf(900_001),
  'hr/sec': idOf(900_002),
  'hr/own': idOf(900_003),
  'hr/fall': idOf(900_004),
};

/** One profile for each department, each title of a department and each location, and one for everybody. */
function companyPolicy(): Policy {
  const entitlements = Array.from({ length: ENTITLEMENTS }, (_, n) => ({
    id: `app${n % 20}/right-${n}`,
    system: `app${n % 20}`,
    vendorId: `v-${n}`,
    owner: 'hr/own',
    riskPoints: n % 5 === 0 ? 4 : 1,
    dataClass: 'internal' as const,
    description: `Right ${n}`,
    ...(n % 25 === 0 ? { expiresAfter: '90d' } : {}),
  }));
  const ids = entitlements.map(({ id }) => id);
  const grants = (from: number, count: number): string[] => [
    ...new Set(Array.from({ length: count }, (_, n) => ids[(from + n * 7) % ENTITLEMENTS] ?? '')),
  ];
  const profile = (id: string, when: string, granted: string[]) => ({ id, description: id, when, grants: granted });
  const profiles = [
    profile('everybody', 'employmentType pr', grants(0, 5)),
    ...range(DEPARTMENTS).map((d) =>
      profile(`department-${d}`, `department eq "Département ${d}"`, grants(d * 11, 10)),
    ),
    ...range(DEPARTMENTS * TITLES).map((n) => {
      const [d, t] = [Math.floor(n / TITLES), n % TITLES];
      const when = `department eq "Département ${d}" and employmentType eq "employee" and (title eq "Title ${t}" or title sw "Senior Title ${t}")`;
      return profile(`title-${d}-${t}`, when, grants(n * 3, 8));
    }),
    ...range(LOCATIONS).map((l) =>
      profile(`location-${l}`, `location eq "City ${l}" and not (title co "Remote")`, grants(l * 17, 4)),
    ),
  ];
  const systems = [
    { id: 'hr', connector: 'hris', displayName: 'HR', owner: 'hr/own' },
    ...range(20).map((n) => ({ id: `app${n}`, connector: 'target', displayName: `App ${n}`, owner: 'hr/own' })),
  ];
  return Policy.parse({
    systems,
    entitlements,
    profiles,
    attributes: ['title', 'department', 'location', 'employmentType'].map((name) => ({ name, useFor: 'mapping' })),
    separationOfDuties: range(SEPARATIONS).map((n) => ({
      id: `duties-${n}`,
      description: 'Duties that one person must not hold together',
      between: [grants(n * 23, 3), grants(n * 23 + 250, 3)],
      compensatingControl: 'Reviewed every month',
    })),
    routing: { security: ['hr/sec'], fallbackOwner: 'hr/fall' },
    lifecycle: { zones: { default: 'Europe/Berlin' } },
  });
}

function factsOf(n: number): PersonFacts {
  return {
    sourceKey: String(n),
    givenName: 'Given',
    familyName: `Family ${n}`,
    displayName: `Given Family ${n}`,
    workEmail: null,
    title: n % 3 === 0 ? `Senior Title ${n % TITLES} (Remote)` : `Title ${n % TITLES}`,
    department: `Département ${n % DEPARTMENTS}`,
    division: null,
    location: `City ${n % LOCATIONS}`,
    employmentType: n % 20 === 0 ? 'contractor' : 'employee',
    managerKey: 'mgr',
    startDate: '2026-03-02',
    endDate: null,
    isTerminated: false,
  };
}

interface Subject {
  personId: PersonId;
  facts: PersonFacts;
  decided: DecidedItem[];
  grants: GrantStart[];
}

/** Everything that people must decide is approved by the seats that the plan names. */
function subjectOf(n: number, index: PolicyIndex): Subject {
  const personId = idOf(n);
  const facts = factsOf(n);
  const items = planJoiner({
    personId,
    spellN: 1,
    source: 'hr',
    facts,
    index,
    held: [],
    people,
    chosenProfileIds: null,
    at,
    sha256Hex,
  });
  const asked = items.filter((item) => item.route.kind === 'people');
  const approvers = new Set(
    asked.flatMap(({ route }) => (route.kind === 'people' ? route.seats.map((seat) => seat.approverIds[0]) : [])),
  );
  const decisions = [...approvers].flatMap((approverId, k) =>
    approverId === undefined ? [] : [approval(personId, approverId, k, asked)],
  );
  return {
    personId,
    facts,
    decided: asked.map((item) => ({ personId, spellN: 1, item, decisions })),
    grants: items.flatMap(({ entitlementId }) =>
      entitlementId === null ? [] : [{ entitlementId, grantedAt, basis: 'policy' as const }],
    ),
  };
}

function approval(personId: PersonId, approverId: PersonId, k: number, asked: readonly Item[]): Decision {
  return {
    decisionId: `${personId.slice(0, -1)}${k}` as Decision['decisionId'],
    approvalId: `approval_${personId}_1_1` as Decision['approvalId'],
    personId,
    approverId,
    surface: 'api',
    verdicts: asked.map(({ itemDigest }) => ({ itemDigest, verdict: 'approve' })),
    reason: '',
    decidedAt: at,
  };
}

const range = (length: number): number[] => Array.from({ length }, (_, n) => n);
const window = {
  zone: 'Europe/Berlin',
  from: '2026-03-01T15:00:00.000Z',
  startsAt: '2026-03-01T23:00:00.000Z',
  until: null,
};

/**
 * Seconds for everybody once, the compilation of the policy included; the plan that comes before it, which makes the
 * items and their digests, is timed beside it. Throws when nothing was justified: a fast no is no figure.
 */
export function measureJustified(): { justified_20000x500_s: number; plan_20000x500_s: number } {
  const policy = companyPolicy();
  const planStartedAt = performance.now();
  const planIndex = indexPolicy(policy);
  const subjects = range(PEOPLE).map((n) => subjectOf(n, planIndex));
  const planS = (performance.now() - planStartedAt) / 1000;
  const startedAt = performance.now();
  const index = indexPolicy(policy);
  let count = 0;
  for (const { personId, facts, decided, grants } of subjects) {
    const input = {
      personId,
      spellN: 1,
      facts,
      window,
      index,
      decided,
      grants,
      found: [],
      at: '2026-03-03T09:00:00.000Z',
      sha256Hex,
    };
    count += justified(input).length;
  }
  const seconds = (performance.now() - startedAt) / 1000;
  if (count < PEOPLE * 10) throw new Error(`only ${count} rights are justified: the company of the benchmark is wrong`);
  return { justified_20000x500_s: Number(seconds.toFixed(2)), plan_20000x500_s: Number(planS.toFixed(2)) };
}

if (import.meta.main) console.log(JSON.stringify(measureJustified()));
