/** The server dies at each of its named points and is started again: everything ends as if nothing had happened. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startCompanyProcesses, type CompanyProcesses } from '../support/company-processes.ts';
import {
  approve,
  crashPolicy,
  hireEngineer,
  hireSeller,
  openApprovalIds,
  traceWhenDone,
} from '../support/crash-cast.ts';
import type { Trace } from '../support/trace.ts';
import { eventually } from '../support/world.ts';

let usher: CompanyProcesses;
let managerToken: string;
let engineer: Trace;
let seller: Trace;

async function openApprovalOf(key: string): Promise<string> {
  const personId = await usher.personId(key);
  return eventually(async () => (await openApprovalIds(usher, personId))[0], 'an approval waits');
}

beforeAll(async () => {
  usher = await startCompanyProcesses({ policyEdits: crashPolicy });
  await usher.worker.start();
  managerToken = await usher.tokenOf(await usher.personId('105'), ['decide', 'read:own-cases']);
  const keys = { engineer: hireEngineer(usher, 'Undisturbed'), seller: hireSeller(usher, 'Undisturbed') };
  expect(await approve(usher, await openApprovalOf(keys.seller), managerToken)).toBe(201);
  [engineer, seller] = await Promise.all([traceWhenDone(usher, keys.engineer), traceWhenDone(usher, keys.seller)]);
}, 120_000);
afterAll(async () => {
  await usher.close();
});

/** No event of an earlier test is on its way any more: the next one that passes the point is the test's own. */
async function armServer(point: string): Promise<void> {
  await usher.company.bamboohr.settled();
  await eventually(async () => (await usher.underived()) === 0, 'all events are derived');
  await usher.server.stop();
  await usher.server.start({ USHER_CRASH_POINT: point });
}

describe('the undisturbed', () => {
  test('have what their profiles say, by what was verified', () => {
    expect(engineer).toMatchObject({ cases: ['1 joiner done'], decisions: 0, incidents: 0, approvals: [] });
    expect(engineer.grants.length).toBeGreaterThanOrEqual(5);
    expect(seller).toMatchObject({ cases: ['1 joiner done'], decisions: 1, incidents: 0, approvals: ['decided'] });
    expect(seller.grants).toContain('crm crm-sales decision held');
  });
});

describe('a server that dies with an event of the HR system', () => {
  test.each([
    ['afterLedgerCommit', 'an event that was never acknowledged but lies in the ledger'],
    ['afterReread', 'an event whose facts were read and not stored'],
    ['afterTransaction', 'an event that was derived a moment before'],
  ])('%s: carries %s to its end, once', async (point) => {
    await armServer(point);
    const key = hireEngineer(usher, point);
    await usher.server.crashed();
    const left = await usher.ownerDb.selectFrom('ledger').select('state').where('source_key', '=', key).execute();
    expect(left.map(({ state }) => state)).toContain(point === 'afterTransaction' ? 'derived' : 'received');
    await usher.server.start();
    expect(await traceWhenDone(usher, key)).toEqual(engineer);
  });
});

describe('a server that dies with a decision', () => {
  test('afterDecisionRow: the decision that was signed counts, once, although nobody got an answer', async () => {
    await armServer('afterDecisionRow');
    const key = hireSeller(usher, 'Decided');
    const approvalId = await openApprovalOf(key);
    await expect(approve(usher, approvalId, managerToken)).rejects.toThrow();
    await usher.server.crashed();
    await usher.server.start();
    expect(await traceWhenDone(usher, key)).toEqual(seller);
    expect(await approve(usher, approvalId, managerToken)).toBe(409);
  });
});

describe('after all of it', () => {
  test('the evidence log is whole', async () => {
    const verification = await usher.verifyLog();
    expect(verification.findings).toEqual([]);
    expect(verification.treeSize).toBeGreaterThan(50);
  });
});
