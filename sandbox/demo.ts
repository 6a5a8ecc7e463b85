/**
 * `npm run demo`: the first morning without a person. Approvals are given through the public API as the people concerned;
 * the outcome is read from the sandbox systems, never from Usher's own store. Exit code 0 only if all of it holds.
 */
import { join } from 'node:path';
import Table from 'cli-table3';
import { z } from 'zod';
import {
  Approvals,
  CaseDetail,
  Cases,
  DemoApi,
  Incidents,
  Me,
  readStory,
  Verification,
  type StoryEntry,
} from './demo-api.ts';
import { differencesOf, readSystems } from './demo-differences.ts';
import { deciders, expectations, verdictOn } from './demo-expectations.ts';
import { readJsonFile } from './json-file.ts';
import { Addresses } from './run-company.ts';

const LIMIT_MS = 240_000;
const PAUSE_MS = 300;
/** Nothing is under way any more, and something is still wrong: it will not right itself. */
const SETTLED_LIMIT_MS = 15_000;

const Tickets = z.object({ incidents: z.array(z.object({ fields: z.record(z.string(), z.string()) })) });
type CaseEntry = z.infer<typeof Cases>['cases'][number];
type Decider = z.infer<typeof Me> & { api: DemoApi };

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** Decides all that waits for this person. */
async function decideAs({ api, personId, name }: Decider): Promise<void> {
  const { approvals } = await api.get('/approvals?of=mine', Approvals);
  for (const approval of approvals) {
    if (approval.decisions.some((decision) => decision.approver.personId === personId)) continue;
    const verdicts = approval.items.map((item) => ({
      itemDigest: item.itemDigest,
      verdict: verdictOn(item, approval.person.name),
    }));
    await api.post(`/approvals/${approval.approvalId}/decisions`, { verdicts, reason: 'decided in the demonstration' });
    const approved = verdicts.filter(({ verdict }) => verdict === 'approve').length;
    console.log(`  ${name} on ${approval.person.name}: ${approved} approved, ${verdicts.length - approved} denied`);
  }
}

/** Incidents that are open, and tickets that are, as the ticketing system itself says. */
async function openIncidents(admin: DemoApi, servicenow: string | undefined): Promise<string[]> {
  const { incidents } = await admin.get('/incidents', Incidents);
  const open = incidents.filter(({ state }) => state === 'open');
  const tickets = Tickets.parse(await (await fetch(new URL('/_sandbox/state', servicenow))).json());
  const active = tickets.incidents.filter(({ fields }) => fields['active'] === 'true').length;
  return [
    ...open.map(({ systemId }) => `the incident at ${systemId} is still open`),
    ...(active === 0 ? [] : [`${active} tickets are still open`]),
  ];
}

/** A leaver's case goes on with its sweeps, 15 minutes and 24 hours later. */
const isOver = ({ kind, state }: CaseEntry): boolean => state === 'done' || (kind === 'leaver' && state === 'waiting');

async function caseColumns(admin: DemoApi, name: string, cases: readonly CaseEntry[]): Promise<[number, number]> {
  const caseId = cases.find((entry) => entry.person === name)?.caseId;
  if (caseId === undefined) return [0, 0];
  const { operations, timeline } = await admin.get(`/cases/${caseId}`, CaseDetail);
  const verified = operations.filter(({ state }) => state === 'verified').map(({ itemDigest }) => itemDigest);
  return [new Set(verified).size, timeline.filter(({ kind }) => kind === 'incidentOpened').length];
}

async function printSummary(admin: DemoApi, startedAtMs: number, wrong: readonly string[]): Promise<void> {
  const story = await readStory(admin);
  const { cases } = await admin.get('/cases', Cases);
  const table = new Table({
    head: ['person', 'case', 'decided by', 'access / cut off after', 'items verified', 'incidents', 'as expected'],
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
    style: { head: [], border: [] },
  });
  for (const { name, kind, route } of expectations) {
    const afterMs = timeToEffectMs(story, name, kind, startedAtMs);
    const [verified, incidents] = await caseColumns(admin, name, cases);
    const isRight = !wrong.some((line) => line.startsWith(name));
    const after = Number.isFinite(afterMs) ? seconds(afterMs) : '–';
    table.push([name, kind, route, after, verified, incidents, isRight ? 'yes' : 'NO']);
  }
  console.log(`\n${table.toString()}`);
  console.log(
    'Times run from the change in the HR system to the first right, or the last login, that a read confirmed.',
  );
}

/** A joiner has access with the first right; a leaver is cut off when the last system was. */
function timeToEffectMs(story: readonly StoryEntry[], name: string, kind: string, startedAtMs: number): number {
  const telling = kind === 'leaver' ? 'cutOff' : 'verified';
  const times = story.filter((entry) => entry.person === name && entry.kind === telling);
  const afterMs = times.map((entry) => Date.parse(entry.at) - startedAtMs);
  if (afterMs.length === 0) return Number.NaN;
  return kind === 'leaver' ? Math.max(...afterMs) : Math.min(...afterMs);
}

/** Decides and looks until all holds, or until it no longer can; answers with what differs. */
async function playMorning(
  admin: DemoApi,
  people: readonly Decider[],
  { origins, control }: z.infer<typeof Addresses>,
): Promise<string[]> {
  const before = await readSystems(origins);
  const startedAtMs = Date.now();
  const morning = await fetch(`${control}/_sandbox/morning`, { method: 'POST' });
  if (!morning.ok) throw new Error(`the sandbox refused the morning: ${morning.status}`);
  for (let settledAtMs: number | null = null; ; await pause(PAUSE_MS)) {
    for (const person of people) await decideAs(person);
    const { cases } = await admin.get('/cases', Cases);
    const underWay = cases.filter((entry) => !isOver(entry));
    const wrong = [
      ...differencesOf(before, await readSystems(origins)),
      ...(await openIncidents(admin, origins['servicenow'])),
      ...underWay.map(({ person, state }) => `${person}: the case is still ${state}`),
    ];
    const now = Date.now();
    settledAtMs = underWay.length > 0 || cases.length < expectations.length ? null : (settledAtMs ?? now);
    if (wrong.length === 0 || now - startedAtMs > LIMIT_MS || now - (settledAtMs ?? now) > SETTLED_LIMIT_MS) {
      if (!(await admin.get('/audit/verify', Verification)).isSound) wrong.push('the evidence log does not verify');
      await printSummary(admin, startedAtMs, wrong);
      if (wrong.length === 0) console.log(`All of it holds, ${seconds(now - startedAtMs)} after the morning began.`);
      return wrong;
    }
  }
}

async function main(): Promise<number> {
  const dataDir = process.env['USHER_DATA_DIR'] ?? 'data';
  const addresses = Addresses.parse(await readJsonFile(join(dataDir, 'sandbox', 'addresses.json')));
  const admin = new DemoApi(dataDir, 'admin');
  const people: Decider[] = [];
  for (const profile of deciders) {
    const api = new DemoApi(dataDir, profile);
    people.push({ api, ...(await api.get('/me', Me)) });
  }
  console.log('\nThe morning begins: six people start, two leave, the wiki is down for 20 s, the CRM lies twice.');
  const wrong = await playMorning(admin, people, addresses);
  if (wrong.length > 0) {
    console.log(`\nThis does not hold:\n${wrong.map((line) => `  ${line}`).join('\n')}`);
    return 1;
  }
  console.log("Read from the systems themselves, not from Usher's store. The evidence log verifies.");
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`The demonstration failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
