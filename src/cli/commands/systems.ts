/** `systems check`. */
import type { Command } from 'commander';
import type { ApiClient } from '../api-client.ts';
import { CheckedSystems, SystemList } from '../api-shapes.ts';
import { apiOf, isJson, type CliContext } from '../command-context.ts';
import { exitCodes } from '../exit-code.ts';
import { cellLines } from '../output.ts';
import { createProgress, type Progress } from '../progress.ts';

type Checked = typeof CheckedSystems._output;

const CHECK = '/api/v1/systems/check';

export function systemCommands(program: Command, context: CliContext): void {
  program
    .command('systems')
    .description('Connected systems')
    .command('check [system]')
    .description('Ask one system, or all, whether Usher can use it')
    .action(async (systemId: string | undefined, _options: object, command: Command) => {
      const api = apiOf(context, command);
      const progress = createProgress(context, command);
      const answer = await checkEach(api, systemId, progress).finally(() => progress.end());
      if (!answer.isHealthy) context.setExitCode(exitCodes.negative);
      if (isJson(command)) return context.out.json(answer);
      const rows = answer.systems.map((system) => [
        system.systemId,
        system.isHealthy ? 'ok' : 'fails',
        cellLines(system.findings.map(({ level, text }) => `${level}: ${text}`)),
      ]);
      context.out.table(['system', 'state', 'findings'], rows, 'The policy has no systems.');
    });
}

/** Side by side, each in a call of its own, so that a slow one hides none of the others. */
async function checkEach(api: ApiClient, systemId: string | undefined, progress: Progress): Promise<Checked> {
  const named = systemId === undefined ? (await api.get('/api/v1/systems', SystemList)).systems : [{ systemId }];
  // Without a policy the server says what to do.
  if (named.length === 0) return api.post(CHECK, {}, CheckedSystems);
  const answers = await Promise.all(
    named.map(async (system) => {
      progress.step(system.systemId, 'asked');
      const answer = await api.post(CHECK, { systemId: system.systemId }, CheckedSystems).catch((error: unknown) => {
        progress.stepDone(system.systemId, 'no answer', false);
        throw error;
      });
      progress.stepDone(system.systemId, answer.isHealthy ? 'ok' : 'fails', answer.isHealthy);
      return answer.systems;
    }),
  );
  const systems = answers.flat();
  return { isHealthy: systems.every((system) => system.isHealthy), systems };
}
