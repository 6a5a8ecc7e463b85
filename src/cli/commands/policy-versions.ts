/** `policy propose`, `policy approve`, `policy proposals`, `policy versions`: two people stand behind a version. */
import type { Command } from 'commander';
import { ApprovedPolicy, PolicyVersionList, ProposalList, ProposedPolicy, type PolicyChange } from '../api-shapes.ts';
import { apiOf, isJson, type CliContext } from '../command-context.ts';
import { moment } from '../output.ts';
import { policyGroup } from '../policy-group.ts';

const short = (hash: string | null): string => (hash === null ? 'nothing' : hash.slice(0, 12));

export function policyVersionCommands(program: Command, context: CliContext): void {
  const { out } = context;
  const policy = policyGroup(program);
  policy
    .command('propose')
    .description("Propose the server's policy folder as the next version; another person approves it")
    .action(async (_options: object, command: Command) => {
      const proposed = await apiOf(context, command).post('/api/v1/policy/proposals', {}, ProposedPolicy);
      if (isJson(command)) return out.json(proposed);
      out.line(`Proposed: version ${short(proposed.policyHash)}, after ${short(proposed.baseHash)}.`);
      showChanges(proposed.changes, context);
      out.line(
        `Diff ${short(proposed.diffHash)}. Its effect on people: usher policy diff active ${short(proposed.policyHash)}`,
      );
      out.line(`Another person makes it active: usher policy approve ${proposed.policyHash}`);
    });
  policy
    .command('approve <hash>')
    .description('Approve a version that somebody else proposed, which makes it active (12 or more digits of its hash)')
    .action(async (hash: string, _options: object, command: Command) => {
      const path = `/api/v1/policy/proposals/${encodeURIComponent(hash)}/approve`;
      const answer = await apiOf(context, command).post(path, {}, ApprovedPolicy);
      if (isJson(command)) return out.json(answer);
      out.line(`Version ${short(answer.policyHash)} is active now.`);
    });
  listCommands(policy, context);
}

function listCommands(policy: Command, context: CliContext): void {
  const { out } = context;
  policy
    .command('proposals')
    .description('Versions that were proposed, newest first')
    .action(async (_options: object, command: Command) => {
      const { proposals, ...rest } = await apiOf(context, command).get('/api/v1/policy/proposals', ProposalList);
      if (isJson(command)) return out.json({ ...rest, proposals });
      out.table(
        ['version', 'after', 'state', 'proposed', 'by', 'changes'],
        proposals.map((each) => [
          short(each.policyHash),
          short(each.baseHash),
          each.state,
          moment(each.proposedAt),
          each.proposedBy.name,
          each.changes.length,
        ]),
        'Nothing was proposed.',
      );
    });
  policy
    .command('versions')
    .description('Which version was active from when, and who stands behind it')
    .action(async (_options: object, command: Command) => {
      const answer = await apiOf(context, command).get('/api/v1/policy/versions', PolicyVersionList);
      if (isJson(command)) return out.json(answer);
      out.table(
        ['version', 'active from', 'proposed by', 'approved by'],
        answer.versions.map((each) => [
          short(each.policyHash),
          moment(each.activatedAt),
          each.proposedBy.name,
          each.approvedBy?.name ?? `nobody else (${each.mode})`,
        ]),
        'No version was ever active.',
      );
    });
}

function showChanges(changes: readonly PolicyChange[], { out }: CliContext): void {
  out.table(
    ['', 'section', 'entry', 'fields'],
    changes.map((change) => [change.kind, change.section, change.id, change.fields.join(', ')]),
    'No entry differs.',
  );
}
