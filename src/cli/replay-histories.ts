/** Replays histories: the code takes the recorded steps again, or the first one that differs is named. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export interface Replayed {
  workflowId: string;
  /** Null when the history replays. */
  difference: string | null;
}

export interface Replay {
  replayed: Replayed[];
  /** Why nothing was replayed; null when something was, or when there was nothing. */
  notReplayed: string | null;
}

let isQuiet = false;

/** `code` is the workflow bundle to run; null: the workflow code of this checkout. */
export async function replayHistories(
  histories: readonly (readonly [workflowId: string, history: unknown])[],
  keysDir: string,
  code: string | null,
): Promise<Replay> {
  if (histories.length === 0) return { replayed: [], notReplayed: null };
  // Opening a key folder makes what is missing, and a key made here decodes nothing.
  if (!existsSync(join(keysDir, 'codec'))) {
    const help = 'give --keys-dir with the key folder of the installation (its folder "codec" is enough).';
    return { replayed: [], notReplayed: `the histories are encrypted and no key for them is here: ${help}` };
  }
  const { Runtime, DefaultLogger, makeTelemetryFilterString, Worker } = await import('@temporalio/worker');
  const { createDataConverter } = await import('../data-converter.ts');
  // The answer names what differs; the engine would write the same to standard output, between the lines or the JSON.
  const filter = makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' });
  const logger = new DefaultLogger('ERROR', () => undefined);
  if (!isQuiet) Runtime.install({ logger, telemetryOptions: { logging: { filter } } });
  isQuiet = true;
  const options = {
    ...(code === null
      ? { workflowsPath: join(import.meta.dirname, '..', 'workflows', 'index.ts') }
      : { workflowBundle: { code } }),
    // Without the converter that encodes failures: those of a replay go nowhere but into the answer, readable.
    dataConverter: { payloadCodecs: createDataConverter(keysDir).payloadCodecs ?? [] },
  };
  const inputs = histories.map(([workflowId, history]) => ({ workflowId, history }));
  const replayed: Replayed[] = [];
  try {
    for await (const result of Worker.runReplayHistories(options, inputs)) {
      const difference = result.error === undefined ? null : result.error.message.slice(0, 500);
      replayed.push({ workflowId: result.workflowId, difference });
    }
  } catch (error) {
    const why = error instanceof Error ? error.message.slice(0, 300) : 'unknown';
    return { replayed, notReplayed: `a history cannot be read: ${why}` };
  }
  return { replayed, notReplayed: null };
}
