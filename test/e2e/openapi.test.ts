/**
 * The OpenAPI document against the running server: every endpoint has an entry, every answer is what the document says
 * and holds nothing that it does not say, and a client that was generated from it compiles and works.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import openapiTS, { astToString } from 'openapi-typescript';
import { endpoints, type Scope } from '../../src/auth/scopes.ts';
import type { OpenApiDocument } from '../../src/http/openapi/document.ts';
import { archiveCases } from '../../src/use-cases/archive-cases.ts';
import { watchCases } from '../../src/delivery/watch-cases.ts';
import { hire, openApproval, untilCase, type OpenApproval } from '../support/case-driver.ts';
import { postImport } from '../support/import-driver.ts';
import { asMap, createOpenApiCheck, templateOf, type OpenApiCheck } from '../support/openapi-check.ts';
import { editPolicy } from '../support/policy-folder.ts';
import { typeErrorsOf } from '../support/type-errors.ts';
import { clientText } from '../support/api-client-text.ts';
import { claimTask } from '../support/claimed-task.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

let world: World;
let token: string;
let document: OpenApiDocument;
let check: OpenApiCheck;
let approval: OpenApproval;
let personId: string;
let moverId = '';
const seller = { jobTitle: 'Account Executive', department: 'Sales', supervisorEId: '105' };
const scopes: Scope[] = ['decide', 'read:own-cases', 'operate', 'security', 'audit', 'erase'];

beforeAll(async () => {
  world = await createWorld({
    policyEdits: [{ file: 'rules.yaml', find: '  leavers: {', replace: '  movers: { handOver: 3d }\n  leavers: {' }],
  });
  token = await world.tokenOf(await world.personId('110'), scopes);
  document = (await world.api('/api/v1/openapi.json', { token })).json as OpenApiDocument;
  check = createOpenApiCheck(world, document, token);
  ({ personId } = await hire(world, {
    firstName: 'Olga',
    lastName: 'Openapi',
    ...seller,
  }));
  approval = await openApproval(world, personId, 1);
});
afterAll(() => world.close());

describe('the document', () => {
  test('has an entry for every endpoint below /api/v1, and no other', () => {
    const described = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
      Object.keys(asMap(item)).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const wanted = Object.keys(endpoints).filter((endpoint) => endpoint.includes(' /api/v1/'));
    const asTemplate = wanted.map((endpoint) => `${endpoint.split(' ')[0] ?? ''} ${templateOf(endpoint)}`);
    expect(described.toSorted()).toEqual(asTemplate.toSorted());
  });

  test('says which scopes open an endpoint, as the table of endpoints says it', () => {
    for (const [endpoint, need] of Object.entries(endpoints)) {
      if (!endpoint.includes(' /api/v1/')) continue;
      const method = (endpoint.split(' ')[0] ?? '').toLowerCase();
      const { security } = asMap(asMap(document.paths?.[templateOf(endpoint)])[method]) as { security?: unknown };
      expect(security).toEqual((need as readonly Scope[]).map((scope) => ({ token: [scope] })));
    }
  });

  test('names each operation once', () => {
    const ids = Object.values(document.paths ?? {}).flatMap((item) =>
      Object.values(asMap(item)).map((operation) => asMap(operation)['operationId']),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('is for holders of a token', async () => {
    expect((await world.api('/api/v1/openapi.json')).status).toBe(401);
  });
});

/** Why, for everything that can be assigned: so many reasons and obstacles as this person gives. */
async function explainAll(person: string): Promise<Set<string>> {
  const policy = (await world.serverDeps.policies.active())?.policy;
  const kinds = new Set<string>();
  for (const { id } of policy?.entitlements ?? []) {
    const init = { parameters: { person }, query: { entitlement: id } };
    const { json } = await check.call('GET /api/v1/persons/:person/access', init);
    const { reasons, obstacles } = json as Record<'reasons' | 'obstacles', { kind: string }[]>;
    for (const { kind } of [...reasons, ...obstacles]) kinds.add(kind);
  }
  return kinds;
}

const firstOf = ({ seats }: OpenApproval): string => seats[0]?.approverIds[0] ?? '';
const today = (): string => world.clock.now().toISOString().slice(0, 10);

describe('answers are what the document says', () => {
  test('reading', async () => {
    const parameters = { caseId: `case_${personId}_1`, approvalId: approval.approvalId, person: personId };
    await check.call('GET /api/v1/me');
    await check.call('GET /api/v1/cases');
    await check.call('GET /api/v1/cases', { query: { state: 'awaitingApproval' } });
    await check.call('GET /api/v1/cases/:caseId', { parameters });
    await check.call('GET /api/v1/approvals');
    await check.call('GET /api/v1/approvals/:approvalId', { parameters });
    await check.call('GET /api/v1/persons/:person', { parameters });
    await check.call('GET /api/v1/holds');
    await check.call('GET /api/v1/policy');
    await check.call('GET /api/v1/systems');
    await check.call('POST /api/v1/systems/check', { body: {} });
    const crm = { parameters: { systemId: 'crm' }, body: {} };
    await eventually(async () => {
      const { json } = await check.call('POST /api/v1/systems/:systemId/inventory', crm);
      const { state, requestId } = json as Record<string, string>;
      crm.body = { requestId };
      return state === 'taken';
    }, 'the inventory is taken');
    await check.call('GET /api/v1/systems/:systemId', { parameters: crm.parameters, query: { limit: '5' } });
    await check.call('GET /api/v1/incidents');
    await check.call('GET /api/v1/audit/verify');
    await check.call('GET /api/v1/story');
    await check.call('GET /api/v1/openapi.json');
    const { json } = await check.call('GET /api/v1/doctor');
    const { findings } = json as { findings: { area: string; level: string; text: string }[] };
    expect(findings.filter(({ level }) => level !== 'ok')).toEqual([]);
    expect(new Set(findings.map(({ area }) => area))).toEqual(
      new Set(['database', 'clock', 'temporal', 'worker', 'systems', 'policy', 'mail', 'evidence']),
    );
    expect(await explainAll(personId)).toEqual(new Set(['rule', 'waiting', 'needsPeople', 'filter', 'nobodyAsked']));
  });

  test('asking, handing over, and deputies', async () => {
    const { personId: hired } = await hire(world, { firstName: 'Quinn', lastName: 'Question', ...seller });
    const asked = await openApproval(world, hired, 1);
    const parameters = { approvalId: asked.approvalId };
    const manager = await world.tokenOf(firstOf(asked), ['decide']);
    const [other, otherId] = [await world.tokenOf(await world.personId('122'), ['decide']), 'bamboohr/122'];
    const ask = 'POST /api/v1/approvals/:approvalId/questions';
    expect((await check.call(ask, { parameters, body: { text: '' }, token: manager })).status).toBe(400);
    expect((await check.call(ask, { parameters, body: { text: 'why?' }, token: other })).status).toBe(403);
    const question = await check.call(ask, { parameters, body: { text: 'why?', of: otherId }, token: manager });
    const { questionId } = question.json as { questionId: string };
    const listed = (await check.call('GET /api/v1/questions', { token: other })).json as { questions: object[] };
    expect(listed.questions).toMatchObject([{ questionId, state: 'open', text: 'why?' }]);
    await check.call('GET /api/v1/approvals/:approvalId', { parameters });
    const answer = { parameters: { questionId }, body: { text: 'because' }, token: other };
    expect((await check.call('POST /api/v1/questions/:questionId/answer', answer)).status).toBe(201);
    expect((await check.call('POST /api/v1/questions/:questionId/answer', answer)).status).toBe(409);
    const days = { to: otherId, from: today(), until: today() };
    const deputy = await check.call('POST /api/v1/deputies', { body: days, token: manager });
    const { mandateId } = deputy.json as { mandateId: string };
    const { deputies } = (await check.call('GET /api/v1/deputies')).json as { deputies: object[] };
    expect(deputies).toMatchObject([{ mandateId, for: { personId: firstOf(asked) } }]);
    const end = { parameters: { mandateId }, body: {} };
    const stranger = await world.tokenOf(await world.personId('124'), ['decide']);
    expect((await check.call('POST /api/v1/deputies/:mandateId/end', { ...end, token: stranger })).status).toBe(404);
    expect((await check.call('POST /api/v1/deputies/:mandateId/end', { ...end, token: manager })).status).toBe(200);
    const handOver = 'POST /api/v1/approvals/:approvalId/hand-over';
    const body = { to: otherId, reason: 'knows the team' };
    expect((await check.call(handOver, { parameters, body: { ...body, to: hired }, token: manager })).status).toBe(403);
    expect((await check.call(handOver, { parameters, body, token: manager })).status).toBe(201);
    const { json } = await check.call('GET /api/v1/approvals/:approvalId', { parameters });
    expect(json).toMatchObject({ actors: [{ inPlaceOf: { personId: firstOf(asked) } }], questions: [{ questionId }] });
    await check.call('GET /api/v1/cases/:caseId', { parameters: { caseId: `case_${hired}_1` } });
  });

  test('deciding, and leaving', async () => {
    const verdicts = approval.items.map(({ itemDigest }) => ({ itemDigest, verdict: 'approve' }));
    const parameters = { caseId: `case_${personId}_1`, approvalId: approval.approvalId, person: personId };
    const approver = await world.tokenOf(firstOf(approval), ['decide']);
    const decide = 'POST /api/v1/approvals/:approvalId/decisions';
    const retry = 'POST /api/v1/cases/:caseId/retry';
    expect((await check.call(retry, { parameters, body: { systemId: 'crm' } })).status).toBe(202);
    expect((await check.call(decide, { parameters, body: { verdicts } })).status).toBe(403);
    expect((await check.call(decide, { parameters, body: { verdicts: [] }, token: approver })).status).toBe(400);
    expect((await check.call(decide, { parameters, body: { verdicts }, token: approver })).status).toBe(201);
    expect((await check.call(decide, { parameters, body: { verdicts }, token: approver })).status).toBe(409);
    await untilCase(world, personId, 1, 'done');
    await check.call('GET /api/v1/approvals', { query: { state: 'any' } });
    await check.call('GET /api/v1/cases/:caseId', { parameters });
    await check.call('GET /api/v1/persons/:person', { parameters });
    expect(await explainAll(personId)).toContain('decision');
    expect((await check.call(retry, { parameters, body: { systemId: 'crm' } })).status).toBe(409);
    await check.call('POST /api/v1/holds/release', { body: { persons: [personId], reason: 'nobody is held' } });
    const leave = { parameters, body: { reason: 'over' } };
    expect((await check.call('POST /api/v1/persons/:person/leave', leave)).status).toBe(202);
    const erase = { parameters, body: { reason: 'requested' } };
    expect((await check.call('POST /api/v1/persons/:person/erase', erase)).status).toBe(409);
    const caseId = `case_${personId}_2`;
    await eventually(
      async () => (await world.api(`/api/v1/cases/${caseId}`, { token })).status === 200,
      'the leaver has a case',
    );
    await check.call('GET /api/v1/cases/:caseId', { parameters: { caseId } });
    expect(await explainAll(personId)).toContain('outside');
  });

  test('a mover whose hand-over ends, and a case that is lost and resumed', async () => {
    const { personId: mover, employee } = await hire(world, { firstName: 'Mona', lastName: 'Mover' });
    await untilCase(world, mover, 1, 'done');
    world.company.bamboohr.hr.setFields(employee.id, {
      jobTitle: 'Financial Analyst',
      department: 'Finance',
      supervisorEId: '107',
    });
    const end = { parameters: { caseId: `case_${mover}_2` } };
    await eventually(
      async () => (await check.call('POST /api/v1/cases/:caseId/hand-over/end', end)).status === 202,
      'the hand-over of the mover is ended',
    );
    await check.call('GET /api/v1/cases/:caseId', end);
    moverId = mover;
    const caseId = `case_${mover}_1`;
    expect((await check.call('POST /api/v1/cases/:caseId/resume', { parameters: { caseId } })).status).toBe(409);
    const { personId: lost } = await hire(world, { firstName: 'Lola', lastName: 'Lost', ...seller });
    await openApproval(world, lost, 1);
    const lostCase = { parameters: { caseId: `case_${lost}_1` } };
    await world.client.workflow.getHandle(lostCase.parameters.caseId).terminate('by a stranger');
    world.clock.advance(10_000);
    await eventually(async () => {
      await watchCases(world.workerDeps);
      return (await check.call('POST /api/v1/cases/:caseId/resume', lostCase)).status === 202;
    }, 'the lost case is found and resumed');
    await check.call('GET /api/v1/incidents', { query: { state: 'any' } });
  });

  test('evidence of a case: export, recomputation, archive, and a sample', async () => {
    const parameters = { caseId: `case_${personId}_1` };
    await check.call('GET /api/v1/audit/cases/:caseId', { parameters });
    const { json } = await check.call('GET /api/v1/audit/cases/:caseId/recompute', { parameters });
    expect(json).toMatchObject({ verdict: 'match', plans: [{ verdict: 'match' }] });
    const archive = 'GET /api/v1/audit/cases/:caseId/archive';
    const waiting = await check.call(archive, { parameters: { caseId: `case_${personId}_2` } });
    expect(waiting.json).toMatchObject({ state: 'waiting' });
    world.clock.advance(60_000);
    await eventually(async () => {
      await archiveCases(world.serverDeps);
      return ((await check.call(archive, { parameters })).json as { state: string }).state === 'archived';
    }, 'the case is archived');
    const query = { from: '2000-01-01', to: '2100-01-01', seed: 'x' };
    const sample = (await check.call('GET /api/v1/audit/sample', { query })).json as { sample: object[] };
    expect(sample.sample.length).toBeGreaterThan(0);
    const reversed = { ...query, to: '1999-01-01' };
    expect((await check.call('GET /api/v1/audit/sample', { query: reversed })).json).toMatchObject({ field: 'to' });
  });

  test('policy: what a version would do, proposing and approving it, and who holds what is kept apart', async () => {
    const dir = world.serverDeps.policyDir;
    const rule = [
      'separationOfDuties:',
      '  - id: mail-and-wiki',
      '    description: Who has mail does not read the wiki',
      '    between: [[okta/employees], [wiki/reader]]',
      '    compensatingControl: Somebody reads the log each month',
      '    exceptionLasts: 30d',
      '',
      'routing:',
    ];
    editPolicy(dir, { file: 'rules.yaml', find: 'routing:', replace: rule.join('\n') });
    const vpn = 'vendorId: 00gvpn00000000000000\n    owner: bamboohr/109\n    riskPoints: 2';
    editPolicy(dir, { file: 'entitlements.yaml', find: vpn, replace: vpn.replace('riskPoints: 2', 'riskPoints: 7') });
    const proposed = await check.call('POST /api/v1/policy/proposals', { body: {} });
    const { policyHash } = proposed.json as { policyHash: string };
    await check.call('GET /api/v1/policy/proposals');
    const to = { kind: 'hash', hash: policyHash };
    const diff = await check.call('POST /api/v1/policy/diff', { body: { from: { kind: 'active' }, to } });
    expect((diff.json as { changes: object[] }).changes.length).toBeGreaterThan(0);
    const facts = { title: 'Software Engineer', department: 'Engineering', managerKey: '103' };
    for (const event of [
      { event: 'joiner', facts },
      { event: 'mover', person: moverId, facts },
      { event: 'leaver', person: moverId },
    ])
      expect((await check.call('POST /api/v1/policy/simulate', { body: { policy: to, event } })).status).toBe(200);
    const unknown = { event: { event: 'promotion' } };
    expect((await check.call('POST /api/v1/policy/simulate', { body: unknown })).status).toBe(400);
    const approve = 'POST /api/v1/policy/proposals/:hash/approve';
    const init = { parameters: { hash: policyHash.slice(0, 12) }, body: {} };
    expect((await check.call(approve, init)).status).toBe(403);
    const second = await world.tokenOf(await world.personId('111'), ['security']);
    expect((await check.call(approve, { ...init, token: second })).status).toBe(200);
    const { versions } = (await check.call('GET /api/v1/policy/versions')).json as { versions: object[] };
    expect(versions).toMatchObject([{ mode: 'twoPeople' }, { mode: 'bootstrap' }]);
    const { conflicts } = (await check.call('GET /api/v1/policy/conflicts')).json as { conflicts: object[] };
    expect(conflicts.length).toBeGreaterThan(0);
    await check.call('POST /api/v1/policy/activate', { body: {} });
  });

  test('people from a file, and one of them erased', async () => {
    const file = [
      'Employee ID,First Name,Last Name,Job Title,Department,Worker Type,Hire Date,Manager ID,Gender',
      '9001,Ines,Import,Engineer,Engineering,Employee,2020-01-01,8999,x',
      '9002,Iris,Import,Engineer,Engineering,Employee,2020-02-31,,x',
    ].join('\n');
    const report = await postImport(world, { token, file, query: { keysOf: 'none' } });
    check.expectDescribed('POST /api/v1/import', report);
    expect(report.json).toMatchObject({ unusable: [{ line: 3 }], warnings: [{ code: 'unknownManager' }] });
    const wrong = await postImport(world, { token, file, query: { keysOf: 'none', confirm: '0'.repeat(64) } });
    check.expectDescribed('POST /api/v1/import', wrong);
    expect(wrong.status).toBe(409);
    const query = { keysOf: 'none', confirm: report.json.reportHash };
    check.expectDescribed('POST /api/v1/import', await postImport(world, { token, file, query }));
    check.expectDescribed('POST /api/v1/import', await postImport(world, { token, file, mapping: 'nonsense: 1' }));
    const parameters = { person: 'csv/9001' };
    const erase = { parameters, body: { reason: 'requested' } };
    await check.call('GET /api/v1/persons/:person', { parameters });
    expect((await check.call('POST /api/v1/persons/:person/erase', erase)).status).toBe(200);
  });

  test('the way of a system from baseline to enforcement', async () => {
    const parameters = { systemId: 'wiki' };
    const recorded = await check.call('POST /api/v1/systems/:systemId/baseline', { parameters, body: {} });
    expect(recorded.json).toMatchObject({ state: 'recorded' });
    const enforce = 'POST /api/v1/systems/:systemId/enforce';
    const { json } = await check.call(enforce, { parameters, body: {} });
    const { diffHash, people } = json as { diffHash: string; people: object[] };
    expect(people.length).toBeGreaterThan(0);
    expect((await check.call(enforce, { parameters, body: { confirm: '0'.repeat(64) } })).status).toBe(409);
    expect((await check.call(enforce, { parameters, body: { confirm: diffHash } })).json).toMatchObject({
      isSwitched: true,
    });
    expect((await check.call('POST /api/v1/systems/:systemId/baseline', { parameters, body: {} })).status).toBe(409);
  });

  test('refusals', async () => {
    await check.call('GET /api/v1/me', { token: null });
    await check.call('GET /api/v1/cases/:caseId', { parameters: { caseId: 'x' } });
    await check.call('GET /api/v1/persons/:person', { parameters: { person: 'bamboohr/99999' } });
    await check.call('POST /api/v1/holds/release', { body: { persons: [] } });
    await check.call('GET /api/v1/systems', { token: await world.tokenOf(moverId, ['read:own-cases']) });
  });

  test('the word of an owner', async () => {
    const { task, token: owners } = await claimTask(world, moverId);
    await check.call('GET /api/v1/tasks', { token: owners });
    const answer = { parameters: { task }, token: owners, body: { word: 'confirmed' } };
    expect((await check.call('POST /api/v1/tasks/:task/answer', answer)).status).toBe(201);
    expect((await check.call('POST /api/v1/tasks/:task/answer', answer)).status).toBe(409);
  });

  test('every endpoint has answered with success above', () => {
    const all = Object.keys(endpoints).filter((endpoint) => endpoint.includes(' /api/v1/'));
    expect(all.filter((endpoint) => !check.succeeded.has(endpoint))).toEqual([]);
  });

  test('an answer with a field too many or too few would be found', () => {
    const { faultsOf } = check;
    const me = { personId: null, name: null, label: 'x', scopes: [] };
    expect(faultsOf('/api/v1/me', 'get', 200, me)).toEqual([]);
    expect(faultsOf('/api/v1/me', 'get', 200, { ...me, more: 1 })).toHaveLength(1);
    expect(faultsOf('/api/v1/me', 'get', 200, { ...me, label: undefined })).not.toEqual([]);
    expect(faultsOf('/api/v1/me', 'get', 418, me)).toHaveLength(1);
  });
});

describe('a generated client', () => {
  test('compiles, refuses what the document does not know, and works', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'usher-client-'));
    try {
      symlinkSync(resolve('node_modules'), join(dir, 'node_modules'));
      writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
      writeFileSync(join(dir, 'api.d.ts'), astToString(await openapiTS(document as never)));
      writeFileSync(join(dir, 'client.ts'), clientText);
      expect(await typeErrorsOf(join(dir, 'client.ts'))).toBe('');
      const { stdout } = await promisify(execFile)(process.execPath, [join(dir, 'client.ts')], {
        env: { URL: world.url, TOKEN: token, PERSON: personId },
      });
      expect(JSON.parse(stdout)).toEqual({
        scopes: scopes.toSorted(),
        states: ['done'],
        name: 'Olga Openapi',
        field: 'reason',
        status: 400,
      });
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }, 180_000);
});
