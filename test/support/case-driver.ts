/** What tests do to cases and read of them: hire, decide by API or by the signal of a mail, wait for a state, look into rows. */
import { Client } from '@temporalio/client';
import type { Employee } from '../../sandbox/bamboohr-state.ts';
import type { DecidePayload } from '../../src/workflows/wire.ts';
import { eventually, type World } from './world.ts';

export interface OpenApproval {
  approvalId: string;
  seats: { approverIds: string[] }[];
  items: { itemDigest: string; profileId: string | null; entitlementId: string | null }[];
}

export interface HireInput {
  firstName: string;
  lastName: string;
  jobTitle?: string;
  department?: string;
  supervisorEId?: string;
  /** Days from today. */
  startsInDays?: number;
}

const dayMs = 86_400_000;

export function dateInDays(world: World, days: number): string {
  return new Date(world.clock.now().getTime() + days * dayMs).toISOString().slice(0, 10);
}

/** By default a software engineer in Berlin, who gets everything without a question. Resolves when Usher knows the person. */
export async function hire(world: World, input: HireInput): Promise<{ employee: Employee; personId: string }> {
  const { startsInDays, ...names } = input;
  const employee = world.company.bamboohr.hr.hire({
    jobTitle: 'Software Engineer',
    department: 'Engineering',
    location: 'Berlin',
    supervisorEId: '103',
    ...(startsInDays === undefined ? {} : { hireDate: dateInDays(world, startsInDays) }),
    ...names,
  });
  return { employee, personId: await world.personId(employee.id) };
}

export async function caseState(world: World, personId: string, n: number): Promise<string | null> {
  const row = await world.ownerDb
    .selectFrom('usher_case')
    .select('state')
    .where('person_id', '=', personId)
    .where('n', '=', n)
    .executeTakeFirst();
  return row?.state ?? null;
}

export async function untilCase(
  world: World,
  personId: string,
  n: number,
  state: string,
  limitMs = 30_000,
): Promise<void> {
  await eventually(
    async () => {
      const now = await caseState(world, personId, n);
      if (now !== state) throw new Error(`case ${n} is ${now}`);
      return true;
    },
    `case ${n} is ${state}`,
    limitMs,
  );
}

/** A leaver's removal is done when its case waits for the next sweep. */
export async function untilSweepWaits(world: World, personId: string, n: number, limitMs = 45_000): Promise<void> {
  await eventually(
    async () => {
      const row = await world.ownerDb
        .selectFrom('usher_case')
        .select(['state', 'is_effective', 'due_at'])
        .where('person_id', '=', personId)
        .where('n', '=', n)
        .executeTakeFirst();
      if (row?.state !== 'waiting' || !row.is_effective || row.due_at === null) throw new Error(JSON.stringify(row));
      return true;
    },
    `case ${n} waits for its sweep`,
    limitMs,
  );
}

/** The approval of a case that is open, other than `after`; waits for it. */
export async function openApproval(world: World, personId: string, n: number, after = ''): Promise<OpenApproval> {
  const row = await eventually(
    () =>
      world.ownerDb
        .selectFrom('approval')
        .selectAll()
        .where('person_id', '=', personId)
        .where('n', '=', n)
        .where('state', '=', 'open')
        .where('approval_id', '!=', after)
        .executeTakeFirst(),
    `an approval of case ${n} of ${personId} is open`,
  );
  const seats = row.seats as unknown as OpenApproval['seats'];
  return { approvalId: row.approval_id, seats, items: row.items as unknown as OpenApproval['items'] };
}

/** All that are open of a person, in the order of their opening. */
export async function openApprovals(world: World, personId: string) {
  return world.ownerDb
    .selectFrom('approval')
    .selectAll()
    .where('person_id', '=', personId)
    .where('state', '=', 'open')
    .orderBy('k')
    .execute();
}

export async function alertsOf(world: World, kind: string): Promise<{ alert_key: string; text: string }[]> {
  return world.ownerDb.selectFrom('alert').select(['alert_key', 'text']).where('kind', '=', kind).execute();
}

export async function evidenceCount(world: World, kind: string, what?: string): Promise<number> {
  const rows = await world.ownerDb.selectFrom('evidence').select('body').where('kind', '=', kind).execute();
  return rows.filter((row) => what === undefined || row.body['what'] === what).length;
}

/** A decision of that person over the API, as the console or CLI gives it. */
export async function decide(
  world: World,
  approvalId: string,
  approverId: string,
  verdictOf: (item: OpenApproval['items'][number]) => 'approve' | 'deny' | null,
): Promise<{ status: number; json: unknown }> {
  const row = await world.ownerDb
    .selectFrom('approval')
    .select('items')
    .where('approval_id', '=', approvalId)
    .executeTakeFirstOrThrow();
  const verdicts = row.items.flatMap((item) => {
    const verdict = verdictOf(item);
    return verdict === null ? [] : [{ itemDigest: item.itemDigest, verdict }];
  });
  const token = await world.tokenOf(approverId, ['decide', 'read:own-cases']);
  return world.api(`/api/v1/approvals/${approvalId}/decisions`, {
    method: 'POST',
    token,
    body: { verdicts, reason: 'as agreed' },
  });
}

/** Decides through the API as the first person of each seat. Throws where that is refused. */
export async function decideByApi(
  world: World,
  approval: OpenApproval,
  verdictOf: (item: OpenApproval['items'][number]) => 'approve' | 'deny' = () => 'approve',
): Promise<void> {
  const approvers = new Set(approval.seats.map((seat) => seat.approverIds[0] ?? ''));
  for (const approverId of approvers) {
    const { status, json } = await decide(world, approval.approvalId, approverId, verdictOf);
    if (status !== 201) throw new Error(`decision refused: ${status} ${JSON.stringify(json)}`);
  }
}

/** The ready JSON for the Temporal UI out of the latest mail about that approval. */
export async function mailedSignal(
  world: World,
  approvalId: string,
  verdict: 'approve' | 'deny',
): Promise<DecidePayload> {
  const mail = await eventually(
    () => world.company.mailbox.messages().findLast((message) => message.text.includes(approvalId)),
    `a mail about ${approvalId}`,
  );
  for (const line of mail.text.split('\n').filter((text) => text.trim().startsWith('{'))) {
    const payload = JSON.parse(line) as DecidePayload;
    if (payload.verdicts.every((entry) => entry.verdict === verdict)) return payload;
  }
  throw new Error(`the mail about ${approvalId} holds no ready "${verdict}"`);
}

/** Sends the signal as the Temporal UI does: plain JSON, without the codec of this installation. */
export async function signalLikeTemporalUi(
  world: World,
  workflowId: string,
  payload: unknown,
  name = 'decide',
): Promise<void> {
  const { connection, options } = world.client;
  const plain = new Client({ connection, namespace: options.namespace });
  await plain.workflow.getHandle(workflowId).signal(name, payload);
}

/** A leaver removed everything and set its so-manieth sweep: nothing else of it sets a timer. */
export async function untilSweepIsSet(world: World, caseId: string, sweep: number): Promise<void> {
  await eventually(async () => {
    const history = await world.client.workflow.getHandle(caseId).fetchHistory();
    return (history.events ?? []).filter((event) => event.timerStartedEventAttributes).length >= sweep;
  }, `${caseId} has set sweep ${sweep}`);
}
