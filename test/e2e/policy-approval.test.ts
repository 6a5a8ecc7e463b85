/** A policy version becomes active only after a second person approved it, and every activation is kept. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { activatePolicy } from '../../src/use-cases/activate-policy.ts';
import type { Scope } from '../../src/auth/scopes.ts';
import { openDb } from '../../src/store/db.ts';
import { editPolicy } from '../support/policy-folder.ts';
import { runUsher, type Ran } from '../support/usher-cli.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
let proposer: string;
let approver: string;
beforeAll(async () => {
  world = await createWorld({ policyApprovals: 2, isWorkerLess: true });
  proposer = await tokenOf('109', ['operate']);
  approver = await tokenOf('110', ['security']);
});
afterAll(() => world.close());

async function tokenOf(sourceKey: string, scopes: Scope[]): Promise<string> {
  return world.tokenOf(await world.personId(sourceKey), scopes);
}

const usher = (token: string, ...args: string[]): Promise<Ran> => runUsher(args, { url: world.url, token });

function setRiskOfReader(from: string, to: string): void {
  const find = `vendorId: crm-reader\n    owner: bamboohr/121\n    riskPoints: ${from}`;
  editPolicy(world.serverDeps.policyDir, { file: 'entitlements.yaml', find, replace: find.replace(from, to) });
}

async function activeHash(): Promise<string> {
  return (await world.serverDeps.policies.active())?.policyHash ?? '';
}

async function propose(token = proposer): Promise<{ policyHash: string; baseHash: string; diffHash: string }> {
  const ran = await usher(token, 'policy', 'propose', '--json');
  expect(ran).toMatchObject({ exitCode: 0, error: '' });
  return JSON.parse(ran.out) as { policyHash: string; baseHash: string; diffHash: string };
}

const evidenceOf = (kind: string) =>
  world.ownerDb.selectFrom('evidence').select('body').where('kind', '=', kind).orderBy('seq').execute();

describe('a policy version', () => {
  it('is refused on the word of one person, and the folder as it is needs no proposal', async () => {
    setRiskOfReader('1.5', '1.25');
    const refused = await usher(proposer, 'policy', 'activate');
    expect(refused).toMatchObject({ exitCode: 5, error: expect.stringContaining('usher policy propose') });
    await expect(activatePolicy(world.serverDeps, { by: 'bootstrap' })).rejects.toMatchObject({ code: 'conflict' });
    setRiskOfReader('1.25', '1.5');
    expect(await usher(proposer, 'policy', 'propose')).toMatchObject({ exitCode: 5 });
    expect((await usher(proposer, 'policy', 'versions', '--json')).out).toContain('"bootstrap"');
  });

  it('becomes active when another person approves exactly what was proposed', async () => {
    const before = await activeHash();
    setRiskOfReader('1.5', '1.75');
    const { policyHash, baseHash } = await propose();
    expect({ active: await activeHash(), baseHash }).toEqual({ active: before, baseHash: before });
    // The folder moves on; what was proposed does not.
    setRiskOfReader('1.75', '2.25');
    expect(await usher(proposer, 'policy', 'approve', policyHash)).toMatchObject({ exitCode: 3 });
    const self = await tokenOf('109', ['security']);
    expect(await usher(self, 'policy', 'approve', policyHash)).toMatchObject({
      exitCode: 3,
      error: expect.stringContaining('another person'),
    });
    expect(await activeHash()).toBe(before);
    expect(await usher(approver, 'policy', 'approve', policyHash.slice(0, 12))).toMatchObject({ exitCode: 0 });
    const active = await world.serverDeps.policies.active();
    expect(active?.policyHash).toBe(policyHash);
    expect(active?.policy.entitlements.find(({ id }) => id === 'crm/reader')?.riskPoints).toBe(1.75);
    const [approved] = await evidenceOf('policyApproved');
    const approvedBy = await world.personId('110');
    expect(approved?.body).toMatchObject({ policyHash, proposedBy: await world.personId('109'), approvedBy });
    expect((await evidenceOf('policyActivated')).at(-1)?.body).toMatchObject({ mode: 'twoPeople', approvedBy });
    expect((await evidenceOf('refused')).map(({ body }) => body['code'])).toContain('selfApproval');
  });

  it('that changed after the proposal needs a new one, and the new one replaces the old', async () => {
    const first = await propose();
    setRiskOfReader('2.25', '2.5');
    const second = await propose();
    expect(second.policyHash).not.toBe(first.policyHash);
    expect(await usher(approver, 'policy', 'approve', first.policyHash)).toMatchObject({
      exitCode: 5,
      error: expect.stringContaining('newer proposal'),
    });
    expect(await usher(approver, 'policy', 'approve', 'f'.repeat(64))).toMatchObject({ exitCode: 4 });
    expect(await usher(approver, 'policy', 'approve', 'nonsense')).toMatchObject({ exitCode: 2 });
    expect(await usher(approver, 'policy', 'approve', second.policyHash)).toMatchObject({ exitCode: 0 });
    expect(await usher(approver, 'policy', 'approve', second.policyHash)).toMatchObject({ exitCode: 5 });
  });

  it('lists versions with both people, for who may see them', async () => {
    const ran = await usher(approver, 'policy', 'versions', '--json');
    const { versions } = JSON.parse(ran.out) as { versions: { mode: string; approvedBy: { name: string } | null }[] };
    expect(versions.map(({ mode }) => mode)).toEqual(['twoPeople', 'twoPeople', 'bootstrap']);
    expect(versions[0]?.approvedBy?.name).toMatch(/\w+ \w+/);
    expect((await usher(approver, 'policy', 'proposals')).out).toContain('activated');
    const reader = await tokenOf('109', ['read:own-cases']);
    expect(await usher(reader, 'policy', 'versions')).toMatchObject({ exitCode: 3 });
  });

  it('cannot be proposed with a finding, and a proposal that was edited in the store is none', async () => {
    setRiskOfReader('2.5', '11');
    expect(await usher(proposer, 'policy', 'propose')).toMatchObject({
      exitCode: 1,
      error: expect.stringMatching(/entitlements\.yaml:\d+:\d+/),
    });
    setRiskOfReader('11', '0.25');
    const { policyHash } = await propose();
    const forged = JSON.stringify((await world.serverDeps.policies.active())?.policy);
    await world.ownerDb
      .updateTable('policy_proposal')
      .set({ content: forged })
      .where('policy_hash', '=', policyHash)
      .execute();
    expect(await usher(approver, 'policy', 'approve', policyHash)).toMatchObject({ exitCode: 4 });
  });

  it('is out of reach of the worker, and its history of the server too', async () => {
    const worker = openDb(world.database.workerUrl, 1);
    const denied = expect.objectContaining({ message: expect.stringContaining('permission denied') });
    await expect(worker.updateTable('policy_version').set({ is_active: false }).execute()).rejects.toEqual(denied);
    await expect(worker.updateTable('policy_proposal').set({ state: 'open' }).execute()).rejects.toEqual(denied);
    await expect(worker.selectFrom('policy_source').selectAll().execute()).rejects.toEqual(denied);
    await worker.destroy();
    const { db } = world.serverDeps;
    await expect(db.updateTable('policy_activation').set({ mode: 'twoPeople' }).execute()).rejects.toEqual(denied);
    await expect(db.deleteFrom('policy_activation').execute()).rejects.toEqual(denied);
    await expect(db.updateTable('policy_proposal').set({ policy_hash: 'x' }).execute()).rejects.toEqual(denied);
  });
});
