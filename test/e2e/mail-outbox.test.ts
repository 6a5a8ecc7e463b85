/** Mail when the mail server is away, when there is too much of it, and when two servers send. Nothing is lost or lies around. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createSmtpNotifier } from '../../src/notify/smtp.ts';
import { sendOutgoingMail } from '../../src/use-cases/send-outgoing-mail.ts';
import { hire, type HireInput, openApproval } from '../support/case-driver.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const MINUTE_MS = 60_000;
const seller = (lastName: string): HireInput => ({
  firstName: 'Outbox',
  lastName,
  jobTitle: 'Account Executive',
  department: 'Sales',
  supervisorEId: '105',
});
const outbox = () => world.ownerDb.selectFrom('outgoing_mail').selectAll().orderBy('created_at').execute();
const mailsAbout = (approvalId: string) =>
  world.company.mailbox.messages().filter(({ text }) => text.includes(approvalId));
const incidents = () =>
  world.ownerDb.selectFrom('incident').select(['state', 'summary']).where('system_id', '=', 'mail').execute();
const linksIn = (text: string): string[] =>
  [...text.matchAll(/http\S+(\/decide\/[\w-]+)/g)].map(([, path]) => path ?? '');

async function ask(lastName: string): Promise<string> {
  const { personId } = await hire(world, seller(lastName));
  return (await openApproval(world, personId, 1)).approvalId;
}

describe('the mail server is away', () => {
  test('the approval opens all the same, an incident says so after a quarter of an hour, and the mail comes once', async () => {
    const real = world.serverDeps.notifier;
    // Nobody listens there.
    world.serverDeps.notifier = createSmtpNotifier('smtp://127.0.0.1:9', 'usher@usher.invalid');
    const approvalId = await ask('Waits');
    const row = await eventually(
      async () => (await outbox()).find((mail) => mail.approval_id === approvalId && mail.attempts > 0),
      'a first attempt failed',
    );
    expect(row).toMatchObject({ state: 'waiting', last_error: 'ESOCKET', message_id: null });
    expect(JSON.stringify(row)).not.toMatch(/Outbox|Waits|@|decide/);
    expect(await incidents()).toEqual([]);

    world.clock.advance(16 * MINUTE_MS);
    await eventually(async () => (await incidents()).length === 1, 'the incident opens');
    expect(await incidents()).toEqual([{ state: 'open', summary: expect.stringContaining('ESOCKET') }]);
    await eventually(
      () => world.company.servicenow.incidents().some(({ fields }) => String(fields['description']).includes('Mail')),
      'the ticket says so where mail cannot',
    );

    world.serverDeps.notifier = real;
    world.clock.advance(5 * MINUTE_MS);
    const [mail] = await eventually(() => {
      const mails = mailsAbout(approvalId);
      return mails.length > 0 ? mails : null;
    }, 'the mail comes');
    expect(mail?.html).toContain('prefers-color-scheme');
    expect(mail?.headers['auto-submitted']).toBe('auto-generated');
    await eventually(async () => (await incidents())[0]?.state === 'closed', 'the incident closes by itself');
    const page = await fetch(`${world.url}${linksIn(mail?.text ?? '')[0] ?? ''}`);
    expect(page.status).toBe(200);
    expect(mailsAbout(approvalId)).toHaveLength(1);
  });

  test('what was decided meanwhile is not mailed any more', async () => {
    const real = world.serverDeps.notifier;
    world.serverDeps.notifier = createSmtpNotifier('smtp://127.0.0.1:9', 'usher@usher.invalid');
    const { personId } = await hire(world, seller('Decided'));
    const approval = await openApproval(world, personId, 1);
    const approverId = approval.seats[0]?.approverIds[0] ?? '';
    const answer = await world.api(`/api/v1/approvals/${approval.approvalId}/decisions`, {
      method: 'POST',
      token: await world.tokenOf(approverId, ['decide']),
      body: { verdicts: approval.items.map(({ itemDigest }) => ({ itemDigest, verdict: 'approve' })) },
    });
    expect(answer.status).toBe(201);
    world.serverDeps.notifier = real;
    world.clock.advance(5 * MINUTE_MS);
    await eventually(
      async () => (await outbox()).find((mail) => mail.approval_id === approval.approvalId)?.state === 'dropped',
      'the mail is dropped',
    );
    expect(mailsAbout(approval.approvalId)).toEqual([]);
  });
});

describe('too many mails', () => {
  test('become one digest with a working link for each approval', async () => {
    const sentBefore = world.company.mailbox.messages().length;
    world.clock.advance(2 * 60 * MINUTE_MS);
    world.serverDeps.mailLimits = { digestAbove: 1, windowMs: 3_600_000, settleMs: 60_000, digestEveryMs: 1_800_000 };
    const approvalIds = [await ask('One'), await ask('Two'), await ask('Three')];
    await eventually(
      async () => (await outbox()).filter((mail) => approvalIds.includes(mail.approval_id ?? '')).length === 3,
      'all three are queued',
    );
    const isHeldBack = async () =>
      (await outbox()).filter(({ state, approval_id: id }) => state === 'waiting' && approvalIds.includes(id ?? ''))
        .length >= 2;
    expect(await isHeldBack()).toBe(true);
    await sendOutgoingMail(world.serverDeps);
    expect(await isHeldBack()).toBe(true);

    world.clock.advance(31 * MINUTE_MS);
    const digest = await world.company.mailbox.waitFor(
      ({ subject }) => /requests for access wait/.test(subject),
      15_000,
    );
    const links = linksIn(digest.text);
    expect(links.length).toBeGreaterThanOrEqual(2);
    for (const link of links) expect((await fetch(`${world.url}${link}`)).status).toBe(200);
    await eventually(async () => (await outbox()).every(({ state }) => state !== 'waiting'), 'nothing waits');
    const mailed = world.company.mailbox.messages().slice(sentBefore);
    for (const id of approvalIds) expect(mailed.filter(({ text }) => text.includes(id))).toHaveLength(1);
    expect(mailed.length).toBeLessThanOrEqual(2);
  });
});

describe('two servers', () => {
  test('never send one mail twice', async () => {
    delete world.serverDeps.mailLimits;
    world.clock.advance(2 * 60 * MINUTE_MS);
    const approvalId = await ask('Twice');
    await Promise.all(Array.from({ length: 6 }, () => sendOutgoingMail(world.serverDeps)));
    await eventually(() => mailsAbout(approvalId).length > 0, 'the mail comes');
    await sendOutgoingMail(world.serverDeps);
    expect(mailsAbout(approvalId)).toHaveLength(1);
  });
});
