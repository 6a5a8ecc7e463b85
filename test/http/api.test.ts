/** The API by what it promises: who sees what, what is refused and how it says so. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { appendEvidence } from '../../src/evidence/log.ts';
import { tellStory } from '../../src/store/story.ts';
import { createHttpFixture, startedAt, type HttpFixture } from './http-fixture.ts';
import { addApproval, addCase, addCutoff, anItem } from './rows.ts';
import { until } from './until.ts';

let fixture: HttpFixture;
let admin: string;
let adminId: string;
beforeAll(async () => {
  fixture = await createHttpFixture();
  adminId = await fixture.addPerson({ displayName: 'Iris Admin' });
  const scopes = ['operate', 'audit', 'erase', 'read:own-cases', 'decide'] as const;
  admin = (await fixture.tokenWith([...scopes], { personId: adminId })).token;
});
afterAll(() => fixture.close());

const DAY_MS = 86_400_000;
const unknown = randomUUID();

describe('bad input is refused with the field and what was expected', () => {
  const approval = `approval_${unknown}_1_1`;
  const digest = 'a'.repeat(64);
  it.each([
    ['GET', '/api/v1/cases?state=lost', undefined, 400, 'state'],
    ['GET', '/api/v1/cases?colour=red', undefined, 400, 'colour'],
    ['GET', '/api/v1/cases/17', undefined, 400, 'caseId'],
    ['GET', `/api/v1/cases/case_${unknown}_1`, undefined, 404, 'caseId'],
    ['POST', `/api/v1/cases/case_${unknown}_1/retry`, {}, 400, 'systemId'],
    ['POST', `/api/v1/cases/case_${unknown}_1/retry`, { systemId: 'Not A Slug' }, 400, 'systemId'],
    ['POST', `/api/v1/cases/case_${unknown}_1/retry`, { systemId: 'crm' }, 404, 'caseId'],
    ['GET', '/api/v1/approvals?of=theirs', undefined, 400, 'of'],
    ['GET', '/api/v1/approvals/x', undefined, 400, 'approvalId'],
    ['GET', `/api/v1/approvals/${approval}`, undefined, 404, 'approvalId'],
    [
      'POST',
      '/api/v1/approvals/x/decisions',
      { verdicts: [{ itemDigest: digest, verdict: 'deny' }] },
      400,
      'approvalId',
    ],
    ['POST', `/api/v1/approvals/${approval}/decisions`, {}, 400, 'verdicts'],
    ['POST', `/api/v1/approvals/${approval}/decisions`, { verdicts: [] }, 400, 'verdicts'],
    [
      'POST',
      `/api/v1/approvals/${approval}/decisions`,
      { verdicts: [{ itemDigest: 'x', verdict: 'approve' }] },
      400,
      'verdicts.0.itemDigest',
    ],
    [
      'POST',
      `/api/v1/approvals/${approval}/decisions`,
      { verdicts: [{ itemDigest: digest, verdict: 'maybe' }] },
      400,
      'verdicts.0.verdict',
    ],
    [
      'POST',
      `/api/v1/approvals/${approval}/decisions`,
      { verdicts: [{ itemDigest: digest, verdict: 'approve' }], approverId: unknown },
      400,
      'approverId',
    ],
    [
      'POST',
      `/api/v1/approvals/${approval}/decisions`,
      { verdicts: [{ itemDigest: digest, verdict: 'approve' }], surface: 'mail' },
      400,
      'surface',
    ],
    ['GET', '/api/v1/persons/nobody', undefined, 400, 'person'],
    ['GET', `/api/v1/persons/${unknown}`, undefined, 404, 'person'],
    ['GET', '/api/v1/persons/bamboohr%2F999999', undefined, 404, 'person'],
    ['GET', "/api/v1/persons/bamboohr%2F'%20or%201=1", undefined, 400, 'person'],
    ['POST', `/api/v1/persons/${unknown}/leave`, {}, 400, 'reason'],
    ['POST', `/api/v1/persons/${unknown}/leave`, { reason: '  ' }, 400, 'reason'],
    ['POST', `/api/v1/persons/${unknown}/leave`, { reason: 'x' }, 404, 'person'],
    ['POST', `/api/v1/persons/${unknown}/erase`, { reason: 'because I say so' }, 400, 'reason'],
    ['POST', `/api/v1/persons/${unknown}/erase`, { reason: 'requested' }, 404, 'person'],
    ['POST', '/api/v1/holds/release', { reason: 'x' }, 400, 'persons'],
    ['POST', '/api/v1/holds/release', { persons: [], reason: 'x' }, 400, 'persons'],
    ['POST', '/api/v1/holds/release', { persons: ['Ada'], reason: 'x' }, 400, 'persons.0'],
    ['POST', '/api/v1/holds/release', { persons: [unknown], reason: 'x' }, 404, 'persons.0'],
    ['POST', '/api/v1/systems/check', { systemId: 7 }, 400, 'systemId'],
    ['POST', '/api/v1/systems/check', { systemId: 'nosuch' }, 404, 'systemId'],
    ['GET', '/api/v1/incidents?state=lost', undefined, 400, 'state'],
    ['GET', '/api/v1/story?after=-1', undefined, 400, 'after'],
    ['GET', '/api/v1/audit/cases/x', undefined, 400, 'caseId'],
    ['GET', `/api/v1/audit/cases/case_${unknown}_1`, undefined, 404, 'caseId'],
  ] as const)('%s %s with %j answers %i and names %s', async (method, path, body, status, field) => {
    const answer = await fixture.call(method, path, { token: admin, ...(body === undefined ? {} : { body }) });
    expect(answer).toMatchObject({ status, json: { status, field } });
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(String(answer.json?.['detail']).length).toBeGreaterThan(5);
  });

  it.each([
    ['no JSON', { raw: '{"reason":', headers: { 'content-type': 'application/json' } }, 'body'],
    ['another content type', { raw: 'reason=x', headers: { 'content-type': 'text/plain' } }, 'content-type'],
    ['an array', { body: [] }, 'body'],
    ['null', { body: null }, 'body'],
  ])('a body of %s answers 400', async (_name, options, field) => {
    const path = `/api/v1/persons/${unknown}/leave`;
    const answer = await fixture.call('POST', path, { token: admin, ...options });
    expect(answer).toMatchObject({ status: 400, json: { code: 'invalidInput', field } });
  });

  it('a body over the limit answers 413', async () => {
    const options = { token: admin, body: { reason: 'x'.repeat(300 * 1024) } };
    const answer = await fixture.call('POST', `/api/v1/persons/${unknown}/leave`, options);
    expect(answer).toMatchObject({ status: 413, json: { code: 'invalidInput', field: 'body' } });
  });

  it('an unknown address answers 404 as a problem', async () => {
    expect(await fixture.call('GET', '/api/v1/nothing')).toMatchObject({ status: 404, json: { code: 'notFound' } });
    expect(await fixture.call('DELETE', '/api/v1/cases')).toMatchObject({ status: 404, json: { code: 'notFound' } });
  });

  it('an unexpected failure answers 500 without telling what happened inside', async () => {
    const other = await createHttpFixture();
    await other.db.updateTable('policy_version').set({ signature: 'forged' }).execute();
    const { token } = await other.tokenWith(['operate']);
    const answer = await other.call('GET', '/api/v1/policy', { token });
    await other.close();
    expect(answer).toMatchObject({ status: 500, json: { code: 'internal', field: null } });
    expect(answer.text).not.toMatch(/signed|\.ts|at /);
  });
});

describe('a departure that has not taken effect', () => {
  it('shows to the scope security only, in every list and by id', async () => {
    const personId = await fixture.addPerson({ displayName: 'Lena Leaver', endDate: '2026-06-30' });
    const effectiveAt = new Date(startedAt.getTime() + 90 * DAY_MS);
    const caseId = await addCase(fixture, {
      personId,
      kind: 'leaver',
      state: 'waiting',
      isEffective: false,
      effectiveAt,
    });
    await addCutoff(fixture, { personId, state: 'scheduled', effectiveAt });
    const at = startedAt;
    await tellStory(fixture.db, { at, personId, n: 1, kind: 'planned', data: { kind: 'leaver', items: [] } });
    const security = (await fixture.tokenWith(['security', 'audit'])).token;
    const own = (await fixture.tokenWith(['read:own-cases'], { personId })).token;
    const pages = ['/api/v1/cases', `/api/v1/persons/${personId}`, '/api/v1/story', '/'];
    for (const token of [admin, own]) {
      for (const page of pages) {
        const { text } = await fixture.call('GET', page, { token });
        expect(text).not.toContain(caseId);
        expect(text).not.toContain('2026-06-30');
      }
      expect((await fixture.call('GET', `/api/v1/cases/${caseId}`, { token })).status).toBe(404);
    }
    expect((await fixture.call('GET', `/api/v1/audit/cases/${caseId}`, { token: admin })).status).toBe(404);
    for (const page of [...pages.slice(0, 3), `/api/v1/cases/${caseId}`])
      expect((await fixture.call('GET', page, { token: security })).text).toContain(caseId);
    expect((await fixture.call('GET', `/api/v1/persons/${personId}`, { token: security })).text).toContain(
      '2026-06-30',
    );
  });

  it('stays hidden when it was rescinded, even after its date', async () => {
    const personId = await fixture.addPerson();
    const effectiveAt = new Date(startedAt.getTime() - DAY_MS);
    const caseId = await addCase(fixture, {
      personId,
      kind: 'leaver',
      state: 'cancelled',
      isEffective: false,
      effectiveAt,
    });
    await addCutoff(fixture, { personId, state: 'rescinded', effectiveAt });
    expect((await fixture.call('GET', '/api/v1/cases', { token: admin })).text).not.toContain(caseId);
  });

  it('shows to everybody who runs Usher once it is held', async () => {
    const personId = await fixture.addPerson({ displayName: 'Hanna Held' });
    const caseId = await addCase(fixture, { personId, kind: 'leaver', state: 'held', isEffective: false });
    await addCutoff(fixture, { personId, state: 'held', effectiveAt: startedAt });
    expect((await fixture.call('GET', '/api/v1/cases', { token: admin })).text).toContain(caseId);
    const holds = await fixture.call('GET', '/api/v1/holds', { token: admin });
    expect(holds.json?.['holds']).toMatchObject([{ personId, person: 'Hanna Held', caseId }]);
  });
});

describe('people see what is theirs', () => {
  it('a person sees their own cases and nobody else', async () => {
    const [mine, theirs] = [await fixture.addPerson(), await fixture.addPerson()];
    const myCase = await addCase(fixture, { personId: mine });
    const theirCase = await addCase(fixture, { personId: theirs });
    const { token } = await fixture.tokenWith(['read:own-cases'], { personId: mine });
    const { json } = await fixture.call('GET', '/api/v1/cases', { token });
    expect(json?.['cases']).toMatchObject([{ caseId: myCase, personId: mine }]);
    expect((await fixture.call('GET', `/api/v1/cases/${theirCase}`, { token })).status).toBe(404);
    expect((await fixture.call('GET', `/api/v1/persons/${theirs}`, { token })).status).toBe(404);
    expect((await fixture.call('GET', `/api/v1/persons/${mine}`, { token })).status).toBe(200);
  });

  it('an approver sees the approvals with a seat of theirs, and the case of one', async () => {
    const [approver, stranger, beneficiary] = await Promise.all([1, 2, 3].map(() => fixture.addPerson()));
    const caseId = await addCase(fixture, { personId: beneficiary! });
    const { approvalId } = await addApproval(fixture, { personId: beneficiary!, approverIds: [approver!] });
    const tokenOf = async (personId: string) => (await fixture.tokenWith(['decide'], { personId })).token;
    const token = await tokenOf(approver!);
    const list = await fixture.call('GET', '/api/v1/approvals', { token });
    expect(list.json?.['approvals']).toMatchObject([{ approvalId, waitsFor: [{ personId: approver }] }]);
    expect((await fixture.call('GET', `/api/v1/cases/${caseId}`, { token })).status).toBe(200);
    const other = await tokenOf(stranger!);
    expect((await fixture.call('GET', '/api/v1/approvals', { token: other })).json).toEqual({ approvals: [] });
    expect((await fixture.call('GET', `/api/v1/approvals/${approvalId}`, { token: other })).status).toBe(404);
    expect((await fixture.call('GET', `/api/v1/cases/${caseId}`, { token: other })).status).toBe(404);
  });

  it('an erased person is shown as such and keeps nothing that names them', async () => {
    const personId = await fixture.addPerson({ displayName: 'Erik Erased' });
    const caseId = await addCase(fixture, { personId });
    fixture.deps.vault.erase(personId, startedAt);
    const { text } = await fixture.call('GET', `/api/v1/cases/${caseId}`, { token: admin });
    expect(text).toContain('(erased)');
    expect(text).not.toContain('Erik');
    const shown = await fixture.call('GET', `/api/v1/persons/${personId}`, { token: admin });
    expect(shown.json).toMatchObject({ isErased: true, name: '(erased)', facts: null, sourceKeys: [] });
  });
});

describe('deciding by the API', () => {
  it.each([
    ['a stranger', 'notApprover', 403],
    ['the beneficiary', 'selfApproval', 403],
  ] as const)('is refused to %s', async (who, code, status) => {
    const [approver, beneficiary, stranger] = await Promise.all([1, 2, 3].map(() => fixture.addPerson()));
    await addCase(fixture, { personId: beneficiary! });
    const { approvalId, items } = await addApproval(fixture, { personId: beneficiary!, approverIds: [approver!] });
    const personId = who === 'a stranger' ? stranger! : beneficiary!;
    const { token } = await fixture.tokenWith(['decide'], { personId });
    const body = { verdicts: [{ itemDigest: items[0]!.itemDigest, verdict: 'approve' }] };
    const answer = await fixture.call('POST', `/api/v1/approvals/${approvalId}/decisions`, { token, body });
    expect(answer).toMatchObject({ status, json: { code } });
  });

  it('counts once, shows in the case, and a denial or a high risk needs a reason', async () => {
    const approver = await fixture.addPerson({ displayName: 'Mona Manager' });
    const personId = await fixture.addPerson();
    const caseId = await addCase(fixture, { personId });
    const items = [anItem({ risk: 8 })];
    const { approvalId } = await addApproval(fixture, { personId, approverIds: [approver], items });
    const { token } = await fixture.tokenWith(['decide'], { personId: approver });
    const path = `/api/v1/approvals/${approvalId}/decisions`;
    const { itemDigest } = items[0]!;
    for (const verdict of ['approve', 'deny']) {
      const body = { verdicts: [{ itemDigest, verdict }] };
      const refused = await fixture.call('POST', path, { token, body });
      expect(refused).toMatchObject({ status: 400, json: { field: 'reason' } });
    }
    const waiting = await fixture.call('GET', `/api/v1/cases/${caseId}`, { token: admin });
    expect(waiting.json).toMatchObject({
      canAct: [{ who: { name: 'Mona Manager' }, command: `usher approve ${approvalId}` }],
    });
    expect(String(waiting.json?.['next'])).toContain('Mona Manager');
    const body = { verdicts: [{ itemDigest, verdict: 'approve' }], reason: 'needed for the migration' };
    expect((await fixture.call('POST', path, { token, body })).status).toBe(201);
    const again = await fixture.call('POST', path, { token, body });
    expect(again).toMatchObject({ status: 409, json: { code: 'alreadyDecided' } });
    const decided = await fixture.call('GET', `/api/v1/cases/${caseId}`, { token: admin });
    expect(decided.json).toMatchObject({
      canAct: [],
      approvals: [{ seatsFilled: 1, decisions: [{ approver: { name: 'Mona Manager' }, surface: 'api' }] }],
    });
    expect(decided.text).toContain('needed for the migration');
    expect(decided.json?.['timeline']).toContainEqual(expect.objectContaining({ kind: 'decided' }));
  });

  it('leaves out decisions that the server did not sign', async () => {
    const approver = await fixture.addPerson();
    const personId = await fixture.addPerson();
    await addCase(fixture, { personId });
    const { approvalId, items } = await addApproval(fixture, { personId, approverIds: [approver] });
    const { token } = await fixture.tokenWith(['decide'], { personId: approver });
    const body = { verdicts: [{ itemDigest: items[0]!.itemDigest, verdict: 'approve' }] };
    await fixture.call('POST', `/api/v1/approvals/${approvalId}/decisions`, { token, body });
    await fixture.db.updateTable('decision').set({ surface: 'forged' }).where('approval_id', '=', approvalId).execute();
    const shown = await fixture.call('GET', `/api/v1/approvals/${approvalId}`, { token });
    expect(shown.json).toMatchObject({ decisions: [], seatsFilled: 0, items: [{ decided: 'open' }] });
  });
});

describe('systems and evidence', () => {
  it('a check waits for the answer of the worker and shows it', async () => {
    const asked = fixture.call('POST', '/api/v1/systems/check', { token: admin, body: { systemId: 'crm' } });
    await answerRequests('check', { isHealthy: true, findings: [{ level: 'ok', text: 'reachable' }] });
    expect((await asked).json).toMatchObject({
      isHealthy: true,
      systems: [{ systemId: 'crm', hasAnswered: true, findings: [{ text: 'reachable' }] }],
    });
  });

  it('a check of an HR system that is down says so, without a stack trace', async () => {
    const options = { token: admin, body: { systemId: 'bamboohr' } };
    const { json, text } = await fixture.call('POST', '/api/v1/systems/check', options);
    expect(json).toMatchObject({ isHealthy: false, systems: [{ systemId: 'bamboohr', isHealthy: false }] });
    expect(text).not.toMatch(/at .*\.ts/);
  });

  it('the page asks the systems for their accounts and shows who holds them', async () => {
    const personId = await fixture.addPerson({ displayName: 'Carla <b>Account</b>' });
    await fixture.call('GET', '/?refresh=1', { token: admin });
    const account = { vendorStatus: 'ACTIVE', canLogIn: true, vendorEntitlementIds: ['crm-reader'] };
    await answerRequests('accounts', {
      outcome: 'listed',
      accounts: [
        { ...account, accountId: 'u1', correlationKey: personId },
        { ...account, accountId: 'u2', correlationKey: null },
      ],
    });
    const { text } = await fixture.call('GET', '/', { token: admin });
    expect(text).toContain('Carla &lt;b&gt;Account&lt;/b&gt;');
    expect(text).toContain('crm/reader');
    expect(text).toContain('nobody known');
  });

  it('the log is verified and a case needs its histories to be exported', async () => {
    const personId = await fixture.addPerson();
    const caseId = await addCase(fixture, { personId });
    const record = {
      operationKey: randomUUID(),
      kind: 'caseOpened' as const,
      personId,
      caseId,
      body: {},
      values: null,
    };
    await fixture.db.transaction().execute((tx) => appendEvidence(tx, fixture.deps.vault, [record], startedAt));
    const verified = await fixture.call('GET', '/api/v1/audit/verify', { token: admin });
    expect(verified.json).toMatchObject({ isSound: true });
    const exported = await fixture.call('GET', `/api/v1/audit/cases/${caseId}`, { token: admin });
    expect(exported).toMatchObject({ status: 503, json: { code: 'unavailable' } });
  });

  it('the story names people, resolves who is awaited, and steers no terminal', async () => {
    const approver = await fixture.addPerson({ displayName: 'Mona\u001b[2J Manager' });
    const personId = await fixture.addPerson({ displayName: 'Ada\r\nLovelace' });
    await addCase(fixture, { personId });
    const approvalId = `approval_${personId}_1_1`;
    const seats = [{ role: 'manager', approverIds: [approver] }];
    const data = { approvalId, seats, items: ['crm/reader'], why: ['risk from 3 to 6'], riskMax: 4 };
    await tellStory(fixture.db, { at: startedAt, personId, n: 1, kind: 'approvalOpened', data });
    const { json } = await fixture.call('GET', '/api/v1/story', { token: admin });
    const lines = json?.['lines'] as string[];
    expect(lines.at(-2)).toMatch(
      /Ada..Lovelace: crm\/reader waits for Mona.\[2J Manager \(manager\): risk from 3 to 6/,
    );
    expect(lines.at(-1)).toContain(`approve ${approvalId}`);
    // eslint-disable-next-line no-control-regex -- control characters are what must be absent
    expect(lines.join('')).not.toMatch(/[\u0000-\u001f]/);
    const after = await fixture.call('GET', `/api/v1/story?after=${Number(json?.['after'])}`, { token: admin });
    expect(after.json).toEqual({ entries: [], lines: [], after: json?.['after'] });
  });
});

/** Answers the open questions as the worker does. */
async function answerRequests(kind: 'check' | 'accounts', result: unknown): Promise<void> {
  const open = () =>
    fixture.db.selectFrom('system_request').selectAll().where('kind', '=', kind).where('done_at', 'is', null).execute();
  await until(async () => (await open()).length > 0);
  for (const row of await open())
    await fixture.db
      .updateTable('system_request')
      .set({ done_at: startedAt, result: JSON.stringify(result) })
      .where('request_id', '=', row.request_id)
      .execute();
}
