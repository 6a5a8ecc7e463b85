/** Runs a command in a real terminal of a given size, types keys when something shows, and gives back every byte. */
import { spawn, spawnSync } from 'node:child_process';

export interface PtyStep {
  /** Text that has to show first. */
  after: string;
  /** Typed then. */
  send: string;
}

export interface PtyRun {
  exitCode: number;
  /** Everything that was written, with control sequences. */
  raw: string;
  /** Without them. */
  plain: string;
}

/** A terminal is made with Python's `pty`; where there is none, tests that need one cannot run. */
export const hasPty = spawnSync('python3', ['-c', 'import pty']).status === 0;

const program = `
import fcntl, json, os, pty, select, struct, sys, termios, time
job = json.loads(sys.argv[1])
pid, fd = pty.fork()
if pid == 0:
    os.execvpe(job["argv"][0], job["argv"], job["env"])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", job["rows"], job["columns"], 0, 0))
seen, mark, steps, end = b"", 0, job["steps"], time.time() + job["limit"]
while time.time() < end:
    if steps and steps[0]["after"].encode() in seen[mark:]:
        mark = seen.index(steps[0]["after"].encode(), mark)
        os.write(fd, steps.pop(0)["send"].encode())
    if not select.select([fd], [], [], 0.05)[0]:
        continue
    try:
        chunk = os.read(fd, 65536)
    except OSError:
        break
    if not chunk:
        break
    seen += chunk
else:
    os.kill(pid, 9)
sys.stdout.buffer.write(seen)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 255)
`;

export async function runInPty(
  argv: string[],
  options: { env: Record<string, string>; steps?: PtyStep[]; rows?: number; columns?: number; limitMs?: number },
): Promise<PtyRun> {
  const { env, steps = [], rows = 30, columns = 120, limitMs = 40_000 } = options;
  const job = { argv, env: { TERM: 'xterm-256color', ...env }, steps, rows, columns, limit: limitMs / 1000 };
  const child = spawn('python3', ['-c', program, JSON.stringify(job)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let raw = '';
  let error = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (raw += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (error += text));
  const exitCode = await new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? -1)));
  if (error !== '') throw new Error(`the terminal failed: ${error}`);
  // eslint-disable-next-line no-control-regex -- control sequences are what is cut
  const plain = raw.replace(/\u001b(\[[0-9;?]*[A-Za-z]|\][^\u0007]*\u0007|[=>78])/g, '').replaceAll('\r', '');
  return { exitCode, raw, plain };
}
