/** A closed case goes into the archive with all that it started, and is replayed from there with the bundle that ran it. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from '../../src/cli/program.ts';
import { sha256Hex } from '../../src/store/sha256.ts';
import { archiveCases } from '../../src/use-cases/archive-cases.ts';
import type { ArchivedCase } from '../../src/use-cases/read-archive.ts';
import { decideByApi, hire, openApproval, untilCase } from '../support/case-driver.ts';
import { sharedBundle } from '../support/workflow-bundle.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

let world: World;
let dir: string;
let auditor: string;
let personId: string;
let caseId: string;
let isOpen = true;

beforeAll(async () => {
  world = await createWorld();
  dir = mkdtempSync(join(tmpdir(), 'usher-archive-'));
  auditor = await world.tokenOf(null, ['audit']);
  writeFileSync(join(dir, 'token'), auditor);
  ({ personId } = await hire(world, { firstName: 'Arne', lastName: 'Alt', jobTitle: 'Chief Juggler' }));
  caseId = `case_${personId}_1`;
});
afterAll(async () => {
  if (isOpen) await world.close();
  rmSync(dir, { recursive: true, force: true });
});

const archiveDir = (): string => world.serverDeps.archiveDir ?? '';

async function usher(args: string[]): Promise<{ exitCode: number; out: string }> {
  let out = '';
  const exitCode = await runCli(args, {
    env: {},
    writeOut: (text) => void (out += text),
    writeError: (text) => void (out += text),
  });
  return { exitCode, out };
}

async function archived(): Promise<ArchivedCase> {
  const { status, json } = await world.api(`/api/v1/audit/cases/${caseId}/archive`, { token: auditor });
  expect(status).toBe(200);
  return json as ArchivedCase;
}

async function untilArchived(): Promise<void> {
  world.clock.advance(60_000);
  await eventually(async () => {
    await archiveCases(world.serverDeps);
    return (await archived()).state === 'archived';
  }, 'the case is archived');
}

/** As an auditor's machine has it: the archive and the keys, and nothing that runs. */
const replayCopy = (...more: string[]) =>
  usher(['audit', 'replay', caseId, '--archive-dir', join(dir, 'archive'), '--keys-dir', join(dir, 'keys'), ...more]);

describe('the archive', () => {
  test('an open case waits; a closed one is archived once, with its children, the bundle and a record', async () => {
    const approval = await openApproval(world, personId, 1);
    await archiveCases(world.serverDeps);
    expect((await archived()).state).toBe('waiting');
    await decideByApi(world, approval, () => 'deny');
    await untilCase(world, personId, 1, 'done');
    await untilArchived();
    const found = await archived();
    expect(found.isSound).toBe(true);
    const workflowIds = found.histories.map(({ workflowId }) => workflowId);
    expect(workflowIds).toEqual([`approval_${personId}_1_1`, caseId]);
    const bundleHash = sha256Hex(sharedBundle().code);
    expect(found.bundles).toEqual([{ bundleHash, isIntact: true }]);
    expect(readdirSync(join(archiveDir(), 'bundles'))).toEqual([`${bundleHash}.js.gz`]);
    const before = found.manifestHash;
    await archiveCases(world.serverDeps);
    expect((await archived()).manifestHash).toBe(before);
    const records = await world.ownerDb
      .selectFrom('evidence')
      .select('body')
      .where('case_id', '=', caseId)
      .where('kind', '=', 'archived')
      .execute();
    expect(records).toHaveLength(1);
    expect(records[0]?.body).toMatchObject({ manifestHash: before });
  });

  test('a restored database takes up what the folder holds, though Temporal forgot the histories', async () => {
    await world.ownerDb.deleteFrom('case_archive').execute();
    await world.ownerDb.deleteFrom('archived_history').execute();
    const histories = (await readManifestFile()).histories.length;
    const real = world.serverDeps.temporal;
    if (!real) throw new Error('no Temporal');
    world.serverDeps.temporal = { ...real, runs: () => Promise.resolve([]), history: () => Promise.resolve(null) };
    await archiveCases(world.serverDeps);
    world.serverDeps.temporal = real;
    const found = await archived();
    expect(found).toMatchObject({ state: 'archived', isSound: true });
    expect(found.histories).toHaveLength(histories);
  });

  test('nothing in the folder can be read without the keys', () => {
    const folder = join(archiveDir(), 'histories', caseId);
    const bytes = Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name))));
    for (const word of ['Juggler', 'assignProfile', 'EVENT_TYPE', 'approval_'])
      expect(bytes.includes(word)).toBe(false);
  });

  test('with server, database and namespace gone it replays from the copy alone, with the bundle that ran', async () => {
    cpSync(archiveDir(), join(dir, 'archive'), { recursive: true });
    cpSync(world.keysDir, join(dir, 'keys'), { recursive: true });
    await world.close();
    isOpen = false;
    const { exitCode, out } = await replayCopy();
    const by = `(bundle ${sha256Hex(sharedBundle().code).slice(0, 12)})`;
    expect(out).toContain(`replays: ${caseId} ${by}`);
    expect(out).toContain(`replays: approval_${personId}_1_1 ${by}`);
    expect(exitCode).toBe(0);
    const byFile = await usher([
      'audit',
      'replay',
      join(dir, 'archive', 'cases', `${caseId}.json`),
      '--keys-dir',
      join(dir, 'keys'),
      '--json',
    ]);
    expect(JSON.parse(byFile.out)).toMatchObject({ caseId, isSound: true });
  });

  test('a changed history, a changed bundle and a changed manifest are each named', async () => {
    const spoil = async (file: string, expected: string): Promise<void> => {
      const whole = readFileSync(file);
      const bent = Buffer.from(whole);
      bent.writeUInt8((bent.at(-2) ?? 0) ^ 1, bent.length - 2);
      writeFileSync(file, bent);
      const { exitCode, out } = await replayCopy();
      expect(out).toContain(expected);
      expect(exitCode).toBe(1);
      writeFileSync(file, whole);
    };
    const histories = join(dir, 'archive', 'histories', caseId);
    await spoil(join(histories, readdirSync(histories)[0] ?? ''), 'changed: ');
    const bundles = join(dir, 'archive', 'bundles');
    await spoil(join(bundles, readdirSync(bundles)[0] ?? ''), 'changed: bundle');
    const manifest = join(dir, 'archive', 'cases', `${caseId}.json`);
    const text = readFileSync(manifest, 'utf8');
    writeFileSync(manifest, text.replace(/"eventCount": (\d+)/, '"eventCount": 9$1'));
    expect((await replayCopy()).out).toContain('not what this installation signed');
    writeFileSync(manifest, text);
    expect((await replayCopy()).exitCode).toBe(0);
  });

  test('erasing the person makes the histories unreadable, in the copy too once its key is gone', async () => {
    rmSync(join(dir, 'keys', 'persons', `${personId}.key`));
    const { exitCode, out } = await replayCopy();
    expect(out).toContain('erased: ');
    expect(out).not.toContain('replays: ');
    expect(exitCode).toBe(1);
  });

  test('a case that is not in the archive is not found', async () => {
    const unknown = 'case_00000000-0000-7000-8000-000000000000_1';
    const ran = await usher([
      'audit',
      'replay',
      unknown,
      '--archive-dir',
      join(dir, 'archive'),
      '--keys-dir',
      join(dir, 'keys'),
    ]);
    expect(ran.exitCode).toBe(4);
  });
});

function readManifestFile(): Promise<{ histories: unknown[] }> {
  const text = readFileSync(join(archiveDir(), 'cases', `${caseId}.json`), 'utf8');
  return Promise.resolve(JSON.parse(text) as { histories: unknown[] });
}
