/**
 * The part of a departure that people carry out by hand at systems without an interface. It takes days, so that it runs
 * beside the rest: neither another system nor a sweep ever waits for it.
 */
import { CancellationScope } from '@temporalio/workflow';
import { runBeside } from './beside.ts';

export interface HandWork {
  readonly systemIds: ReadonlySet<string>;
  /** A system came to its end and was not looked at since. */
  readonly hasNews: boolean;
  start(systemId: string): void;
  /** Of these systems those that may be looked at now. Throws what ended the work at one of them. */
  take(systemIds: readonly string[]): string[];
  /** Ends what is under way: tasks that are open are looked at no more. */
  stop(): Promise<void>;
}

/** `work` is the whole way at one system; it begins at all of them. */
export function beginHandWork(ids: readonly string[], work: (systemId: string) => Promise<void>): HandWork {
  const systemIds: ReadonlySet<string> = new Set(ids);
  const busy = new Set<string>();
  const unseen = new Set<string>();
  const scope = new CancellationScope();
  const runs: Promise<void>[] = [];
  let failure: Error | null = null;

  function start(systemId: string): void {
    busy.add(systemId);
    const note = (error: Error): void => void (failure = error);
    const run = runBeside(scope, () => work(systemId), note).finally(() => {
      busy.delete(systemId);
      unseen.add(systemId);
    });
    runs.push(run);
  }

  for (const systemId of systemIds) start(systemId);
  return {
    systemIds,
    get hasNews() {
      return unseen.size > 0;
    },
    start,
    take(wanted) {
      if (failure !== null) throw failure;
      const free = wanted.filter((systemId) => !busy.has(systemId));
      for (const systemId of free) unseen.delete(systemId);
      return free;
    },
    async stop() {
      scope.cancel();
      for (const run of runs) await run;
    },
  };
}
