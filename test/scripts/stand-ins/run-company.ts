/**
 * A starter that a test can kill: starts the company of stand-ins on the folder of its first argument, prints `up` and
 * the owner's database URL, and stays until SIGTERM.
 */
import { startCompany } from '../../../scripts/stack/company.ts';
import { runMain } from '../../../scripts/stack/step.ts';
import { aborted, stopSignal } from '../../../scripts/stack/stop-signal.ts';
import { standIns } from './entries.ts';

await runMain(async () => {
  const signal = stopSignal();
  const company = await startCompany({
    dataDir: process.argv[2] ?? '',
    say: (line) => console.error(line),
    env: process.env,
    entries: standIns,
    hasRandomPorts: true,
  });
  console.log(`up ${company.database.ownerUrl}`);
  // A signal alone keeps no process alive.
  const alive = setInterval(() => undefined, 60_000);
  await aborted(signal);
  clearInterval(alive);
  await company.stop();
  return 0;
});
