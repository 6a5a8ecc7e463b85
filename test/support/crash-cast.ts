/** The people of the crash tests, what happens to them, and when it is over. */
import type { CompanyProcesses } from './company-processes.ts';
import { traceOf, type Trace } from './trace.ts';
import { eventually } from './world.ts';

/** Sweeps within seconds, so that a leaver's case comes to its end. */
export const crashPolicy = [
  { file: 'rules.yaml', find: 'sweepsAfter: [15m, 24h]', replace: 'sweepsAfter: [1s, 2s]' },
  { file: 'rules.yaml', find: 'maxPerHour: 10, maxPerDay: 20', replace: 'maxPerHour: 500, maxPerDay: 500' },
];

export interface Subject {
  key: string;
  personId: string;
}

const dayMs = 86_400_000;
/** A day so many days away. */
export const isoDate = (offsetDays: number): string =>
  new Date(Date.now() + offsetDays * dayMs).toISOString().slice(0, 10);

/** Somebody for whom policy decides alone. */
export function hireEngineer(of: CompanyProcesses, lastName: string, hireDate = isoDate(-2)): string {
  const job = { jobTitle: 'Software Engineer', department: 'Engineering', location: 'Berlin', supervisorEId: '103' };
  return of.company.bamboohr.hr.hire({ firstName: 'Robin', lastName, ...job, hireDate }).id;
}

/** Somebody whose manager (105) is asked about the customers' data. */
export function hireSeller(of: CompanyProcesses, lastName: string, hireDate = isoDate(-2)): string {
  const job = { jobTitle: 'Account Executive', department: 'Sales', location: 'London', supervisorEId: '105' };
  return of.company.bamboohr.hr.hire({ firstName: 'Sam', lastName, ...job, hireDate }).id;
}

export const caseStateOf = async (of: CompanyProcesses, personId: string, n: number): Promise<string | null> =>
  (
    await of.ownerDb
      .selectFrom('usher_case')
      .select('state')
      .where('person_id', '=', personId)
      .where('n', '=', n)
      .executeTakeFirst()
  )?.state ?? null;

/** Waits until the case is done and answers what is left of the person's matter. */
export async function traceWhenDone(of: CompanyProcesses, key: string, n = 1, limitMs = 60_000): Promise<Trace> {
  const personId = await of.personId(key);
  await eventually(
    async () => {
      const state = await caseStateOf(of, personId, n);
      if (state !== 'done') throw new Error(`case ${n} is ${state}`);
      return true;
    },
    `case ${n} of ${key} is done`,
    limitMs,
  );
  return eventually(async () => {
    const trace = await traceOf(of, personId, key);
    return trace.leftBehind === 0 ? trace : null;
  }, 'nothing is left behind');
}

/** The open approvals of a person. */
export async function openApprovalIds(of: CompanyProcesses, personId: string): Promise<string[]> {
  const rows = await of.ownerDb
    .selectFrom('approval')
    .select('approval_id')
    .where('person_id', '=', personId)
    .where('state', '=', 'open')
    .orderBy('k')
    .execute();
  return rows.map((row) => row.approval_id);
}

/** Approves everything of an approval over the API. Rejects when the server dies meanwhile. */
export async function approve(
  of: Pick<CompanyProcesses, 'ownerDb' | 'api'>,
  approvalId: string,
  token: string,
): Promise<number> {
  const row = await of.ownerDb
    .selectFrom('approval')
    .select('items')
    .where('approval_id', '=', approvalId)
    .executeTakeFirstOrThrow();
  const verdicts = row.items.map(({ itemDigest }) => ({ itemDigest, verdict: 'approve' }));
  const path = `/api/v1/approvals/${approvalId}/decisions`;
  return (await of.api(path, { method: 'POST', token, body: { verdicts, reason: 'fits the job' } })).status;
}
