/** `policy test` (local), `policy diff`, `policy simulate`: what a policy would do, before it does it. */
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { parse as parseYaml } from 'yaml';
import { PolicyDiff, SimulatedPlan } from '../api-shapes.ts';
import { apiOf, isJson, type CliContext } from '../command-context.ts';
import { CliError, exitCodes } from '../exit-code.ts';
import { policyGroup } from '../policy-group.ts';

export function policyTrialCommands(program: Command, context: CliContext): void {
  const policy = policyGroup(program);
  policy
    .command('test [folder]')
    .description('Run the examples of a policy folder here, without the server (default: as `policy check`)')
    .action((folder: string | undefined, _options: object, command: Command) =>
      testFolder(resolve(folder ?? context.env['USHER_POLICY_DIR'] ?? 'sandbox/policies'), context, isJson(command)),
    );
  policy
    .command('diff <from> <to>')
    .description('Who gains, loses or is decided by others: `active`, a hash, or a local folder each')
    .action(async (from: string, to: string, _options: object, command: Command) => {
      const body = { from: await policyRefOf(from), to: await policyRefOf(to) };
      const diff = await apiOf(context, command).post('/api/v1/policy/diff', body, PolicyDiff);
      if (isJson(command)) return context.out.json(diff);
      showDiff(diff, context);
    });
  policy
    .command('simulate <event>')
    .description('Plan an invented event of a YAML or JSON file; writes nothing')
    .option('--policy <policy>', '`active`, a hash, or a local folder', 'active')
    .action(async (file: string, options: { policy: string }, command: Command) => {
      const body = { policy: await policyRefOf(options.policy), event: await readEvent(file) };
      const simulated = await apiOf(context, command).post('/api/v1/policy/simulate', body, SimulatedPlan);
      if (isJson(command)) return context.out.json(simulated);
      showPlan(simulated, context);
    });
}

async function testFolder(dir: string, context: CliContext, asJson: boolean): Promise<void> {
  const [
    { readPolicyOf },
    { compilePolicy },
    { readExampleFiles, runExamples },
    { findingText },
    { installedConnectors },
  ] = await Promise.all([
    import('../../policy/read-policy.ts'),
    import('../../policy/compile.ts'),
    import('../../policy/run-examples.ts'),
    import('../../policy/finding.ts'),
    import('../../use-cases/installed-connectors.ts'),
  ]);
  await assertFolder(dir);
  const { policy } = await readPolicyOf(dir, installedConnectors()).catch((error: unknown) => {
    throw new CliError(exitCodes.negative, error instanceof Error ? error.message : 'the policy has findings');
  });
  const files = await readExampleFiles(dir);
  if (files.length === 0) throw new CliError(exitCodes.usage, `There are no examples in ${dir}/examples.`);
  const { index } = compilePolicy(policy);
  const { exampleCount, failedCount, findings } = runExamples(files, index);
  if (failedCount > 0) context.setExitCode(exitCodes.negative);
  if (asJson) return context.out.json({ exampleCount, failedCount, findings });
  for (const finding of findings) context.out.line(findingText(finding));
  context.out.line(`${exampleCount} ${exampleCount === 1 ? 'example' : 'examples'}, ${failedCount} failed.`);
}

async function assertFolder(dir: string): Promise<void> {
  const found = await stat(dir).catch(() => null);
  if (found?.isDirectory() !== true) throw new CliError(exitCodes.usage, `The policy folder ${dir} cannot be read.`);
}

type PolicyRef =
  { kind: 'active' } | { kind: 'hash'; hash: string } | { kind: 'files'; files: { name: string; text: string }[] };

async function policyRefOf(text: string): Promise<PolicyRef> {
  if (text === 'active') return { kind: 'active' };
  const found = await stat(resolve(text)).catch(() => null);
  if (found?.isDirectory() === true) {
    const { readPolicyFolder } = await import('../../policy/load.ts');
    return { kind: 'files', files: await readPolicyFolder(resolve(text)) };
  }
  if (/^[0-9a-f]{12,64}$/.test(text)) return { kind: 'hash', hash: text };
  throw new CliError(exitCodes.usage, `${text}: expected active, 12 or more digits of a hash, or a folder.`);
}

async function readEvent(file: string): Promise<unknown> {
  const text = await readFile(resolve(file), 'utf8').catch(() => {
    throw new CliError(exitCodes.usage, `The file ${file} cannot be read.`);
  });
  try {
    // JSON is YAML.
    return parseYaml(text, { maxAliasCount: 10 }) as unknown;
  } catch {
    throw new CliError(exitCodes.usage, `The file ${file} is neither YAML nor JSON.`);
  }
}

function showDiff(diff: PolicyDiff, { out }: CliContext): void {
  out.line(`From ${diff.from.slice(0, 12)} to ${diff.to.slice(0, 12)}, for ${diff.peopleCount} people:`);
  out.table(
    ['', 'person', 'entitlement', 'before', 'after', 'held now'],
    diff.changes.map((change) => [
      change.kind,
      change.person,
      change.entitlementId,
      routeText(change.before),
      routeText(change.after),
      change.isHeld ? 'yes' : 'no',
    ]),
    'Nobody gains, loses or is decided by others.',
  );
  for (const { person, reason } of diff.unplannable) out.line(`${person}: cannot be planned: ${reason}`);
  const counts = Object.entries(diff.counts).map(([kind, count]) => `${kind} ${String(count)}`);
  out.line(`${diff.changedPeopleCount} people: ${counts.join(', ')}.`);
}

function routeText(route: PolicyDiff['changes'][number]['before']): string | null {
  if (route === null) return null;
  return route.state === 'justified' ? 'justified' : `asks ${route.roles.join(' and ')}`;
}

function showPlan(plan: SimulatedPlan, { out }: CliContext): void {
  const profiles = plan.profiles.length === 0 ? 'no profile' : `profiles ${plan.profiles.join(', ')}`;
  out.line(`${plan.event} of ${plan.person} under ${plan.policyHash.slice(0, 12)}: ${profiles}. Nothing is written.`);
  out.table(
    ['action', 'what', 'risk', 'decided by', 'why'],
    plan.items.map((item) => [
      item.isHeld ? `${item.action} (held)` : item.action,
      item.label,
      item.risk,
      item.deciders.length === 0
        ? 'policy'
        : item.deciders.map(({ role, approvers }) => `${role}: ${approvers.join(' or ')}`).join('; '),
      item.reasons.join('; '),
    ]),
    'Nothing would change.',
  );
}
