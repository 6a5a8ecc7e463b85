/** Reads a policy as it would be activated: checked, hashed, and together with the files that it was read from. */
import { AppError } from '../domain/errors.ts';
import type { Policy } from '../schemas/policy.ts';
import { checkPolicySources } from './check.ts';
import { findingText } from './finding.ts';
import { policyHash } from './hash.ts';
import type { KnownConnector } from './known-connector.ts';
import { readPolicyFolder } from './load.ts';

export interface PolicyFileText {
  name: string;
  text: string;
}

export interface ReadPolicy {
  policyHash: string;
  policy: Policy;
  files: PolicyFileText[];
}

const FINDINGS_SHOWN_MAX = 5;

/** Checks files that were read already. Throws AppError `policyInvalid` with the first findings. */
export function readPolicyFiles(files: readonly PolicyFileText[], known: readonly KnownConnector[]): ReadPolicy {
  const { policy, findings } = checkPolicySources(files, known);
  if (!policy) {
    const shown = findings.slice(0, FINDINGS_SHOWN_MAX).map(findingText);
    const more = findings.length - shown.length;
    throw new AppError('policyInvalid', [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('; '));
  }
  return { policyHash: policyHash(policy), policy, files: files.map(({ name, text }) => ({ name, text })) };
}

/** The same for a folder. Rejects where the folder cannot be read. */
export async function readPolicyOf(folder: string, known: readonly KnownConnector[]): Promise<ReadPolicy> {
  return readPolicyFiles(await readPolicyFolder(folder), known);
}
