/** What a joiner costs, compared with a bare workflow of as many activities and bytes, both in the same minutes. */
import type { Client } from '@temporalio/client';
import { caseWorkflowId } from '../src/workflows/wire.ts';
import { countDerived, untilJoined, type BareShape, type Stage } from './stage.ts';

const ROUNDS = 3;
const PER_ROUND = 80;
const LIMIT_MS = 120_000;

export interface JoinerShape extends BareShape {
  /** Events of one joiner. */
  historyEvents: number;
}

/** Hires one person whom nobody has to decide about, and reads what their only workflow was made of. */
export async function shapeOfJoiner({ company, db, client }: Stage): Promise<JoinerShape> {
  const [key = ''] = await company.ask<string[]>('hire', [1]);
  await untilJoined(db, [key], LIMIT_MS);
  const { person_id } = await db
    .selectFrom('identity_link')
    .select('person_id')
    .where('source_key', '=', key)
    .executeTakeFirstOrThrow();
  const { events, activities, bytes } = await shapeOf(client, caseWorkflowId(person_id, 1));
  return { historyEvents: events, activities, payloadBytes: Math.round(bytes / (2 * activities)) };
}

/** Bytes are those of all inputs and results of activities, as they travel. */
async function shapeOf(
  client: Client,
  workflowId: string,
): Promise<{ events: number; activities: number; bytes: number }> {
  const events = (await client.workflow.getHandle(workflowId).fetchHistory()).events ?? [];
  const payloads = events.flatMap((event) => [
    ...(event.activityTaskScheduledEventAttributes?.input?.payloads ?? []),
    ...(event.activityTaskCompletedEventAttributes?.result?.payloads ?? []),
  ]);
  return {
    events: events.length,
    activities: events.filter((event) => event.activityTaskScheduledEventAttributes).length,
    bytes: payloads.reduce((sum, { data }) => sum + (data?.length ?? 0), 0),
  };
}

export interface JoinerCost {
  /** Joiners for each bare workflow, by round. */
  ratios: number[];
  /** Activities per second of the bare workflows, by round. */
  bareActivityRates: number[];
}

/** Takes turns, so that whatever else happens on the machine hits both. */
export async function measureJoinerCost(stage: Stage, shape: BareShape): Promise<JoinerCost> {
  const cost: JoinerCost = { ratios: [], bareActivityRates: [] };
  await joinersPerSecond(stage, 20);
  await barePerSecond(stage, shape, 20);
  for (let round = 1; round <= ROUNDS; round += 1) {
    const bare = await barePerSecond(stage, shape, PER_ROUND);
    const joiners = await joinersPerSecond(stage, PER_ROUND);
    cost.ratios.push(joiners / bare);
    cost.bareActivityRates.push(bare * shape.activities);
    console.log(`  round ${round}: ${joiners.toFixed(1)} joiners/s, ${bare.toFixed(1)} bare workflows/s`);
  }
  return cost;
}

/** From the start of the first case to the end of the last; what HR's events cost is over by then. */
async function joinersPerSecond({ company, worker, db }: Stage, count: number): Promise<number> {
  await worker.ask('deliver', [false]);
  const keys = await company.ask<string[]>('hire', [count]);
  while ((await countDerived(db, keys)) < count) await new Promise((resolve) => setTimeout(resolve, 50));
  const startedAt = performance.now();
  await worker.ask('deliver', [true]);
  await untilJoined(db, keys, LIMIT_MS);
  return (1000 * count) / (performance.now() - startedAt);
}

async function barePerSecond({ runBare }: Stage, shape: BareShape, count: number): Promise<number> {
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: count }, () => runBare(shape)));
  return (1000 * count) / (performance.now() - startedAt);
}
