// `npm run reset`: wipes the data folder (and the database folder, where that had to lie elsewhere). It refuses while
// a company runs on it, because it stops nothing.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { basename, join, resolve } from 'node:path';
import { main, root, SetupError } from './bootstrap.js';

const readJson = (file) => {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return {};
  }
};

/** Whether the process that wrote the run file still answers with the run's own id. */
function isRunning({ controlPort, runId }) {
  if (!controlPort || !runId) return false;
  return new Promise((answer) => {
    const socket = connect({ host: '127.0.0.1', port: controlPort, timeout: 1000 });
    let text = '';
    socket.on('data', (chunk) => (text += chunk));
    socket.on('end', () => answer(text === runId));
    socket.on('error', () => answer(false));
    socket.on('timeout', () => socket.destroy() && answer(false));
  });
}

await main(async () => {
  const dataDir = resolve(root, process.env.USHER_DATA_DIR ?? 'data');
  if (!existsSync(dataDir)) {
    console.log(`nothing to wipe: ${dataDir} does not exist`);
    return 0;
  }
  const run = readJson(join(dataDir, 'run.json'));
  if (await isRunning(run))
    throw new SetupError(`Usher runs on ${dataDir} (process ${run.pid}). Stop it first (Ctrl-C there), then reset.`);
  const { homeDir } = readJson(join(dataDir, 'database-location.json'));
  const isOurs = existsSync(join(dataDir, 'logs')) || existsSync(join(dataDir, 'ports.json')) || homeDir;
  if (!isOurs) throw new SetupError(`${dataDir} does not look like a data folder of Usher; nothing was removed.`);
  // Only a folder that the starter itself named is removed outside the data folder.
  if (homeDir && basename(homeDir).startsWith('usher-')) rmSync(homeDir, { recursive: true, force: true });
  rmSync(dataDir, { recursive: true, force: true });
  console.log(`wiped ${dataDir}`);
  return 0;
});
