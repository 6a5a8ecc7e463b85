/** The workflow code of today takes the steps that were recorded. Needs no server: `npm run test:replay` runs this alone. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { DefaultLogger, makeTelemetryFilterString, Runtime, Worker, bundleWorkflowCode } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { failureConverterPath } from '../../src/data-converter.ts';
import { bundleWorkflows, type WorkflowBundle } from '../../src/worker-options.ts';
import * as workflows from '../../src/workflows/index.ts';
import { workflowTypes } from '../../src/workflows/wire.ts';
import { historyFiles, readHistoryText, readManifest, sha256Of, type StoredHistory } from './stored-histories.ts';

const manifest = readManifest();
const types = Object.keys(workflowTypes);

beforeAll(() => {
  // Replaying changed code logs what this file asserts.
  const filter = makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' });
  Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined), telemetryOptions: { logging: { filter } } });
});

async function replay(stored: StoredHistory, workflowBundle: WorkflowBundle): Promise<unknown> {
  const history: unknown = JSON.parse(readHistoryText(stored.file));
  return Worker.runReplayHistory(
    { workflowBundle, dataConverter: { failureConverterPath } },
    history,
    stored.workflowId,
  );
}

describe('the golden histories', () => {
  test('cover every workflow type that a worker registers', () => {
    expect(Object.keys(workflows).toSorted()).toEqual(types.toSorted());
    expect(new Set(manifest.map(({ type }) => type))).toEqual(new Set(types));
  });

  test('are the files that were recorded, no more, no less, unchanged', () => {
    expect(historyFiles()).toEqual(manifest.map(({ file }) => file).toSorted());
    for (const { file, sha256 } of manifest) expect([file, sha256Of(readHistoryText(file))]).toEqual([file, sha256]);
  });

  test('name no machine, no path and no process', () => {
    for (const { file } of manifest) {
      const text = readHistoryText(file);
      const decoded = text.replaceAll(/"data":"([^"]*)"/g, (_, data: string) => Buffer.from(data, 'base64').toString());
      expect(decoded).not.toMatch(/"identity":"(?!recorded")/);
      expect(decoded).not.toMatch(/file:\/\/|\.ts:\d+/);
    }
  });
});

describe('the code of today', () => {
  let bundle: WorkflowBundle;
  beforeAll(async () => {
    bundle = await bundleWorkflows();
  });

  test.each(manifest)('takes the recorded steps of $type in "$scenario" ($file)', async (stored) => {
    await expect(replay(stored, bundle)).resolves.toBeUndefined();
  });
});

describe('code with one step more', () => {
  let changed: WorkflowBundle;
  beforeAll(async () => {
    const silent = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} };
    const workflowsPath = new URL('./changed-workflows.ts', import.meta.url).pathname;
    changed = await bundleWorkflowCode({ workflowsPath, failureConverterPath, logger: silent });
  });

  test.each(types)('is detected by every history of %s', async (type) => {
    const histories = manifest.filter((stored) => stored.type === type);
    expect(histories.length).toBeGreaterThan(0);
    for (const stored of histories) await expect(replay(stored, changed)).rejects.toThrow(DeterminismViolationError);
  });
});
