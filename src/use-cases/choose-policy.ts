/** The policy that somebody names: the active one, a version that was active or proposed, or files that are nowhere stored. */
import { AppError } from '../domain/errors.ts';
import { policyHash as hashOf } from '../policy/hash.ts';
import { readPolicyFiles } from '../policy/read-policy.ts';
import type { PolicyChoice } from '../schemas/policy-trial.ts';
import type { PolicyVersion } from '../store/policies.ts';
import { listProposals } from '../store/policy-proposals.ts';
import { installedConnectors } from './installed-connectors.ts';
import type { ServerDeps } from './server-deps.ts';

/** Throws AppError notFound, invalidInput (several versions begin like this) and policyInvalid. */
export async function choosePolicy(deps: ServerDeps, choice: PolicyChoice): Promise<PolicyVersion> {
  switch (choice.kind) {
    case 'active': {
      const active = await deps.policies.active();
      if (!active) throw new AppError('notFound', 'No policy is active yet.');
      return active;
    }
    case 'hash':
      return byHash(deps, choice.hash);
    case 'files': {
      const { policyHash, policy } = readPolicyFiles(choice.files, installedConnectors());
      return { policyHash, policy };
    }
    default:
      return choice satisfies never;
  }
}

async function byHash(deps: ServerDeps, prefix: string): Promise<PolicyVersion> {
  const rows = await deps.db
    .selectFrom('policy_version')
    .select('policy_hash')
    .where('policy_hash', 'like', `${prefix}%`)
    .execute();
  const proposals = await listProposals(deps.db, deps.verifier, hashOf);
  const proposed = proposals.filter(({ policyHash }) => policyHash.startsWith(prefix));
  const hashes = new Set([...rows.map((row) => row.policy_hash), ...proposed.map(({ policyHash }) => policyHash)]);
  const [hash] = hashes;
  if (hash === undefined) throw new AppError('notFound', `No version ${prefix} was active or proposed here.`, 'hash');
  if (hashes.size > 1) throw new AppError('invalidInput', 'hash: several versions begin like this', 'hash');
  const proposal = proposed[0];
  return rows.length > 0 || proposal === undefined
    ? deps.policies.byHash(hash)
    : { policyHash: hash, policy: proposal.policy };
}
