/** What a joiner costs, compared with a bare workflow of as many activities and bytes, both in the same minutes. */
import { countDerived, untilJoined, type BareShape, type Stage } from './stage.ts';

const ROUNDS = 3;
const PER_ROUND = 80;
const LIMIT_MS = 120_000;

export interface JoinerShape extends BareShape {
  /** Events of all workflows of one joiner. */
  historyEvents: number;
}

/** Hires one person and reads what their workflows were made of. */
export async function shapeOfJoiner({ company, db, client }: Stage): Promise<JoinerShape> {
  const [key = ''] = await company.ask<string[]>('hire', [1]);
  await untilJoined(db, [key], LIMIT_MS);
  const { person_id } = await db
    .selectFrom('identity_link')
    .select('person_id')
    .where('source_key', '=', key)
    .executeTakeFirstOrThrow();
  let historyEvents = 0;
  let activities = 0;
  let bytes = 0;
  for (const workflowId of [`case_${person_id}_1`, `provisioning_${person_id}_1_1`]) {
    const events = (await client.workflow.getHandle(workflowId).fetchHistory()).events ?? [];
    historyEvents += events.length;
    for (const event of events) {
      const input = event.activityTaskScheduledEventAttributes?.input?.payloads;
      const result = event.activityTaskCompletedEventAttributes?.result?.payloads;
      if (event.activityTaskScheduledEventAttributes) activities += 1;
      for (const { data } of [...(input ?? []), ...(result ?? [])]) bytes += data?.length ?? 0;
    }
  }
  return { historyEvents, activities, payloadBytes: Math.round(bytes / (2 * activities)) };
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
