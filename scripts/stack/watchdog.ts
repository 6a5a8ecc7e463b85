/**
 * Runs beside a starter and ends what it started when the starter itself dies without doing so (SIGKILL, a crash).
 * It reads `+<pid> <signal>` and `-<pid>` from its standard input; when that closes, the groups still listed get their
 * signal and, ten seconds later, SIGKILL. It lives in a session of its own, so that no Ctrl-C reaches it.
 */
import { createInterface } from 'node:readline';

const patienceMs = 10_000;
const pollMs = 100;
const groups = new Map<number, NodeJS.Signals>();

function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false; // it is gone
  }
}

async function endAll(): Promise<void> {
  const left = new Map([...groups].reverse());
  for (const [pid, signal] of left) signalGroup(pid, signal);
  const deadline = performance.now() + patienceMs;
  while (left.size > 0 && performance.now() < deadline) {
    for (const pid of left.keys()) if (!signalGroup(pid, 0)) left.delete(pid);
    if (left.size > 0) await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  for (const pid of left.keys()) signalGroup(pid, 'SIGKILL');
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
for await (const line of createInterface({ input: process.stdin })) {
  const match = /^([+-])(\d+)(?: (SIG[A-Z]+))?$/.exec(line);
  if (!match) continue;
  const pid = Number(match[2]);
  if (match[1] === '+') groups.set(pid, match[3] === 'SIGINT' ? 'SIGINT' : 'SIGTERM');
  else groups.delete(pid);
}
await endAll();
