/** The page of a one-time link: what it shows, that reading decides nothing, and that it decides once. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { consumeCode, mintApprovalSecrets } from '../../src/auth/approval-secrets.ts';
import { createHttpFixture, startedAt, type HttpFixture } from './http-fixture.ts';
import { addApproval, addCase, addCutoff, anItem, countRows, type AddedApproval } from './rows.ts';

let fixture: HttpFixture;
beforeAll(async () => {
  fixture = await createHttpFixture();
});
afterEach(() => fixture.setNow(startedAt));
afterAll(() => fixture.close());

const DAY_MS = 86_400_000;

async function aWaitingApproval(
  items = [anItem()],
  displayName = 'Ada Lovelace',
): Promise<AddedApproval & { personId: string; approverId: string }> {
  const personId = await fixture.addPerson({ displayName });
  const approverId = await fixture.addPerson({ displayName: 'Mona Manager' });
  await addCase(fixture, { personId });
  return { ...(await addApproval(fixture, { personId, approverIds: [approverId], items })), personId, approverId };
}

const form = (fields: Record<string, string>) => ({
  raw: new URLSearchParams(fields).toString(),
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
});
const decisionsOn = (approvalId: string) =>
  fixture.db.selectFrom('decision').selectAll().where('approval_id', '=', approvalId).execute();

describe('reading', () => {
  it('changes nothing, however often a scanner follows the link', async () => {
    const { secrets } = await aWaitingApproval();
    const before = await countRows(fixture);
    for (let round = 0; round < 3; round++)
      for (const method of ['GET', 'HEAD'])
        expect((await fixture.call(method, `/decide/${secrets.link}`)).status).toBe(200);
    expect(await countRows(fixture)).toEqual(before);
  });

  it('shows what a good decision needs', async () => {
    const item = anItem({ risk: 7.5, privileged: true, dataClass: 'financial', reasons: ['1 point for a contractor'] });
    const { secrets } = await aWaitingApproval([item]);
    const { text } = await fixture.call('GET', `/decide/${secrets.link}`);
    for (const shown of [
      'Ada Lovelace',
      'crm/reader',
      'See products, prices and campaigns in the CRM',
      '7.5',
      '1 point for a contractor',
      'privileged',
      'financial',
      'as the manager',
      'silence is a denial',
    ])
      expect(text).toContain(shown);
  });

  it('escapes a hostile name and runs no script', async () => {
    const hostile = '"><script>alert(1)</script>\'&\u202E';
    const item = anItem({ description: hostile, reasons: [hostile], conflicts: [hostile] });
    const { secrets } = await aWaitingApproval([item], hostile);
    const answer = await fixture.call('GET', `/decide/${secrets.link}`);
    expect(answer.status).toBe(200);
    expect(answer.text).not.toContain('<script');
    expect(answer.text).toContain('&lt;script&gt;');
    expect(answer.headers.get('content-security-policy')).not.toContain('unsafe');
    expect(answer.headers.get('content-security-policy')).not.toContain('script-src');
  });

  it('is never cached and tells no other site where it came from', async () => {
    const { secrets } = await aWaitingApproval();
    const { headers } = await fixture.call('GET', `/decide/${secrets.link}`);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  });
});

describe('deciding', () => {
  it('stores one signed decision of the addressee, and the link works once', async () => {
    const { secrets, items, approvalId, approverId } = await aWaitingApproval();
    const fields = form({ [`v.${items[0]!.itemDigest}`]: 'approve', reason: '' });
    expect((await fixture.call('POST', `/decide/${secrets.link}`, fields)).status).toBe(200);
    expect(await decisionsOn(approvalId)).toMatchObject([{ approver_id: approverId, surface: 'mail' }]);
    const again = await fixture.call('POST', `/decide/${secrets.link}`, fields);
    expect(again.status).toBe(410);
    expect(again.text).toContain('You have decided this');
    expect(await decisionsOn(approvalId)).toHaveLength(1);
  });

  it('happens once when two clicks come at the same time', async () => {
    const { secrets, items, approvalId } = await aWaitingApproval();
    const fields = form({ [`v.${items[0]!.itemDigest}`]: 'approve', reason: '' });
    await Promise.all([1, 2, 3, 4].map(() => fixture.call('POST', `/decide/${secrets.link}`, fields)));
    expect(await decisionsOn(approvalId)).toHaveLength(1);
  });

  it('on profiles is a choice: what is ticked is approved, the rest denied, and choosing none needs a reason', async () => {
    const profile = (profileId: string) =>
      anItem({ action: 'assignProfile', systemId: '', entitlementId: null, profileId });
    const { secrets, items, approvalId } = await aWaitingApproval([profile('sales'), profile('support')]);
    const shown = await fixture.call('GET', `/decide/${secrets.link}`);
    expect(shown.text.match(/type="checkbox"/g)).toHaveLength(2);
    const none = await fixture.call('POST', `/decide/${secrets.link}`, form({ reason: '' }));
    expect(none).toMatchObject({ status: 400 });
    expect(await decisionsOn(approvalId)).toHaveLength(0);
    const [sales, support] = items.map(({ itemDigest }) => itemDigest);
    const chosen = form({ [`v.${sales}`]: 'approve', reason: '' });
    expect((await fixture.call('POST', `/decide/${secrets.link}`, chosen)).status).toBe(200);
    expect((await decisionsOn(approvalId))[0]?.verdicts).toEqual([
      { itemDigest: sales, verdict: 'approve' },
      { itemDigest: support, verdict: 'deny' },
    ]);
  });

  it.each([
    ['no verdict', {}, 'choose approve or deny'],
    ['a verdict of another word', { verdict: 'maybe' }, 'choose approve or deny'],
    ['a denial without a reason', { verdict: 'deny' }, 'a denial needs a reason'],
    ['a reason of blanks only', { verdict: 'deny', reason: '   ' }, 'a denial needs a reason'],
    ['approval of a risk above 6 without a reason', { verdict: 'approve', risk: 6.001 }, 'needs a reason'],
    ['a reason that is no text', { verdict: 'deny', reason: '\0' }, 'expected text'],
    ['a reason that is too long', { verdict: 'approve', reason: 'x'.repeat(2001) }, 'at most 2000'],
  ])('is refused for %s, says so, and leaves the link alive', async (_name, input, message) => {
    const { verdict, reason, risk } = { risk: 4, reason: '', verdict: undefined, ...input };
    const { secrets, items, approvalId } = await aWaitingApproval([anItem({ risk })]);
    const digest = items[0]!.itemDigest;
    const fields = { reason, ...(verdict === undefined ? {} : { [`v.${digest}`]: verdict }) };
    const refused = await fixture.call('POST', `/decide/${secrets.link}`, form(fields));
    expect(refused.status).toBe(400);
    expect(refused.text).toContain(message);
    expect(await decisionsOn(approvalId)).toHaveLength(0);
    const mended = form({ [`v.${digest}`]: 'approve', reason: 'checked with the team' });
    expect((await fixture.call('POST', `/decide/${secrets.link}`, mended)).status).toBe(200);
    expect(await decisionsOn(approvalId)).toHaveLength(1);
  });

  it('accepts exactly 6 points of risk without a reason', async () => {
    const { secrets, items, approvalId } = await aWaitingApproval([anItem({ risk: 6 })]);
    const fields = form({ [`v.${items[0]!.itemDigest}`]: 'approve' });
    expect((await fixture.call('POST', `/decide/${secrets.link}`, fields)).status).toBe(200);
    expect(await decisionsOn(approvalId)).toHaveLength(1);
  });

  it('gives each item its own verdict', async () => {
    const { secrets, items, approvalId } = await aWaitingApproval([anItem(), anItem()]);
    const [first, second] = items;
    const fields = form({
      [`v.${first!.itemDigest}`]: 'approve',
      [`v.${second!.itemDigest}`]: 'deny',
      reason: 'too much',
    });
    expect((await fixture.call('POST', `/decide/${secrets.link}`, fields)).status).toBe(200);
    const [decision] = await decisionsOn(approvalId);
    expect(decision!.verdicts).toEqual([
      { itemDigest: first!.itemDigest, verdict: 'approve' },
      { itemDigest: second!.itemDigest, verdict: 'deny' },
    ]);
  });
});

describe('links that cannot decide', () => {
  it('say nothing when they are unknown', async () => {
    for (const secret of [
      'A'.repeat(43),
      'short',
      encodeURIComponent("' or 1=1 --"),
      encodeURIComponent('../../etc'),
    ]) {
      const answer = await fixture.call('GET', `/decide/${secret}`);
      expect(answer.status).toBe(404);
      expect(answer.text).toContain('This link is not known');
    }
  });

  it.each([
    ['expired', 'The time to decide is over'],
    ['cancelled', 'This is no longer needed'],
    ['decided', 'This is decided already'],
  ] as const)('explain that the approval is %s', async (state, title) => {
    const { secrets, approvalId, items } = await aWaitingApproval();
    await fixture.db.updateTable('approval').set({ state }).where('approval_id', '=', approvalId).execute();
    const shown = await fixture.call('GET', `/decide/${secrets.link}`);
    expect(shown.status).toBe(410);
    expect(shown.text).toContain(title);
    const fields = form({ [`v.${items[0]!.itemDigest}`]: 'approve' });
    expect((await fixture.call('POST', `/decide/${secrets.link}`, fields)).status).toBe(410);
    expect(await decisionsOn(approvalId)).toHaveLength(0);
  });

  it('have expired while the approval is still open', async () => {
    const { secrets } = await aWaitingApproval();
    fixture.setNow(new Date(startedAt.getTime() + 3 * DAY_MS));
    const answer = await fixture.call('GET', `/decide/${secrets.link}`);
    expect(answer.status).toBe(410);
    expect(answer.text).toContain('This link has expired');
  });

  it('are replaced by the next set, codes included', async () => {
    const { secrets, approvalId, approverId } = await aWaitingApproval();
    const expiresAt = new Date(startedAt.getTime() + 3 * DAY_MS);
    const newer = await mintApprovalSecrets(fixture.db, { approvalId, approverId, expiresAt, now: startedAt });
    const old = await fixture.call('GET', `/decide/${secrets.link}`);
    expect(old.status).toBe(410);
    expect(old.text).toContain('A newer link exists');
    expect((await fixture.call('GET', `/decide/${newer.link}`)).status).toBe(200);
    const consume = (code: string) =>
      fixture.db.transaction().execute((tx) => consumeCode(tx, { approvalId, approverId, code, now: startedAt }));
    expect(await consume(secrets.approveCode)).toBeNull();
    expect(await consume(newer.link)).toBeNull();
    expect(await consume(newer.denyCode)).toBe('deny');
    expect(await consume(newer.denyCode)).toBeNull();
    expect(await consume(newer.approveCode)).toBe('approve');
  });

  it('of two sets that are minted at once leave one alive', async () => {
    const { approvalId, approverId } = await aWaitingApproval();
    const expiresAt = new Date(startedAt.getTime() + 3 * DAY_MS);
    const minted = await Promise.all(
      [1, 2, 3, 4].map(() => mintApprovalSecrets(fixture.db, { approvalId, approverId, expiresAt, now: startedAt })),
    );
    const statuses = await Promise.all(minted.map(({ link }) => fixture.call('GET', `/decide/${link}`)));
    expect(statuses.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it('are unknown once the approver has left', async () => {
    const { secrets, approverId, approvalId } = await aWaitingApproval();
    await addCutoff(fixture, { personId: approverId, state: 'started', effectiveAt: startedAt });
    expect((await fixture.call('GET', `/decide/${secrets.link}`)).status).toBe(404);
    const code = secrets.approveCode;
    const consumed = fixture.db
      .transaction()
      .execute((tx) => consumeCode(tx, { approvalId, approverId, code, now: startedAt }));
    expect(await consumed).toBeNull();
  });

  it('are found in no row as they are', async () => {
    const { secrets } = await aWaitingApproval();
    const rows = JSON.stringify(await fixture.db.selectFrom('approval_secret').selectAll().execute());
    for (const secret of Object.values(secrets)) expect(rows).not.toContain(secret);
  });
});
