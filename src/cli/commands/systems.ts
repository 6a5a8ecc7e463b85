/** `systems check`. */
import type { Command } from 'commander';
import type { ApiClient } from '../api-client.ts';
import { CheckedSystems, SystemList } from '../api-shapes.ts';
import { apiOf, isJson, type CliContext } from '../command-context.ts';
import { CliError, exitCodes } from '../exit-code.ts';
import { cellLines } from '../output.ts';
import { createProgress, type Progress } from '../progress.ts';
import { systemsGroup } from '../systems-group.ts';

type Checked = typeof CheckedSystems._output;
type CheckedSystem = Checked['systems'][number];

const CHECK = '/api/v1/systems/check';
const CHECKS_AT_ONCE = 8;
const TIMEOUT_SECONDS = 30;

export function systemCommands(program: Command, context: CliContext): void {
  systemsGroup(program)
    .command('check [system]')
    .description('Ask one system, or all, whether Usher can use it')
    .option('--timeout <seconds>', `how long one system may take, 1 to 30 (default: ${TIMEOUT_SECONDS})`)
    .action(async (systemId: string | undefined, options: { timeout?: string }, command: Command) => {
      const timeoutSeconds = secondsOf(options.timeout);
      const api = apiOf(context, command);
      const progress = createProgress(context, command);
      const answer = await checkEach(api, { systemId, timeoutSeconds }, progress).finally(() => progress.end());
      if (!answer.isHealthy) context.setExitCode(exitCodes.negative);
      if (isJson(command)) return context.out.json(answer);
      const rows = answer.systems.map((system) => [
        system.systemId,
        system.isHealthy ? 'ok' : 'fails',
        cellLines(system.findings.map(({ level, text }) => `${level}: ${text}`)),
      ]);
      context.out.table(['system', 'state', 'findings'], rows, 'The policy has no systems.');
      const failing = answer.systems.filter((system) => !system.isHealthy).length;
      if (answer.systems.length > 1) context.out.line(`${answer.systems.length} systems, ${failing} failing.`);
    });
}

function secondsOf(text: string | undefined): number {
  const seconds = text === undefined ? TIMEOUT_SECONDS : Number(text);
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= 30) return seconds;
  throw new CliError(exitCodes.usage, '--timeout: expected whole seconds, 1 to 30');
}

/** Side by side, some at a time, each in a call of its own, so that a slow one hides none of the others. */
async function checkEach(
  api: ApiClient,
  { systemId, timeoutSeconds }: { systemId: string | undefined; timeoutSeconds: number },
  progress: Progress,
): Promise<Checked> {
  const named = systemId === undefined ? (await api.get('/api/v1/systems', SystemList)).systems : [{ systemId }];
  // Without a policy the server says what to do.
  if (named.length === 0) return api.post(CHECK, {}, CheckedSystems);
  const answers = new Map<string, CheckedSystem[]>();
  const waiting = named.map((system) => system.systemId);
  const work = async (): Promise<void> => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      progress.step(id, 'asked');
      const asked = { systemId: id, timeoutSeconds };
      const answer = await api
        .post(CHECK, asked, CheckedSystems)
        .catch((error: unknown) => withoutAnswer(asked.systemId, error, named.length > 1));
      answers.set(id, answer.systems);
      progress.stepDone(id, stateOf(answer), answer.isHealthy);
    }
  };
  await Promise.all(Array.from({ length: CHECKS_AT_ONCE }, work));
  const systems = named.flatMap((system) => answers.get(system.systemId) ?? []);
  return { isHealthy: systems.every((system) => system.isHealthy), systems };
}

function stateOf({ isHealthy, systems }: Checked): string {
  if (isHealthy) return 'ok';
  return systems.every((system) => system.hasAnswered) ? 'fails' : 'no answer';
}

/** A server that was busy with this one says nothing about the others; a refusal of the caller is one of all. */
function withoutAnswer(systemId: string, error: unknown, isOneOfMany: boolean): Checked {
  if (!isOneOfMany || !(error instanceof CliError) || error.exitCode !== exitCodes.unavailable) throw error;
  const findings = [{ level: 'error' as const, text: error.message }];
  return { isHealthy: false, systems: [{ systemId, hasAnswered: false, isHealthy: false, findings }] };
}
