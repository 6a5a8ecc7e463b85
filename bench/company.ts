/** The server of the benchmark with the HR system that it reads, in a process of their own. */
import { createWorld } from '../test/support/world.ts';
import { answer } from './child.ts';
import { measureImport } from './import-cost.ts';

/** What the other processes need to know. */
export interface CompanyStarted {
  keysDir: string;
  namespace: string;
  ownerDatabaseUrl: string;
  workerDatabaseUrl: string;
  serverUrl: string;
}

const world = await createWorld({
  isWorkerLess: true,
  policyEdits: [
    // Two hundred leavers at once are what the cap is there to hold.
    {
      file: 'rules.yaml',
      find: 'maxPerHour: 10, maxPerDay: 20',
      replace: 'maxPerHour: 100000, maxPerDay: 100000',
    },
  ],
});
const { hr } = world.company.bamboohr;
let hired = 0;

/** An engineer: policy approves everything, five items at two systems. */
function hire(): string {
  hired += 1;
  const job = { jobTitle: 'Software Engineer', department: 'Engineering', location: 'Berlin', supervisorEId: '103' };
  return hr.hire({ firstName: `Bench${hired}`, lastName: 'Mark', ...job }).id;
}

/** Somebody whose manager is asked about the customers' data, and does not answer. */
function hireSeller(): string {
  hired += 1;
  const job = { jobTitle: 'Account Executive', department: 'Sales', location: 'London', supervisorEId: '105' };
  return hr.hire({ firstName: `Wait${hired}`, lastName: 'Mark', ...job }).id;
}

answer(
  {
    start: (): CompanyStarted => ({
      keysDir: world.keysDir,
      namespace: world.client.options.namespace,
      ownerDatabaseUrl: world.database.ownerUrl,
      workerDatabaseUrl: world.database.workerUrl,
      serverUrl: world.url,
    }),
    hire: (count: number) => Array.from({ length: count }, hire),
    hireSellers: (count: number) => Array.from({ length: count }, hireSeller),
    importPeople: () => measureImport(world.serverDeps),
    leave: (key: string) => hr.terminate(key).id,
  },
  () => world.close(),
);
