/** A starter that starts one process, prints its number, and never stops it: a test kills the starter. */
import { startProcess, Watchdog } from '../../../scripts/stack/managed-process.ts';

const running = await startProcess(
  {
    name: 'child',
    command: process.execPath,
    args: ['-e', 'setInterval(() => undefined, 60_000); console.log("ready")'],
    env: {},
    logFile: process.argv[2] ?? '',
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 1000,
    isReady: (log) => Promise.resolve(log.includes('ready')),
    readyTimeoutMs: 20_000,
  },
  new Watchdog(),
);
console.log(`started ${running.pid}`);
