/** What an approval must refuse, on whichever surface it comes, and what the refusal leaves behind: evidence, at most one alert, no change. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { runCli } from '../../src/cli/program.ts';
import { decide as decideSignal, submitDecision, type DecidePayload } from '../../src/workflows/wire.ts';
import {
  decide,
  evidenceCount,
  hire,
  mailedSignal,
  openApproval,
  type OpenApproval,
  signalLikeTemporalUi,
  untilCase,
} from '../support/case-driver.ts';
import { holdingAt } from '../support/company-view.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

let world: World;

beforeAll(async () => {
  // Its owner is one of security here: one person in two seats.
  const owned = (owner: string): string => `vendorId: 00gdeployproduction0\n    owner: bamboohr/${owner}`;
  world = await createWorld({
    policyEdits: [{ file: 'entitlements.yaml', find: owned('102'), replace: owned('110') }],
  });
});
afterAll(async () => {
  await world.close();
});

const siteReliability = { jobTitle: 'Site Reliability Engineer', supervisorEId: '104' };
const seller = { jobTitle: 'Account Executive', department: 'Sales', supervisorEId: '105' };
let hires = 0;

async function anApproval(job: object): Promise<{ personId: string; approval: OpenApproval }> {
  hires += 1;
  const { personId } = await hire(world, { firstName: 'Refused', lastName: `Number ${hires}`, ...job });
  return { personId, approval: await openApproval(world, personId, 1) };
}

const approversOf = (approval: OpenApproval): string[] => [
  ...new Set(approval.seats.flatMap((seat) => seat.approverIds)),
];
const handleOf = ({ approvalId }: OpenApproval) => world.client.workflow.getHandle(approvalId);

async function logged(approval: OpenApproval, what: string): Promise<void> {
  await eventually(async () => {
    const { log } = await handleOf(approval).query<{ log: string[] }, []>('status');
    return log.some((line) => line.includes(what));
  }, `the approval logs "${what}"`);
}

async function decisionsOn({ approvalId }: OpenApproval): Promise<{ surface: string; approver_id: string }[]> {
  return world.ownerDb
    .selectFrom('decision')
    .select(['surface', 'approver_id'])
    .where('approval_id', '=', approvalId)
    .execute();
}

async function refusalsOf({ approvalId }: OpenApproval): Promise<Record<string, unknown>[]> {
  const rows = await world.ownerDb.selectFrom('evidence').select('body').where('kind', '=', 'refused').execute();
  return rows.map((row) => row.body).filter((body) => body['approvalId'] === approvalId);
}

async function alertsAbout({ approvalId }: OpenApproval): Promise<number> {
  const rows = await world.ownerDb.selectFrom('alert').select('alert_key').execute();
  return rows.filter((row) => row.alert_key.includes(approvalId)).length;
}

async function usher(personId: string, ...args: string[]): Promise<{ exitCode: number; error: string }> {
  let error = '';
  const exitCode = await runCli(args, {
    env: { USHER_TOKEN: await world.tokenOf(personId, ['decide', 'read:own-cases']), USHER_SERVER_URL: world.url },
    writeOut: () => undefined,
    writeError: (text) => void (error += text),
  });
  return { exitCode, error };
}

/** The newest mail that this approver got about the approval. */
async function mailTo(approverId: string, { approvalId }: OpenApproval): Promise<string> {
  const mail = await eventually(
    () =>
      world.company.mailbox.messages().findLast(({ text }) => text.includes(approvalId) && text.includes(approverId)),
    `a mail to ${approverId}`,
  );
  return mail.text;
}

async function linkOf(approverId: string, approval: OpenApproval): Promise<string> {
  const link = /http\S+(\/decide\/\S+)/.exec(await mailTo(approverId, approval))?.[1];
  if (link === undefined) throw new Error('the mail has no link');
  return `${world.url}${link}`;
}

const formOf = (verdicts: { itemDigest: string; verdict: string }[]): URLSearchParams =>
  new URLSearchParams(Object.fromEntries(verdicts.map((one) => [`v.${one.itemDigest}`, one.verdict])));

async function signalFor(
  approverId: string,
  approval: OpenApproval,
  verdict: 'approve' | 'deny',
): Promise<DecidePayload> {
  const lines = (await mailTo(approverId, approval)).split('\n').filter((line) => line.trim().startsWith('{'));
  const found = lines
    .map((line) => JSON.parse(line) as DecidePayload)
    .find((one) => one.verdicts[0]?.verdict === verdict);
  if (!found) throw new Error(`the mail has no ready "${verdict}"`);
  return found;
}

describe('a denial, and the approval of a risk above 6, without a reason', () => {
  test('is refused by API, CLI, page and signal, decides nothing and uses no proof up', async () => {
    const { approval } = await anApproval(siteReliability);
    expect(approval.items.every((item) => (item as unknown as { risk: number }).risk > 6)).toBe(true);
    const [approver = ''] = approversOf(approval);
    const token = await world.tokenOf(approver, ['decide']);
    for (const verdict of ['approve', 'deny'] as const) {
      const verdicts = approval.items.map(({ itemDigest }) => ({ itemDigest, verdict }));
      const path = `/api/v1/approvals/${approval.approvalId}/decisions`;
      for (const reason of ['', ' \t'])
        expect(await world.api(path, { method: 'POST', token, body: { verdicts, reason } })).toMatchObject({
          status: 400,
          json: { code: 'invalidInput', field: 'reason' },
        });
      const form = formOf(verdicts);
      const page = await fetch(await linkOf(approver, approval), { method: 'POST', body: form });
      expect(page.status).toBe(400);
      expect(await page.text()).toContain('needs a reason');
      const bare = { ...(await signalFor(approver, approval, verdict)), reason: '' };
      await signalLikeTemporalUi(world, approval.approvalId, bare);
    }
    expect(await usher(approver, 'approve', approval.approvalId)).toMatchObject({ exitCode: 2 });
    await logged(approval, 'approving a risk above 6 needs a reason');
    await logged(approval, 'a denial needs a reason');
    expect(await decisionsOn(approval)).toEqual([]);
    expect(await refusalsOf(approval)).toHaveLength(2);

    const ready = await signalFor(approver, approval, 'deny');
    await signalLikeTemporalUi(world, approval.approvalId, ready);
    await eventually(async () => (await decisionsOn(approval)).length === 1, 'the ready answer works as it stands');
  });

  test('the ready answers of a mail bring a reason exactly where one is needed', async () => {
    const { approval } = await anApproval(seller);
    expect((await mailedSignal(world, approval.approvalId, 'approve')).reason).toBe('');
    expect((await mailedSignal(world, approval.approvalId, 'deny')).reason).not.toBe('');
  });
});

describe('a signal', () => {
  test('without proof is recorded, and alerts once however many names it claims', async () => {
    const { personId, approval } = await anApproval(seller);
    const [approver = ''] = approversOf(approval);
    const ready = await signalFor(approver, approval, 'approve');
    const unproved: DecidePayload[] = [
      { ...ready, code: 'a code that nobody was given' },
      { ...ready, approverId: randomUUID() },
      { ...ready, approverId: await world.personId('110') },
      { ...ready, approverId: personId },
      { ...ready, verdicts: ready.verdicts.map((one) => ({ ...one, verdict: 'deny' as const })), reason: 'no' },
      { ...ready, code: new URL(await linkOf(approver, approval)).pathname.split('/').at(-1) ?? '' },
    ];
    for (const payload of unproved) await signalLikeTemporalUi(world, approval.approvalId, payload);
    await eventually(async () => {
      const { log } = await handleOf(approval).query<{ log: string[] }, []>('status');
      return log.length === unproved.length;
    }, 'all are judged');
    expect(await decisionsOn(approval)).toEqual([]);
    // Two of them differ only in the code, which is never kept.
    expect(await refusalsOf(approval)).toHaveLength(unproved.length - 1);
    expect((await refusalsOf(approval)).every((body) => body['code'] === 'unproved')).toBe(true);
    expect(await alertsAbout(approval)).toBe(1);
    expect(JSON.stringify(await refusalsOf(approval))).not.toContain(ready.code);

    await signalLikeTemporalUi(world, approval.approvalId, ready);
    await untilCase(world, personId, 1, 'done');
  });

  test('that is malformed is recorded with the field at fault and nothing of what it held', async () => {
    const { approval } = await anApproval(seller);
    const [approver = ''] = approversOf(approval);
    const ready = await signalFor(approver, approval, 'approve');
    const before = await evidenceCount(world, 'refused', 'decision');
    const secret = 'words that belong to nobody else';
    const malformed: [string, unknown][] = [
      ['payload', null],
      ['payload', secret],
      ['payload', [secret]],
      ['payload.approverId', { ...ready, approverId: secret }],
      ['payload.verdicts', { ...ready, verdicts: [] }],
      ['payload.verdicts.0.verdict', { ...ready, verdicts: [{ ...ready.verdicts[0], verdict: secret }] }],
      ['payload.verdicts.0.itemDigest', { ...ready, verdicts: [{ itemDigest: secret, verdict: 'approve' }] }],
      ['payload.reason', { ...ready, reason: 'x'.repeat(2001) }],
      ['payload.code', { ...ready, code: 7 }],
    ];
    for (const [, payload] of malformed) await signalLikeTemporalUi(world, approval.approvalId, payload);
    for (const [field] of malformed) await logged(approval, `malformed: ${field}`);
    expect(await decisionsOn(approval)).toEqual([]);
    const records = await world.ownerDb.selectFrom('evidence').select('body').where('kind', '=', 'refused').execute();
    const fields = records.map(({ body }) => body['field']).filter((field) => field !== undefined);
    expect(fields).toEqual(expect.arrayContaining(malformed.map(([field]) => field)));
    expect(JSON.stringify(records)).not.toContain(secret);
    // The three that hold no object are one fault.
    expect(await evidenceCount(world, 'refused', 'decision')).toBe(before + malformed.length - 2);
    expect(await alertsAbout(approval)).toBe(0);
  });

  test('about another approval decides neither and is recorded', async () => {
    const [one, other] = [await anApproval(seller), await anApproval(seller)];
    const [approver = ''] = approversOf(other.approval);
    const ready = await signalFor(approver, other.approval, 'approve');
    await handleOf(one.approval).signal(decideSignal, ready);
    await logged(one.approval, 'it names another approval');
    expect(await refusalsOf(one.approval)).toMatchObject([{ code: 'unproved', approverId: approver }]);
    await handleOf(one.approval).signal(decideSignal, { ...ready, approvalId: one.approval.approvalId });
    await logged(one.approval, 'the code is unknown');
    expect([await decisionsOn(one.approval), await decisionsOn(other.approval)]).toEqual([[], []]);
  });
});

describe('an update', () => {
  test.each([
    ['nothing', undefined],
    ['text', 'junk'],
    ['no id', {}],
    ['a number as id', { decisionId: 7 }],
  ])('with %s is rejected, names what was expected and leaves no trace in the history', async (_name, argument) => {
    const approval = await theOpenOne();
    const handle = handleOf(approval);
    await expect(handle.executeUpdate(submitDecision, { args: [argument as never] })).rejects.toMatchObject({
      cause: { message: expect.stringContaining('{decisionId}') },
    });
    const { events } = await handle.fetchHistory();
    expect(events?.filter((event) => event.workflowExecutionUpdateAcceptedEventAttributes)).toEqual([]);
  });

  test('that names a decision which nobody signed, or one of another approval, does not count', async () => {
    const approval = await theOpenOne();
    const foreign = await world.ownerDb
      .selectFrom('decision')
      .select('decision_id')
      .where('approval_id', '!=', approval.approvalId)
      .executeTakeFirstOrThrow();
    for (const decisionId of [randomUUID(), foreign.decision_id, 'no id at all'])
      expect(await handleOf(approval).executeUpdate(submitDecision, { args: [{ decisionId }] })).toEqual({
        isCounted: false,
        reason: 'no signed decision of that id',
      });
  });

  let open: OpenApproval | null = null;
  async function theOpenOne(): Promise<OpenApproval> {
    open ??= (await anApproval(seller)).approval;
    return open;
  }
});

describe('an approver', () => {
  test('who has both seats fills one of them: a second person has to agree', async () => {
    const { personId, approval } = await anApproval(siteReliability);
    const [both, security] = await Promise.all(['110', '111'].map((key) => world.personId(key)));
    expect(approval.seats.every((seat) => seat.approverIds.includes(both ?? ''))).toBe(true);
    expect((await decide(world, approval.approvalId, both ?? '', () => 'approve')).status).toBe(201);
    await logged(approval, `decided by ${both ?? ''}`);
    expect(holdingAt(world, 'okta', [personId]).groupIds).not.toContain('00gdeployproduction0');
    expect((await decide(world, approval.approvalId, both ?? '', () => 'approve')).json).toMatchObject({
      code: 'alreadyDecided',
    });
    expect((await decide(world, approval.approvalId, security ?? '', () => 'approve')).status).toBe(201);
    await untilCase(world, personId, 1, 'done');
    expect(holdingAt(world, 'okta', [personId]).groupIds).toContain('00gdeployproduction0');
  });

  test('whose access was cut off cannot decide by page, API or signal', async () => {
    const boss = await hire(world, { firstName: 'Gone', lastName: 'Boss', jobTitle: 'Software Engineer' });
    const { approval } = await anApproval({ ...seller, supervisorEId: boss.employee.id });
    expect(approversOf(approval)).toEqual([boss.personId]);
    const token = await world.tokenOf(boss.personId, ['decide']);
    const link = await linkOf(boss.personId, approval);
    const ready = await signalFor(boss.personId, approval, 'approve');
    expect((await fetch(link)).status).toBe(200);

    world.company.bamboohr.hr.terminate(boss.employee.id);
    await eventually(() => !holdingAt(world, 'okta', [boss.personId]).canLogIn, 'the approver is cut off');
    const verdicts = approval.items.map(({ itemDigest }) => ({ itemDigest, verdict: 'approve' as const }));
    expect((await fetch(link)).status).toBe(404);
    const form = formOf(verdicts);
    expect((await fetch(link, { method: 'POST', body: form })).status).toBe(404);
    const path = `/api/v1/approvals/${approval.approvalId}/decisions`;
    expect((await world.api(path, { method: 'POST', token, body: { verdicts, reason: 'x' } })).status).toBe(401);
    await signalLikeTemporalUi(world, approval.approvalId, ready);
    await logged(approval, 'the code is unknown');
    expect(await decisionsOn(approval)).toEqual([]);
    expect(await refusalsOf(approval)).toMatchObject([{ code: 'unproved', approverId: boss.personId }]);
  });

  test('may decide some items now and the rest later, by different surfaces, and each item goes its way', async () => {
    const { personId, approval } = await anApproval({
      jobTitle: 'Software Engineer',
      employmentHistoryStatus: 'Contractor',
    });
    expect(approval.items.length).toBeGreaterThan(2);
    const [approver = ''] = approversOf(approval);
    const [denied] = approval.items;
    if (!denied) throw new Error('unreachable');
    const only = (digest: string) => (item: { itemDigest: string }) => (item.itemDigest === digest ? 'deny' : null);
    expect((await decide(world, approval.approvalId, approver, only(denied.itemDigest))).status).toBe(201);
    expect(await usher(approver, 'approve', approval.approvalId)).toEqual({ exitCode: 0, error: '' });
    await untilCase(world, personId, 1, 'done');
    const surfaces = (await decisionsOn(approval)).map(({ surface }) => surface);
    expect(surfaces.toSorted()).toEqual(['api', 'cli']);
    const grants = await world.ownerDb
      .selectFrom('person_grant')
      .select('entitlement_id')
      .where('person_id', '=', personId)
      .where('state', '=', 'held')
      .execute();
    const held = grants.map((row) => row.entitlement_id);
    expect(held).not.toContain(denied.entitlementId);
    expect(held).toEqual(expect.arrayContaining(approval.items.slice(1).map((item) => item.entitlementId)));
  });
});

describe('a joiner without a manager', () => {
  test('is decided by the fallback owner of the policy', async () => {
    const { personId, approval } = await anApproval({ ...seller, supervisorEId: null });
    const fallback = await world.personId('102');
    expect(approversOf(approval)).toEqual([fallback]);
    expect((await decide(world, approval.approvalId, fallback, () => 'approve')).status).toBe(201);
    await untilCase(world, personId, 1, 'done');
    expect(holdingAt(world, 'crm', [personId]).groupIds).toContain('crm-sales');
  });
});
