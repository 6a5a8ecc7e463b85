/** The scenarios whose histories are kept: together they take every workflow type through its branches. */
import type { PolicyEdit } from '../support/policy-folder.ts';
import {
  dateInDays,
  decideByApi,
  hire,
  mailedSignal,
  openApproval,
  signalLikeTemporalUi,
  untilCase,
  untilSweepIsSet,
} from '../support/case-driver.ts';
import { fastForward, setSkipping } from '../support/time-skip.ts';
import { eventually, type World } from '../support/world.ts';

export interface Scenario {
  name: string;
  /** Answers whose workflows are kept. */
  run: (world: World) => Promise<{ personId: string }>;
}

/** An outage counts after a second, so that the recording does not take a quarter of an hour. */
export const recordingPolicy: readonly PolicyEdit[] = [
  { file: 'rules.yaml', find: 'incidentAfter: 15m', replace: 'incidentAfter: 1s' },
];

const accountExecutive = { jobTitle: 'Account Executive', department: 'Sales', supervisorEId: '105' };
/** Nobody's profile speaks of this title. */
const unforeseen = { jobTitle: 'Archivist', department: 'Library', supervisorEId: '103' };

const joinsAtOnce: Scenario = {
  name: 'joins-without-questions',
  async run(world) {
    const { personId } = await hire(world, { firstName: 'Auto', lastName: 'Matic' });
    await untilCase(world, personId, 1, 'done');
    return { personId };
  },
};

const approvedByUpdate: Scenario = {
  name: 'approved-by-update',
  async run(world) {
    const { personId } = await hire(world, { firstName: 'Una', lastName: 'Update', ...accountExecutive });
    await decideByApi(world, await openApproval(world, personId, 1));
    await untilCase(world, personId, 1, 'done');
    return { personId };
  },
};

const approvedBySignal: Scenario = {
  name: 'approved-by-signal',
  async run(world) {
    const { personId } = await hire(world, { firstName: 'Sven', lastName: 'Signal', ...accountExecutive });
    const { approvalId } = await openApproval(world, personId, 1);
    const payload = await mailedSignal(world, approvalId, 'approve');
    await signalLikeTemporalUi(world, approvalId, { ...payload, code: 'not-the-code' });
    await signalLikeTemporalUi(world, approvalId, 'not even an object');
    await signalLikeTemporalUi(world, approvalId, payload);
    await untilCase(world, personId, 1, 'done');
    return { personId };
  },
};

const moves: Scenario = {
  name: 'moves-to-another-role',
  async run(world) {
    const { personId, employee } = await hire(world, { firstName: 'Mo', lastName: 'Ver' });
    await untilCase(world, personId, 1, 'done');
    world.company.bamboohr.hr.setFields(employee.id, accountExecutive);
    await decideByApi(world, await openApproval(world, personId, 2));
    await untilCase(world, personId, 2, 'done');
    return { personId };
  },
};

const expired: Scenario = {
  name: 'reminded-and-expired',
  async run(world) {
    const { personId } = await hire(world, { firstName: 'Sil', lastName: 'Ence', ...accountExecutive });
    const { approvalId } = await openApproval(world, personId, 1);
    await setSkipping(world.client, approvalId, true);
    await untilCase(world, personId, 1, 'done');
    return { personId };
  },
};

const rescindedWhileWaiting: Scenario = {
  name: 'rescinded-before-the-first-day',
  async run(world) {
    const { personId, employee } = await hire(world, { firstName: 'Nev', lastName: 'Erstarts', startsInDays: 30 });
    await untilCase(world, personId, 1, 'waiting');
    world.company.bamboohr.hr.setField(employee.id, 'hireDate', dateInDays(world, 20));
    world.company.bamboohr.hr.rescind(employee.id, 'hire');
    await untilCase(world, personId, 1, 'cancelled');
    return { personId };
  },
};

const managerChooses: Scenario = {
  name: 'manager-chooses-a-profile',
  async run(world) {
    const { personId } = await hire(world, { firstName: 'Cho', lastName: 'Ice', ...unforeseen });
    const choice = await openApproval(world, personId, 1);
    await decideByApi(world, choice, (item) => (item.profileId === 'product' ? 'approve' : 'deny'));
    await decideByApi(world, await openApproval(world, personId, 1, choice.approvalId));
    await untilCase(world, personId, 1, 'done');
    return { personId };
  },
};

const systemLies: Scenario = {
  name: 'a-write-without-effect',
  async run(world) {
    world.company.okta.faults.add({ kind: 'lie', method: 'PUT', path: '/groups/00gengineering' });
    const { personId } = await hire(world, { firstName: 'Li', lastName: 'Edto' });
    await untilCase(world, personId, 1, 'done');
    return { personId };
  },
};

const failedItemIsRetried: Scenario = {
  name: 'a-failed-item-is-tried-again',
  async run(world) {
    world.company.okta.faults.add({ kind: 'lie', method: 'PUT', path: '/groups/00gengineering', times: 2 });
    const { personId } = await hire(world, { firstName: 'Re', lastName: 'Tried' });
    const incidents = world.ownerDb.selectFrom('incident').select('state').where('kind', '=', 'itemFailed');
    const isNow = async (state: string): Promise<boolean> => (await incidents.executeTakeFirst())?.state === state;
    await eventually(() => isNow('open'), 'an incident about the item is open');
    const token = await world.tokenOf(await world.personId('109'), ['operate']);
    const path = `/api/v1/cases/case_${personId}_1/retry`;
    const { status } = await world.api(path, { method: 'POST', token, body: { systemId: 'okta' } });
    if (status !== 202) throw new Error(`retry refused: ${status}`);
    await untilCase(world, personId, 1, 'done');
    await eventually(() => isNow('closed'), 'the incident is closed');
    return { personId };
  },
};

const denied: Scenario = {
  name: 'denied-by-update',
  async run(world) {
    const { personId } = await hire(world, { firstName: 'De', lastName: 'Nied', ...accountExecutive });
    await decideByApi(world, await openApproval(world, personId, 1), () => 'deny');
    await untilCase(world, personId, 1, 'done');
    return { personId };
  },
};

const systemIsDown: Scenario = {
  name: 'a-system-is-down',
  async run(world) {
    world.company.wiki.faults.setDown('503');
    const { personId } = await hire(world, { firstName: 'Out', lastName: 'Age' });
    const isOpen = async (): Promise<boolean> => {
      const incidents = world.ownerDb.selectFrom('incident').select('incident_id').where('system_id', '=', 'wiki');
      return (await incidents.where('closed_at', 'is', null).execute()).length > 0;
    };
    await eventually(isOpen, 'an incident about the wiki is open');
    world.company.wiki.faults.setDown(null);
    await untilCase(world, personId, 1, 'done');
    return { personId };
  },
};

const leaves: Scenario = {
  name: 'leaves-at-once',
  async run(world) {
    const { personId, employee } = await hire(world, { firstName: 'Le', lastName: 'Aver' });
    await untilCase(world, personId, 1, 'done');
    world.company.bamboohr.hr.terminate(employee.id);
    await untilSweepIsSet(world, `case_${personId}_2`, 1);
    await setSkipping(world.client, `case_${personId}_2`, true);
    await untilCase(world, personId, 2, 'done');
    return { personId };
  },
};

const leavesWhileJoining: Scenario = {
  name: 'leaves-while-approvers-are-asked',
  async run(world) {
    const { personId, employee } = await hire(world, { firstName: 'Short', lastName: 'Stay', ...accountExecutive });
    await openApproval(world, personId, 1);
    // A cut-off that meets a failure goes on as a normal activity.
    world.company.crm.faults.add({ kind: 'status', status: 503, times: 2 });
    world.company.bamboohr.hr.terminate(employee.id);
    await untilCase(world, personId, 1, 'cancelled');
    await untilSweepIsSet(world, `case_${personId}_2`, 1);
    await fastForward(world.client, `case_${personId}_2`, 0.02);
    await untilSweepIsSet(world, `case_${personId}_2`, 2);
    await setSkipping(world.client, `case_${personId}_2`, true);
    await untilCase(world, personId, 2, 'done');
    return { personId };
  },
};

const departureTakenBack: Scenario = {
  name: 'a-departure-is-taken-back',
  async run(world) {
    const { personId, employee } = await hire(world, { firstName: 'Sta', lastName: 'Ying' });
    await untilCase(world, personId, 1, 'done');
    world.company.bamboohr.hr.terminate(employee.id, { date: dateInDays(world, 30) });
    await untilCase(world, personId, 2, 'waiting');
    world.company.bamboohr.hr.rescind(employee.id, 'termination');
    await untilCase(world, personId, 2, 'cancelled');
    return { personId };
  },
};

/** In this order, one after the other: some take a system down. */
export const scenarios: readonly Scenario[] = [
  joinsAtOnce,
  approvedByUpdate,
  approvedBySignal,
  moves,
  expired,
  rescindedWhileWaiting,
  managerChooses,
  denied,
  systemLies,
  failedItemIsRetried,
  systemIsDown,
  leaves,
  leavesWhileJoining,
  departureTakenBack,
];
