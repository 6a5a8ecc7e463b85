/**
 * `npm run demo`: the first morning without a person. Approvals are given through the public API as the people concerned;
 * the outcome is read from the sandbox systems, never from Usher's own store. Exit code 0 only if all of it holds.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Table from 'cli-table3';
import { z } from 'zod';
import { deciders, expectations, verdictOn, type Expectation } from './demo-expectations.ts';
import { readJsonFile } from './json-file.ts';
import { Addresses } from './run-company.ts';

const LIMIT_MS = 240_000;
const PAUSE_MS = 300;
const systems = ['okta', 'crm', 'wiki', 'warehouse'] as const;

const Account = z.object({
  id: z.string(),
  userName: z.string(),
  status: z.string(),
  canLogIn: z.boolean(),
  groups: z.array(z.string()),
  sessions: z.number(),
});
const SystemState = z.object({
  accounts: z.array(Account),
  groups: z.array(z.object({ id: z.string(), name: z.string() })),
});
const Approvals = z.object({
  approvals: z.array(
    z.object({
      approvalId: z.string(),
      person: z.object({ name: z.string() }),
      items: z.array(
        z.object({
          itemDigest: z.string(),
          action: z.string(),
          entitlementId: z.string().nullable(),
          profileId: z.string().nullable(),
          decided: z.enum(['open', 'approved', 'denied']),
        }),
      ),
      decisions: z.array(z.object({ approver: z.object({ personId: z.string() }) })),
    }),
  ),
});
const Me = z.object({ personId: z.string().nullable() });
const Cases = z.object({
  cases: z.array(
    z.object({ caseId: z.string(), person: z.string(), kind: z.string(), state: z.string(), openedAt: z.string() }),
  ),
});
const Story = z.object({
  entries: z.array(
    z.object({
      at: z.string(),
      kind: z.string(),
      person: z.string().nullable(),
      data: z.record(z.string(), z.unknown()),
    }),
  ),
  after: z.number(),
});
const Incidents = z.object({
  incidents: z.array(z.object({ systemId: z.string(), kind: z.string(), state: z.string() })),
});
const Verification = z.object({ isSound: z.boolean() });
const Tickets = z.object({ incidents: z.array(z.object({ active: z.union([z.boolean(), z.string()]) }).loose()) });

type State = Record<(typeof systems)[number], z.infer<typeof SystemState>>;

class Api {
  readonly #url: string;
  readonly #token: string;
  personId = '';
  constructor(profile: string) {
    const file = join(process.env['USHER_DATA_DIR'] ?? 'data', 'profiles', `${profile}.json`);
    const { url, token } = z.object({ url: z.url(), token: z.string() }).parse(JSON.parse(readFileSync(file, 'utf8')));
    this.#url = url;
    this.#token = token;
  }
  async get<T>(path: string, shape: z.ZodType<T>): Promise<T> {
    return shape.parse(await this.#call('GET', path));
  }
  async post(path: string, body: object): Promise<void> {
    await this.#call('POST', path, body);
  }
  async #call(method: string, path: string, body?: object): Promise<unknown> {
    const headers: Record<string, string> = {
      authorization: `Bearer ${this.#token}`,
      'content-type': 'application/json',
    };
    const response = await fetch(`${this.#url}/api/v1${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function readState(origins: Record<string, string>): Promise<State> {
  const entries = await Promise.all(
    systems.map(async (system) => {
      const response = await fetch(new URL('/_sandbox/state', origins[system]));
      return [system, SystemState.parse(await response.json())] as const;
    }),
  );
  return Object.fromEntries(entries) as State;
}

/** Everything open that this person may decide, decided. */
async function decideAs(api: Api): Promise<number> {
  if (api.personId === '') api.personId = (await api.get('/me', Me)).personId ?? '';
  const { approvals } = await api.get('/approvals?of=mine', Approvals);
  let given = 0;
  for (const approval of approvals) {
    if (approval.decisions.some((decision) => decision.approver.personId === api.personId)) continue;
    const verdicts = approval.items.map((item) => ({
      itemDigest: item.itemDigest,
      verdict: verdictOn(item, approval.person.name),
    }));
    await api.post(`/approvals/${approval.approvalId}/decisions`, { verdicts, reason: 'decided in the demonstration' });
    given += 1;
    console.log(`  ${approval.person.name}: ${verdicts.length} decided`);
  }
  return given;
}

const loginOf = (name: string): string =>
  name
    .normalize('NFD')
    .toLowerCase()
    .replace(/[^a-z ]/g, '')
    .replace(' ', '.');

/** What differs from the expectation, in the systems' own words; empty when all holds. */
function differences(expected: Expectation, state: State): string[] {
  return systems.flatMap((system) => {
    const { accounts, groups } = state[system];
    const nameOf = new Map(groups.map((group) => [group.id, group.name]));
    const mine = accounts.filter((account) => account.userName.split('@')[0] === loginOf(expected.name));
    if (mine.length > 1) return [`${expected.name}: ${mine.length} accounts at ${system}`];
    const held = (mine[0]?.groups ?? []).map((id) => nameOf.get(id) ?? id).filter((name) => name !== 'Everyone');
    const wanted = expected.groups[system] ?? [];
    const found: string[] = [];
    if (held.toSorted().join() !== wanted.toSorted().join()) {
      found.push(`${expected.name} at ${system}: holds [${held.join(', ')}], expected [${wanted.join(', ')}]`);
    }
    const shouldLogIn = wanted.length > 0;
    if ((mine[0]?.canLogIn ?? false) !== shouldLogIn) {
      found.push(`${expected.name} at ${system}: ${shouldLogIn ? 'cannot' : 'can still'} log in`);
    }
    if (!shouldLogIn && (mine[0]?.sessions ?? 0) > 0) found.push(`${expected.name} at ${system}: a session lives on`);
    return found;
  });
}

/** Nobody else may have gained or lost anything. */
function bystanderDifferences(before: State, after: State): string[] {
  const named = new Set(expectations.map(({ name }) => loginOf(name)));
  return systems.flatMap((system) => {
    const view = (state: State): Map<string, string> =>
      new Map(
        state[system].accounts
          .filter((account) => !named.has(account.userName.split('@')[0] ?? ''))
          .map((account) => [account.userName, `${account.status} ${account.groups.toSorted().join()}`]),
      );
    const [was, is] = [view(before), view(after)];
    return [...new Set([...was.keys(), ...is.keys()])]
      .filter((userName) => was.get(userName) !== is.get(userName))
      .map((userName) => `${userName} at ${system} changed, and nobody asked for it`);
  });
}

async function incidentsLeft(admin: Api, servicenow: string): Promise<string[]> {
  const { incidents } = await admin.get('/incidents', Incidents);
  const open = incidents
    .filter((incident) => incident.state === 'open')
    .map((incident) => `incident at ${incident.systemId} is still open`);
  const tickets = Tickets.parse(await (await fetch(new URL('/_sandbox/state', servicenow))).json());
  const active = tickets.incidents.filter((ticket) => String(ticket.active) === 'true').length;
  return active === 0 ? open : [...open, `${active} tickets are still open`];
}

async function readStory(admin: Api): Promise<z.infer<typeof Story>['entries']> {
  const all: z.infer<typeof Story>['entries'] = [];
  for (let after = 0; ;) {
    const page = await admin.get(`/story?after=${after}`, Story);
    all.push(...page.entries);
    if (page.entries.length === 0 || page.after <= after) return all;
    after = page.after;
  }
}

function printSummary(story: z.infer<typeof Story>['entries'], startedAtMs: number, wrong: readonly string[]): void {
  const table = new Table({
    head: ['person', 'kind', 'route', 'access / cut-off after', 'items verified', 'incidents', 'holds'],
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
    style: { head: [], border: [] },
  });
  for (const expected of expectations) {
    const mine = story.filter((entry) => entry.person === expected.name);
    const isFirst = (entry: (typeof mine)[number]): boolean =>
      entry.kind === (expected.kind === 'leaver' ? 'cutOff' : 'verified');
    const times = mine.filter(isFirst).map((entry) => Date.parse(entry.at) - startedAtMs);
    // A leaver is cut off when the last system was, a joiner has access with the first right.
    const afterMs = expected.kind === 'leaver' ? Math.max(...times) : Math.min(...times);
    const verified = mine
      .filter((entry) => entry.kind === 'verified')
      .reduce((sum, entry) => sum + (Array.isArray(entry.data['items']) ? entry.data['items'].length : 0), 0);
    const incidents = mine.filter((entry) => entry.kind === 'incidentOpened').length;
    const isRight = !wrong.some((line) => line.startsWith(expected.name));
    table.push([
      expected.name,
      expected.kind,
      expected.route,
      Number.isFinite(afterMs) ? `${(afterMs / 1000).toFixed(1)} s` : '–',
      verified,
      incidents,
      isRight ? 'yes' : 'NO',
    ]);
  }
  console.log(`\n${table.toString()}`);
}

async function main(): Promise<number> {
  const dataDir = process.env['USHER_DATA_DIR'] ?? 'data';
  const addresses = Addresses.parse(await readJsonFile(join(dataDir, 'sandbox', 'addresses.json')));
  const before = await readState(addresses.origins);
  const admin = new Api('admin');
  const people = deciders.map((profile) => new Api(profile));
  console.log(
    'The morning begins: six joiners, one of them a contractor, two leavers; the wiki is down, the CRM lies.',
  );
  const startedAtMs = Date.now();
  const morning = await fetch(`${addresses.control}/_sandbox/morning`, { method: 'POST' });
  if (!morning.ok) throw new Error(`the sandbox refused the morning: ${morning.status}`);
  let wrong: string[] = [];
  for (;;) {
    for (const api of people) await decideAs(api);
    const state = await readState(addresses.origins);
    wrong = [
      ...expectations.flatMap((expected) => differences(expected, state)),
      ...bystanderDifferences(before, state),
    ];
    wrong.push(...(await incidentsLeft(admin, addresses.origins['servicenow'] ?? '')));
    const { cases } = await admin.get('/cases', Cases);
    const unfinished = cases.filter(
      (entry) => entry.state !== 'done' && !(entry.kind === 'leaver' && entry.state === 'waiting'),
    );
    wrong.push(...unfinished.map((entry) => `${entry.person}: the case is ${entry.state}`));
    if (wrong.length === 0 || Date.now() - startedAtMs > LIMIT_MS) break;
    await pause(PAUSE_MS);
  }
  if (!(await admin.get('/audit/verify', Verification)).isSound) wrong.push('the evidence log does not verify');
  printSummary(await readStory(admin), startedAtMs, wrong);
  if (wrong.length > 0) {
    console.log(`\nThis does not hold:\n${wrong.map((line) => `  ${line}`).join('\n')}`);
    return 1;
  }
  console.log(
    `\nAll of it holds, read from the systems themselves, ${((Date.now() - startedAtMs) / 1000).toFixed(0)} s after the morning began. The evidence log verifies.`,
  );
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`The demonstration failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
