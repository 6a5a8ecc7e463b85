/** What people and vendors do while a chaos run goes on: calls that fail, everybody who is asked saying yes, another attempt for what failed. */
import { Connection } from '@temporalio/client';
import type { FaultRule } from '../../sandbox/faults.ts';
import { systemNames } from './chaos-stories.ts';
import type { CompanyProcesses } from './company-processes.ts';
import { approve } from './crash-cast.ts';

const faultKinds: Omit<FaultRule, 'times' | 'probability'>[] = [
  { kind: 'status', status: 500 },
  { kind: 'status', status: 503 },
  { kind: 'throttle', retryAfterSeconds: 1 },
  { kind: 'reset' },
  { kind: 'malformed' },
  { kind: 'lostResponse' },
  { kind: 'lie' },
];
export const faulty = ['bamboohr', ...systemNames, 'servicenow'] as const;

/** Together the kinds hit that share of the calls at every system. */
export function addFaults({ company }: CompanyProcesses, share: number): void {
  for (const system of faulty) {
    for (const kind of faultKinds) {
      company[system].faults.add({ ...kind, times: null, probability: share / faultKinds.length });
    }
  }
}

/** How many calls each kind of fault hit. */
export function countFaults({ company }: CompanyProcesses): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { fault } of faulty.flatMap((system) => company[system].calls)) {
    if (fault) counts[fault] = (counts[fault] ?? 0) + 1;
  }
  return counts;
}

/** What is needed to act as a person, whether the company runs in processes of its own or in the test. */
type Desk = Pick<CompanyProcesses, 'ownerDb' | 'tokenOf' | 'personId' | 'api'>;

/** Everybody who is asked says yes, again and again until it is stopped. */
export function decideAll(usher: Desk, pauseMs = 400): { stop(): Promise<void> } {
  let isOn = true;
  const tokens = new Map<string, string>();
  const tokenOf = async (personId: string): Promise<string> => {
    const token = tokens.get(personId) ?? (await usher.tokenOf(personId, ['decide', 'read:own-cases']));
    tokens.set(personId, token);
    return token;
  };
  const round = async (): Promise<void> => {
    const open = await usher.ownerDb.selectFrom('approval').selectAll().where('state', '=', 'open').execute();
    for (const { approval_id, seats } of open) {
      for (const seat of seats) {
        const [approver] = seat.approverIds;
        // Refused, or the server is down: the next round asks again.
        if (approver) await approve(usher, approval_id, await tokenOf(approver)).catch(() => undefined);
      }
    }
  };
  const running = (async () => {
    while (isOn) {
      // The database may be down as well.
      await round().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  })();
  return {
    async stop() {
      isOn = false;
      await running;
    },
  };
}

/** What a person would do about a change that failed twice: ask for another attempt. Answers how often. */
export async function retryFailed(usher: Desk): Promise<number> {
  const token = await usher.tokenOf(await usher.personId('109'), ['operate']);
  const failed = await usher.ownerDb
    .selectFrom('incident_item as i')
    .innerJoin('incident as o', 'o.incident_id', 'i.incident_id')
    .select(['o.system_id', 'i.person_id', 'i.n'])
    .where('o.kind', '=', 'itemFailed')
    .where('i.detached_at', 'is', null)
    .execute();
  for (const { system_id: systemId, person_id, n } of failed) {
    await usher.api(`/api/v1/cases/case_${person_id}_${n}/retry`, { method: 'POST', token, body: { systemId } });
  }
  return failed.length;
}

/** Cases, deliveries, incidents and events that are not at their end. */
export async function unfinished({
  ownerDb: db,
  underived,
}: Pick<CompanyProcesses, 'ownerDb' | 'underived'>): Promise<string[]> {
  const cases = await db.selectFrom('usher_case').selectAll().where('closed_at', 'is', null).execute();
  const rows = await db.selectFrom('delivery').selectAll().where('delivered_at', 'is', null).execute();
  const incidents = await db.selectFrom('incident').selectAll().where('state', '=', 'open').execute();
  return [
    ...cases.map((row) => `${row.case_id} ${row.kind} ${row.state}`),
    ...rows.map((row) => `${row.kind} of ${row.person_id} ${row.n}`),
    ...incidents.map((row) => `incident ${row.kind} at ${row.system_id}`),
    ...((await underived()) > 0 ? ['events'] : []),
  ];
}

export async function runningWorkflows(usher: CompanyProcesses, address: string): Promise<string[]> {
  const connection = await Connection.connect({ address });
  try {
    const query = "ExecutionStatus = 'Running'";
    const namespace = usher.temporalNamespace;
    const answer = await connection.workflowService.listWorkflowExecutions({ namespace, query });
    return (answer.executions ?? []).map(({ execution }) => execution?.workflowId ?? '');
  } finally {
    await connection.close();
  }
}
