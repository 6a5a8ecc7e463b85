/**
 * Some sixty random events for two dozen people on one real company, one upon the other, while a system is away for a while:
 * at the end the systems hold what `justified` says, and what plain words say. USHER_MODEL_SEED repeats the events.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { verifyLog } from '../../src/evidence/verify.ts';
import { derivationsSettled } from '../../src/use-cases/derive-queue.ts';
import { ChaosCompany } from '../chaos/events.ts';
import { checkEverybody } from '../chaos/findings.ts';
import { decideAll, retryFailed, unfinished } from '../support/chaos-desk.ts';
import { othersAt } from '../support/company-view.ts';
import { crashPolicy } from '../support/crash-cast.ts';
import { createSeededRandom } from '../support/seeded-random.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

const seed = Number(process.env['USHER_MODEL_SEED'] ?? 20_261_124);
const EVENTS = 60;

let world: World;
beforeAll(async () => {
  process.stderr.write(`model: USHER_MODEL_SEED=${seed}\n`);
  world = await createWorld({ policyEdits: crashPolicy });
});
afterAll(async () => {
  await world.close();
});

const underived = async (): Promise<number> =>
  (await world.ownerDb.selectFrom('ledger').select('event_id').where('state', '=', 'received').execute()).length;

const logOf = () => {
  const { ownerDb: db, keysDir, serverDeps } = world;
  return verifyLog({ db, keysDir, verifier: serverDeps.verifier, now: world.clock.now });
};

describe(`random events for people of one company (seed ${seed})`, () => {
  test('end with exactly what is justified, for everybody', async () => {
    const random = createSeededRandom(seed);
    const chaos = new ChaosCompany(world, random);
    const othersBefore = othersAt(world, ['114', '115', '120', '125']);
    const decisions = decideAll(world, 200);
    chaos.leaversFromBefore();
    for (let count = 1; count <= EVENTS; count += 1) {
      chaos.event();
      if (count === 15) world.company.crm.faults.add({ kind: 'status', status: 503, times: null });
      if (count === 40) world.company.crm.faults.clear();
      // Most come at once; some wait until the one before was read.
      if (random.between(1, 3) === 1) await derivationsSettled(world.serverDeps);
    }
    chaos.settle();
    await eventually(
      async () => {
        await retryFailed(world);
        const open = await unfinished({ ownerDb: world.ownerDb, underived });
        if (open.length > 0) throw new Error(open.join('; '));
        return true;
      },
      'everything ends',
      100_000,
    );
    await decisions.stop();
    const checked = await checkEverybody({ ...world, verifyLog: logOf }, chaos, othersBefore);
    expect(checked.findings).toEqual([]);
    expect(checked.people).toBeGreaterThanOrEqual(20);
    expect(checked.rights).toBeGreaterThan(20);
  }, 120_000);
});
