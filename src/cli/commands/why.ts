/** `why`, `why-not`: the reasons for and against a right of a person, today or on a day that is over. */
import type { Command } from 'commander';
import { ExplainedAccess } from '../api-shapes.ts';
import { apiOf, isJson, type CliContext } from '../command-context.ts';
import { exitCodes } from '../exit-code.ts';
import { moment } from '../output.ts';

interface Options {
  asOf?: string;
}

export function whyCommands(program: Command, context: CliContext): void {
  const asOf = ['--as-of <date>', 'a day that is over (until its end where the person works), or an instant'] as const;
  program
    .command('why <person> <entitlement>')
    .description('Why somebody may hold an entitlement: rule or decision, with file and line')
    .option(...asOf)
    .action(async (person: string, entitlement: string, options: Options, command: Command) => {
      const explained = await ask(context, command, { person, entitlement, ...options });
      if (!explained.isJustified) context.setExitCode(exitCodes.negative);
      if (isJson(command)) return context.out.json(explained);
      show(explained, explained.reasons, context);
      if (!explained.isJustified) context.out.line(`The reasons against it: usher why-not ${person} ${entitlement}`);
    });
  program
    .command('why-not <person> <entitlement>')
    .description('Why somebody may not hold an entitlement: which condition fails, who denied, what ended')
    .option(...asOf)
    .action(async (person: string, entitlement: string, options: Options, command: Command) => {
      const explained = await ask(context, command, { person, entitlement, ...options });
      if (explained.isJustified) context.setExitCode(exitCodes.negative);
      if (isJson(command)) return context.out.json(explained);
      show(explained, explained.isJustified ? explained.reasons : explained.obstacles, context);
    });
}

function ask(
  context: CliContext,
  command: Command,
  input: { person: string; entitlement: string } & Options,
): Promise<ExplainedAccess> {
  const query = new URLSearchParams({ entitlement: input.entitlement });
  if (input.asOf !== undefined) query.set('asOf', input.asOf);
  const path = `/api/v1/persons/${encodeURIComponent(input.person)}/access?${query.toString()}`;
  return apiOf(context, command).get(path, ExplainedAccess);
}

function show(
  explained: ExplainedAccess,
  lines: readonly (ExplainedAccess['reasons'] | ExplainedAccess['obstacles'])[number][],
  { out }: CliContext,
): void {
  const { entitlementId, at, held, isJustified } = explained;
  out.line(`${entitlementId} at ${moment(at)}: ${isJustified ? 'justified' : 'not justified'}; ${heldText(held)}.`);
  for (const { text, place } of lines) {
    out.line(`  - ${text}${place === null ? '' : ` [${place.file}:${String(place.line)}]`}`);
  }
  const facts = `facts of ${moment(explained.factsObservedAt)}`;
  const policy = `policy ${explained.policyHash.slice(0, 12)}, active from ${moment(explained.policyActivatedAt)}`;
  out.line(`  (${facts}; ${policy})`);
}

function heldText(held: ExplainedAccess['held']): string {
  if (held === null) return 'not granted by Usher';
  return held.revokedAt === null ? `held since ${moment(held.since)}` : `ended at ${moment(held.revokedAt)}`;
}
