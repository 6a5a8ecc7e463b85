/** `policy check` (local), `policy activate`. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { Activated, Conflicts } from '../api-shapes.ts';
import { apiOf, isJson, type CliContext } from '../command-context.ts';
import { CliError, exitCodes } from '../exit-code.ts';
import { moment } from '../output.ts';
import { policyGroup } from '../policy-group.ts';

export function policyCommands(program: Command, context: CliContext): void {
  const { out } = context;
  const policy = policyGroup(program);
  policy
    .command('check [folder]')
    .description('Check a policy folder here, without the server (default: USHER_POLICY_DIR, else sandbox/policies)')
    .action(async (folder: string | undefined, _options: object, command: Command) => {
      const dir = resolve(folder ?? context.env['USHER_POLICY_DIR'] ?? 'sandbox/policies');
      await checkFolder(dir, context, isJson(command));
    });
  policy
    .command('activate')
    .description("Make the server's policy folder the active version")
    .action(async (_options: object, command: Command) => {
      const answer = await apiOf(context, command).post('/api/v1/policy/activate', {}, Activated);
      if (isJson(command)) return out.json(answer);
      const version = answer.policyHash.slice(0, 12);
      out.line(answer.changed ? `Version ${version} is active now.` : `Version ${version} was active already.`);
    });
  policy
    .command('conflicts')
    .description('Who holds duties that are to be kept apart, and until when that is allowed')
    .action(async (_options: object, command: Command) => {
      const { conflicts } = await apiOf(context, command).get('/api/v1/policy/conflicts', Conflicts);
      if (conflicts.some(({ allowedUntil }) => allowedUntil === null)) context.setExitCode(exitCodes.negative);
      if (isJson(command)) return out.json({ conflicts });
      const rows = conflicts.map((each) => [
        each.ruleId,
        each.person,
        each.entitlementIds.join(', '),
        each.allowedUntil === null ? 'nobody allowed it' : `allowed until ${moment(each.allowedUntil)}`,
      ]);
      out.table(['rule', 'person', 'holds', 'as an exception'], rows, 'Nobody holds duties that are to be kept apart.');
    });
}

async function checkFolder(dir: string, context: CliContext, asJson: boolean): Promise<void> {
  const [{ checkPolicy }, { findingText }, { policyHash }, { knownConnectors }, { allManifests, connectorById }] =
    await Promise.all([
      import('../../policy/check.ts'),
      import('../../policy/finding.ts'),
      import('../../policy/hash.ts'),
      import('../../policy/known-connector.ts'),
      import('../../connectors/registry.ts'),
    ]);
  const definitions = allManifests().flatMap(({ id }) => connectorById(id) ?? []);
  const { policy, findings } = await checkPolicy(dir, knownConnectors(definitions)).catch(() => {
    throw new CliError(exitCodes.usage, `The policy folder ${dir} cannot be read.`);
  });
  if (findings.length > 0) context.setExitCode(exitCodes.negative);
  if (asJson) return context.out.json({ policyHash: policy === null ? null : policyHash(policy), findings });
  for (const finding of findings) context.out.line(findingText(finding));
  const verdict =
    policy === null
      ? `${findings.length} ${findings.length === 1 ? 'finding' : 'findings'}.`
      : `No finding. Version ${policyHash(policy).slice(0, 12)}: ${policy.systems.length} systems, ${policy.entitlements.length} entitlements, ${policy.profiles.length} profiles.`;
  context.out.line(verdict);
}
