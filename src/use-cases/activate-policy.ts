/** Makes the policy in the folder the active version: checked, hashed, signed, and kept with its content. */
import { AppError } from '../domain/errors.ts';
import { appendEvidence } from '../evidence/log.ts';
import { connectorById, allManifests } from '../connectors/registry.ts';
import { checkPolicy } from '../policy/check.ts';
import { findingText } from '../policy/finding.ts';
import { policyHash as hashOf } from '../policy/hash.ts';
import { knownConnectors } from '../policy/known-connector.ts';
import type { Policy } from '../schemas/policy.ts';
import type { Tx } from '../store/db.ts';
import { activateVersion } from '../store/policies.ts';
import { modeOf, setMode } from '../store/system-modes.ts';
import type { ServerDeps } from './server-deps.ts';

/** `by` is a person id, or `bootstrap` for the embedded default. Throws AppError `policyInvalid` with the first findings. */
export async function activatePolicy(
  deps: ServerDeps,
  input: { by: string },
): Promise<{ policyHash: string; changed: boolean }> {
  const known = knownConnectors(allManifests().flatMap(({ id }) => connectorById(id) ?? []));
  const { policy, findings } = await checkPolicy(deps.policyDir, known);
  if (!policy) {
    const shown = findings.slice(0, 5).map(findingText);
    throw new AppError(
      'policyInvalid',
      [...shown, ...(findings.length > 5 ? [`and ${findings.length - 5} more`] : [])].join('; '),
    );
  }
  const policyHash = hashOf(policy);
  const now = deps.now();
  const changed = await deps.db.transaction().execute(async (tx) => {
    const before = await deps.policies.active(tx);
    const isChanged = await activateVersion(tx, deps.signer, { policyHash, policy, by: input.by, now });
    if (!isChanged) return false;
    await beginInBaseline(tx, { before: before?.policy ?? null, policy, by: input.by }, now);
    const body = { policyHash, by: input.by, at: now.toISOString() };
    const record = {
      operationKey: policyHash,
      kind: 'policyActivated' as const,
      personId: null,
      caseId: null,
      body,
      values: null,
    };
    await appendEvidence(tx, deps.vault, [record], now);
    return true;
  });
  deps.log.info({ policyHash, changed }, 'policy active');
  return { policyHash, changed };
}

/**
 * A system that a later version adds begins in baseline: it was in use before Usher. Those of the very first version are
 * enforced from the start, until somebody records their baseline.
 */
async function beginInBaseline(
  tx: Tx,
  { before, policy, by }: { before: Policy | null; policy: Policy; by: string },
  now: Date,
): Promise<void> {
  if (before === null) return;
  const known = new Set(before.systems.map(({ id }) => id));
  for (const { id, connector } of policy.systems) {
    const isTarget = connectorById(connector)?.manifest.kind === 'target';
    if (!isTarget || known.has(id) || (await modeOf(tx, id)).isSet) continue;
    await setMode(tx, { systemId: id, mode: 'baseline', by, diffHash: null }, now);
  }
}
