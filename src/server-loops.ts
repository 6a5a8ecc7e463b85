/** The server's regular work: what was left behind, the poll, checkpoints, mail. Each on its own, none ever twice at once. */
import { archiveCases } from './use-cases/archive-cases.ts';
import type { Checkpointer } from './evidence/checkpoint.ts';
import { raiseAlert } from './store/alerts.ts';
import { openReviews } from './use-cases/open-reviews.ts';
import { deriveLeftBehind } from './use-cases/derive-queue.ts';
import { pollChanges } from './use-cases/poll-changes.ts';
import { purgeLedger } from './use-cases/purge-ledger.ts';
import { refreshApprovals } from './use-cases/refresh-approval.ts';
import { remindOwners } from './use-cases/remind-owners.ts';
import { sendOutgoingMail } from './use-cases/send-outgoing-mail.ts';
import type { ServerDeps } from './use-cases/server-deps.ts';
import { writeWorkEmails } from './use-cases/write-work-emails.ts';

export interface ServerLoops {
  stop(): Promise<void>;
}

interface Job {
  name: string;
  everyMs: number;
  run: (deps: ServerDeps) => Promise<unknown>;
}

/** Starts the jobs; `pollSeconds` between two looks at the HR systems. */
export function startServerLoops(deps: ServerDeps & { checkpointer: Checkpointer }, pollSeconds: number): ServerLoops {
  const jobs: Job[] = [
    { name: 'leftBehind', everyMs: 2_000, run: (d) => deriveLeftBehind(d) },
    { name: 'poll', everyMs: pollSeconds * 1_000, run: pollChanges },
    { name: 'checkpoint', everyMs: 5_000, run: (d) => checkpoint(d, deps.checkpointer) },
    { name: 'approvers', everyMs: 2_000, run: refreshApprovals },
    { name: 'mail', everyMs: 1_000, run: sendOutgoingMail },
    { name: 'tasks', everyMs: 2_000, run: remindOwners },
    { name: 'workEmails', everyMs: 2_000, run: writeWorkEmails },
    { name: 'reviews', everyMs: 2_000, run: openReviews },
    { name: 'archive', everyMs: 30_000, run: archiveCases },
    { name: 'purge', everyMs: 3_600_000, run: purgeLedger },
  ];
  let isStopped = false;
  const wakers = new Set<() => void>();
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        wakers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      wakers.add(wake);
    });
  const runJob = async (job: Job): Promise<void> => {
    while (!isStopped) {
      try {
        await job.run(deps);
      } catch (error) {
        deps.log.warn({ job: job.name, err: error }, 'job failed');
      }
      if (!isStopped) await pause(job.everyMs);
    }
  };
  const running = jobs.map(runJob);
  return {
    async stop() {
      isStopped = true;
      for (const wake of wakers) wake();
      await Promise.all(running);
    },
  };
}

async function checkpoint(deps: ServerDeps, checkpointer: Checkpointer): Promise<void> {
  const { outcome, ...rest } = await checkpointer.checkpoint();
  if (outcome !== 'refused') return;
  const now = deps.now();
  const text = 'The evidence log is not a continuation of what was signed. Run "usher audit verify".';
  await raiseAlert(
    deps.db,
    { alertKey: `evidence/${now.toISOString().slice(0, 10)}`, kind: 'evidence', personId: null, text },
    now,
  );
  deps.log.error({ finding: 'finding' in rest ? rest.finding : null }, 'checkpoint refused');
}
