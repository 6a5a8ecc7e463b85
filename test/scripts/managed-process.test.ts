/** One child process: ready, stopped within a bound, and never left behind. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProcess, Watchdog, type ProcessSpec } from '../../scripts/stack/managed-process.ts';
import { Supervisor } from '../../scripts/stack/supervisor.ts';
import { until } from './stand-ins/until.ts';

/** Also false for a process that has ended and only waits for its parent to notice. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' && process.platform !== 'linux';
  }
}

describe('a managed process', () => {
  let dir: string;
  let watchdog: Watchdog;
  let count = 0;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'usher-process-'));
    watchdog = new Watchdog();
  });
  afterAll(() => {
    watchdog.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const aSpec = (script: string, changes: Partial<ProcessSpec> = {}): ProcessSpec => ({
    name: 'child',
    command: process.execPath,
    args: ['-e', script],
    env: {},
    logFile: join(dir, `${(count += 1)}.log`),
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 500,
    isReady: (log) => Promise.resolve(log.includes('ready')),
    readyTimeoutMs: 20_000,
    ...changes,
  });

  test('one that ignores its stop signal is killed after the bound, and its own children with it', async () => {
    const script = `
      process.on('SIGTERM', () => undefined);
      const { spawn } = require('node:child_process');
      const grandchild = spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => 0); setInterval(() => 0, 60000)']);
      console.log('grandchild ' + grandchild.pid);
      console.log('ready');
      setInterval(() => undefined, 60_000);`;
    const spec = aSpec(script);
    const running = await startProcess(spec, watchdog);
    const grandchild = Number(/grandchild (\d+)/.exec(readFileSync(spec.logFile, 'utf8'))?.[1]);
    expect(isAlive(grandchild)).toBe(true);
    await running.stop();
    expect(await running.exited).toEqual({ code: null, signal: 'SIGKILL' });
    await until('the grandchild is gone', () => !isAlive(grandchild));
  });

  test('one that ends before it is ready fails the start with the last lines of its log', async () => {
    const spec = aSpec('console.error("no such port"); process.exit(3)');
    await expect(startProcess(spec, watchdog)).rejects.toThrow(/child ended[^]*no such port/);
  });

  test('one that is not ready in time fails the start and does not go on running', async () => {
    const spec = aSpec('console.log(process.pid); setInterval(() => undefined, 60_000)', { readyTimeoutMs: 1000 });
    await expect(startProcess(spec, watchdog)).rejects.toThrow('was not ready within 1 s');
    expect(isAlive(Number(readFileSync(spec.logFile, 'utf8').trim()))).toBe(false);
  });

  test('a command that does not exist is a plain sentence', async () => {
    const spec = aSpec('', { command: join(dir, 'nothing-here') });
    await expect(startProcess(spec, watchdog)).rejects.toThrow(/child could not be started: .*ENOENT/);
  });

  test('a starter that is killed leaves nothing behind', async () => {
    const starter = spawn(process.execPath, [
      join(import.meta.dirname, 'stand-ins', 'start-and-hang.ts'),
      join(dir, 'hang.log'),
    ]);
    let said = '';
    starter.stdout.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
    await until('the child started', () => said.includes('started'));
    const child = Number(/started (\d+)/.exec(said)?.[1]);
    expect(isAlive(child)).toBe(true);
    starter.kill('SIGKILL');
    await until('the child is gone', () => !isAlive(child));
  });

  test('one that ends by itself is told and started again, and a stop ends the one that came back', async () => {
    const said: string[] = [];
    const supervisor = new Supervisor((line) => said.push(line));
    const first = await supervisor.start(aSpec('console.log("ready"); setInterval(() => undefined, 60_000)'));
    process.kill(first.pid, 'SIGKILL');
    await until('it is back', () => said.some((line) => line === 'child is back'));
    expect(said[0]).toContain('child ended by SIGKILL; starting it again');
    await supervisor.stop();
    await expect(supervisor.start(aSpec('console.log("ready")'))).rejects.toThrow();
  });
});
