/** `cases`, `case show`, `retry`. */
import type { Command } from 'commander';
import { Anything, CaseDetail, CaseList } from '../api-shapes.ts';
import { apiOf, isJson, type CliContext } from '../command-context.ts';
import { moment } from '../output.ts';
import { watchCases } from '../watch-cases.ts';

interface ListOptions {
  state?: string;
  watch?: boolean;
  every?: string;
}

export function caseCommands(program: Command, context: CliContext): void {
  const { out } = context;
  program
    .command('cases')
    .description('List cases, newest first')
    .option('--state <state>', 'only cases in this state, for instance awaitingApproval')
    .option('--watch', 'show them live; q ends it')
    .option('--every <seconds>', 'how often --watch looks, 1 to 60 (default: 2)')
    .action(async (options: ListOptions, command: Command) => {
      if (options.watch === true) return watchCases(context, command, options);
      const query = options.state === undefined ? '' : `?state=${encodeURIComponent(options.state)}`;
      const list = await apiOf(context, command).get(`/api/v1/cases${query}`, CaseList);
      if (isJson(command)) return out.json(list);
      const rows = list.cases.map((each) => [
        each.caseId,
        each.person,
        each.kind,
        each.state,
        moment(each.effectiveAt),
      ]);
      out.table(['case', 'person', 'kind', 'state', 'effective'], rows, 'No case.');
    });
  const one = program.command('case').description('One case');
  one
    .command('resume <id>')
    .description('Start a case again whose workflow was terminated, failed, timed out or is missing')
    .action(async (id: string, _options: object, command: Command) => {
      await apiOf(context, command).post(`/api/v1/cases/${encodeURIComponent(id)}/resume`, {}, Anything);
      out.line(`${id} is started again from what the store knows. Follow it with: usher case show ${id}`);
    });
  one
    .command('show <id>')
    .description('What happened, who can act now, what comes next')
    .action(async (id: string, _options: object, command: Command) => {
      const detail = await apiOf(context, command).get(`/api/v1/cases/${encodeURIComponent(id)}`, CaseDetail);
      if (isJson(command)) return out.json(detail);
      showCase(detail, context);
    });
  addSteering(program, context);
}

/** What moves a case on that waits. */
function addSteering(program: Command, context: CliContext): void {
  const { out } = context;
  program
    .command('retry <case> <system>')
    .description('Try the failed items of a case on one system again')
    .action(async (id: string, systemId: string, _options: object, command: Command) => {
      const path = `/api/v1/cases/${encodeURIComponent(id)}/retry`;
      await apiOf(context, command).post(path, { systemId }, Anything);
      out.line(`${systemId} is tried again. Follow it with: usher case show ${id}`);
    });
  program
    .command('end-hand-over <case>')
    .description("Take a mover's old access away now (the manager of before, or an operator)")
    .action(async (id: string, _options: object, command: Command) => {
      await apiOf(context, command).post(`/api/v1/cases/${encodeURIComponent(id)}/hand-over/end`, {}, Anything);
      out.line(`The hand-over is over. Follow it with: usher case show ${id}`);
    });
}

function showCase(detail: typeof CaseDetail._output, { out }: CliContext): void {
  out.line(`${detail.person}: ${detail.kind}, ${detail.state}, effective ${moment(detail.effectiveAt)}`);
  out.line(`Next: ${detail.next}`);
  for (const { who, what, command } of detail.canAct)
    out.line(`  ${typeof who === 'string' ? who : who.name} can ${what}: ${command}`);
  for (const { at, text } of detail.comingUp) out.line(`  ${moment(at)}: ${text}`);
  out.table(
    ['system', 'item', 'state', 'round', 'error'],
    detail.operations.map((each) => [each.systemId, each.item, each.state, each.round, each.errorCode]),
    'Nothing was written to a system so far.',
  );
  out.table(
    ['when', 'what'],
    detail.timeline.map((entry) => [moment(entry.at), entry.text]),
    'No evidence so far.',
  );
  if (detail.temporalUrl !== null) out.line(`Temporal: ${detail.temporalUrl}`);
}
