/** Asks for something that needs a whole system to be read, again and again until it was, and shows how far that is. */
import type { Command } from 'commander';
import type { z } from 'zod';
import { apiOf, type CliContext } from './command-context.ts';
import { createProgress } from './progress.ts';

export type Done<T> = Exclude<T, { state: 'reading' }>;

interface ReadingAnswer {
  state: 'reading';
  requestId: string;
  progress: { part: string; entitlements: number; accounts: number; accountsRead: number } | null;
}

/** The worker reads a large system for minutes, or hours. `name` stands in the display. */
export async function untilRead<T extends { state: string }>(
  context: CliContext,
  command: Command,
  path: string,
  { shape, body, name }: { shape: z.ZodType<T>; body: object; name: string },
): Promise<Done<T>> {
  const api = apiOf(context, command);
  const progress = createProgress(context, command);
  try {
    progress.step(name, 'asked');
    let request: object = {};
    for (;;) {
      const answer = await api.post(path, { ...body, ...request }, shape);
      if (answer.state !== 'reading') {
        progress.stepDone(name, 'read');
        return answer as Done<T>;
      }
      const reading = answer as unknown as ReadingAnswer;
      progress.step(name, progressText(reading.progress));
      request = { requestId: reading.requestId };
    }
  } catch (error) {
    progress.stepDone(name, 'not read', false);
    throw error;
  } finally {
    progress.end();
  }
}

function progressText(progress: ReadingAnswer['progress']): string {
  if (progress === null) return 'waits for the worker';
  const { part, entitlements, accounts, accountsRead } = progress;
  if (part === 'entitlements') return `${entitlements} entitlements read`;
  if (part === 'accounts') return `${entitlements} entitlements, ${accounts} accounts read`;
  return `what accounts hold: ${accountsRead} of ${accounts} read`;
}
