/** Approvals as approvers meet them: the mail, its page, the API, the Temporal UI, and everything that must be refused. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decide as decideSignal } from '../../src/workflows/wire.ts';
import { alertsOf, decide, evidenceCount, openApprovals, untilCase } from '../support/case-driver.ts';
import { holdingAt } from '../support/company-view.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

let world: World;

beforeAll(async () => {
  world = await createWorld();
});
afterAll(async () => {
  await world.close();
});

const sre = {
  jobTitle: 'Site Reliability Engineer',
  department: 'Engineering',
  location: 'London',
  supervisorEId: '104',
};
const seller = { jobTitle: 'Account Executive', department: 'Sales', location: 'New York', supervisorEId: '105' };
const contractor = {
  jobTitle: 'Software Engineer',
  department: 'Engineering',
  location: 'Berlin',
  supervisorEId: '103',
  employmentHistoryStatus: 'Contractor',
};

async function hireUntilAsked(firstName: string, job: typeof sre): Promise<{ personId: string; approvalId: string }> {
  const employee = world.company.bamboohr.hr.hire({ firstName, lastName: 'Tester', ...job });
  const personId = await world.personId(employee.id);
  const [approval] = await eventually(async () => {
    const rows = await openApprovals(world, personId);
    return rows.length > 0 ? rows : null;
  }, 'an approval is open');
  if (!approval) throw new Error('unreachable');
  return { personId, approvalId: approval.approval_id };
}

async function mailFor(approvalId: string, address: string): Promise<string> {
  const message = await eventually(
    () => world.company.mailbox.messages(address).find((mail) => (mail.text ?? '').includes(approvalId)),
    `the mail of ${address}`,
  );
  return message.text ?? '';
}

const linkIn = (text: string): string => new URL(/http\S+\/decide\/\S+/.exec(text)?.[0] ?? 'http://missing').pathname;
const jsonsIn = (text: string): Record<string, unknown>[] =>
  [...text.matchAll(/^\s*(\{"approvalId".*\})\s*$/gm)].map(
    (match) => JSON.parse(match[1] ?? '{}') as Record<string, unknown>,
  );

describe('an approval', () => {
  test('by mail link: looking decides nothing, posting decides once', async () => {
    const { personId, approvalId } = await hireUntilAsked('Mail', seller);
    const address =
      (await world.company.mailbox.waitFor((mail) => (mail.text ?? '').includes(approvalId), 15_000)).to[0] ?? '';
    const text = await mailFor(approvalId, address);
    const page = await fetch(`${world.url}${linkIn(text)}`);
    const html = await page.text();
    expect(page.status).toBe(200);
    expect(html).toContain('Mail Tester');
    expect(html).toContain('contact persons');
    expect(await openApprovals(world, personId)).toHaveLength(1);
    expect(
      await world.ownerDb.selectFrom('decision').select('decision_id').where('approval_id', '=', approvalId).execute(),
    ).toEqual([]);

    const names = [...html.matchAll(/name="([^"]+)"/g)].map((match) => match[1] ?? '');
    const form = new URLSearchParams();
    for (const name of new Set(names)) form.set(name, name.includes('reason') ? 'fine' : 'approve');
    const posted = await fetch(`${world.url}${linkIn(text)}`, { method: 'POST', body: form });
    expect(posted.status).toBe(200);
    await untilCase(world, personId, 1, 'done');
    expect(holdingAt(world, 'crm', [personId]).groupIds).toEqual(['crm-reader', 'crm-sales']);

    const again = await fetch(`${world.url}${linkIn(text)}`, { method: 'POST', body: form });
    expect(again.status).not.toBe(200);
  });

  test('by signal from the Temporal UI: counts with its code, once', async () => {
    const { personId, approvalId } = await hireUntilAsked('Signal', seller);
    const mail = await world.company.mailbox.waitFor((message) => (message.text ?? '').includes(approvalId), 15_000);
    const [approve] = jsonsIn(mail.text ?? '');
    const handle = world.client.workflow.getHandle(approvalId);
    const refusedBefore = await evidenceCount(world, 'refused', 'decision');
    await handle.signal(decideSignal, { ...approve, code: 'not-the-code-of-anybody' } as never);
    await eventually(
      async () => (await evidenceCount(world, 'refused', 'decision')) > refusedBefore,
      'the unproved signal is recorded',
    );
    expect(await openApprovals(world, personId)).toHaveLength(1);
    await handle.signal(decideSignal, approve as never);
    await untilCase(world, personId, 1, 'done');
    const decisions = await world.ownerDb
      .selectFrom('decision')
      .select('surface')
      .where('approval_id', '=', approvalId)
      .execute();
    expect(decisions.map((row) => row.surface)).toEqual(['temporal']);
    expect(await alertsOf(world, 'decisionRefused')).toHaveLength(1);
  });

  test('a replayed code and a malformed signal change nothing and do not stop the approval', async () => {
    const { personId, approvalId } = await hireUntilAsked('Replay', contractor);
    const mail = await world.company.mailbox.waitFor((message) => (message.text ?? '').includes(approvalId), 15_000);
    const [approve] = jsonsIn(mail.text ?? '');
    const verdicts = approve?.['verdicts'] as unknown[];
    const handle = world.client.workflow.getHandle(approvalId);
    await handle.signal(decideSignal, undefined as never);
    await handle.signal(decideSignal, 'junk' as never);
    const one = { ...approve, verdicts: verdicts.slice(0, 1) };
    await handle.signal(decideSignal, one as never);
    await eventually(
      async () =>
        (
          await world.ownerDb
            .selectFrom('decision')
            .select('decision_id')
            .where('approval_id', '=', approvalId)
            .execute()
        ).length === 1,
      'the first one counts',
    );
    await handle.signal(decideSignal, { ...approve, verdicts: verdicts.slice(1) } as never);
    await eventually(
      async () =>
        (await handle.query<{ log: string[] }, []>('status')).log.some((line) => line.includes('code is unknown')),
      'the replay is refused',
    );
    expect(
      await world.ownerDb.selectFrom('decision').select('decision_id').where('approval_id', '=', approvalId).execute(),
    ).toHaveLength(1);
    expect(await openApprovals(world, personId)).toHaveLength(1);
  });

  test('security and owner need two people, and one denial ends it', async () => {
    const { personId, approvalId } = await hireUntilAsked('Quorum', sre);
    const [security, otherSecurity, owner] = await Promise.all(['111', '112', '102'].map((key) => world.personId(key)));
    expect((await decide(world, approvalId, security ?? '', () => 'approve')).status).toBe(201);
    expect((await decide(world, approvalId, otherSecurity ?? '', () => 'approve')).status).toBe(201);
    expect(await openApprovals(world, personId)).toHaveLength(1);
    expect((await decide(world, approvalId, owner ?? '', () => 'deny')).status).toBe(201);
    await untilCase(world, personId, 1, 'done');
    expect(holdingAt(world, 'okta', [personId]).groupIds).not.toContain('00gdeployproduction0');
  });

  test('refuses the beneficiary, a stranger, a stale item and a second word, and records it', async () => {
    const { personId, approvalId } = await hireUntilAsked('Refuse', contractor);
    const manager = await world.personId('103');
    const stranger = await world.personId('124');
    const before = await evidenceCount(world, 'refused', 'decision');
    expect((await decide(world, approvalId, personId, () => 'approve')).json).toMatchObject({ code: 'selfApproval' });
    expect((await decide(world, approvalId, stranger, () => 'approve')).json).toMatchObject({ code: 'notApprover' });
    const token = await world.tokenOf(manager, ['decide']);
    const stale = await world.api(`/api/v1/approvals/${approvalId}/decisions`, {
      method: 'POST',
      token,
      body: { verdicts: [{ itemDigest: 'a'.repeat(64), verdict: 'approve' }], reason: 'x' },
    });
    expect(stale.json).toMatchObject({ code: 'stale' });
    let first = true;
    const onlyFirst = (): 'approve' | null => {
      const verdict = first ? ('approve' as const) : null;
      first = false;
      return verdict;
    };
    expect((await decide(world, approvalId, manager, onlyFirst)).status).toBe(201);
    expect((await decide(world, approvalId, manager, () => 'deny')).json).toMatchObject({ code: 'alreadyDecided' });
    expect(await evidenceCount(world, 'refused', 'decision')).toBe(before + 4);
    expect(await openApprovals(world, personId)).toHaveLength(1);
  });

  test('without a fitting profile the manager chooses, and what was chosen is decided and provisioned', async () => {
    const job = { jobTitle: 'Chief of Staff', department: 'Executive', location: 'London', supervisorEId: '101' };
    const { personId, approvalId } = await hireUntilAsked('Choice', job);
    const manager = await world.personId('101');
    await decide(world, approvalId, manager, (item) => (item.profileId === 'executive' ? 'approve' : 'deny'));
    const [second] = await eventually(async () => {
      const rows = (await openApprovals(world, personId)).filter((row) => row.approval_id !== approvalId);
      return rows.length > 0 ? rows : null;
    }, 'the chosen items are asked about');
    await decide(world, second?.approval_id ?? '', manager, () => 'approve');
    await untilCase(world, personId, 1, 'done');
    expect(holdingAt(world, 'okta', [personId]).groupIds).toContain('00gemployees00000000');
    expect(holdingAt(world, 'wiki', [personId]).groupIds).toEqual(['wiki-reader']);
  });

  test('without a fitting profile the manager may choose none, and nothing is given or asked any more', async () => {
    const job = { jobTitle: 'Chief of Nothing', department: 'Executive', location: 'London', supervisorEId: '101' };
    const { personId, approvalId } = await hireUntilAsked('None', job);
    expect((await decide(world, approvalId, await world.personId('101'), () => 'deny')).status).toBe(201);
    await untilCase(world, personId, 1, 'done');
    for (const system of ['okta', 'crm', 'wiki', 'warehouse'] as const)
      expect(holdingAt(world, system, [personId])).toMatchObject({ canLogIn: false, groupIds: [] });
    const approvals = await world.ownerDb
      .selectFrom('approval')
      .select('approval_id')
      .where('person_id', '=', personId)
      .execute();
    expect(approvals).toEqual([{ approval_id: approvalId }]);
  });
});
