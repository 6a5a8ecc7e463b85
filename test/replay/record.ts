/**
 * Records the golden histories anew: `node scripts/run.js test/replay/record.ts`. It runs every scenario on real servers
 * and replaces what `histories/` holds. To be run only when a history must change: what is replaced is no longer proved.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { PayloadCodec } from '@temporalio/common';
import { createDataConverter } from '../../src/data-converter.ts';
import { startEngine, stopEngine } from '../support/engine.ts';
import { createWorld, type World } from '../support/world.ts';
import { cleanHistory } from './clean-history.ts';
import { recordingPolicy, scenarios, type Scenario } from './scenarios.ts';
import { historiesDir, manifestPath, sha256Of, type StoredHistory } from './stored-histories.ts';

interface Recorded {
  stored: StoredHistory;
  text: string;
}

async function main(): Promise<void> {
  await startEngine();
  try {
    const world = await createWorld({ policyEdits: recordingPolicy });
    try {
      await recordAll(world);
    } finally {
      await world.close();
    }
  } finally {
    await stopEngine();
  }
}

async function recordAll(world: World): Promise<void> {
  const codec = createDataConverter(world.keysDir).payloadCodecs?.[0];
  if (!codec) throw new Error('the data converter has no codec');
  const recorded: Recorded[] = [];
  for (const scenario of scenarios) {
    const mine = await recordOne(world, scenario, codec);
    process.stdout.write(`${scenario.name}: ${mine.map(({ stored }) => stored.type).join(', ')}\n`);
    recorded.push(...mine);
  }
  write(recorded);
}

async function recordOne(world: World, scenario: Scenario, codec: PayloadCodec): Promise<Recorded[]> {
  const { personId } = await scenario.run(world);
  const recorded: Recorded[] = [];
  for (const { workflowId, type } of await workflowsOf(world, personId)) {
    const handle = world.client.workflow.getHandle(workflowId);
    await handle.result().catch(() => undefined);
    const history = JSON.parse(historyToJSON(await handle.fetchHistory())) as unknown;
    const text = `${JSON.stringify(await cleanHistory(history, codec))}\n`;
    const count = recorded.filter(({ stored }) => stored.type === type).length;
    const file = `${type}--${scenario.name}${count === 0 ? '' : `-${count + 1}`}.json`;
    recorded.push({ stored: { file, type, scenario: scenario.name, workflowId, sha256: sha256Of(text) }, text });
  }
  return recorded;
}

/** In the order of their start, which the ids of one person tell. */
async function workflowsOf(world: World, personId: string): Promise<{ workflowId: string; type: string }[]> {
  const found: { workflowId: string; type: string }[] = [];
  for await (const info of world.client.workflow.list({ query: `UsherPersonId = "${personId}"` }))
    found.push({ workflowId: info.workflowId, type: info.type });
  return found.toSorted((a, b) => a.workflowId.localeCompare(b.workflowId, 'en', { numeric: true }));
}

function write(recorded: readonly Recorded[]): void {
  rmSync(historiesDir, { recursive: true, force: true });
  mkdirSync(historiesDir, { recursive: true });
  for (const { stored, text } of recorded) writeFileSync(join(historiesDir, stored.file), text);
  const histories = recorded.map(({ stored }) => stored).toSorted((a, b) => (a.file < b.file ? -1 : 1));
  writeFileSync(manifestPath, `${JSON.stringify({ histories }, null, 2)}\n`);
  process.stdout.write(`${histories.length} histories in ${historiesDir}\n`);
}

await main();
