/** Makes a policy the active version: checked, hashed, signed, and kept with its content, its files and who stands behind it. */
import { AppError } from '../domain/errors.ts';
import { appendEvidence } from '../evidence/log.ts';
import { connectorById } from '../connectors/registry.ts';
import { readPolicyOf } from '../policy/read-policy.ts';
import type { Policy } from '../schemas/policy.ts';
import { lockInTx, type Tx } from '../store/db.ts';
import { activateVersion, type ActivationOrigin } from '../store/policies.ts';
import { savePolicySource } from '../store/policy-history.ts';
import { modeOf as systemModeOf, setMode } from '../store/system-modes.ts';
import type { PolicyActivationMode } from '../store/tables.ts';
import { installedConnectors } from './installed-connectors.ts';
import type { ServerDeps } from './server-deps.ts';

/**
 * Activates the policy in the server's folder on one person's word. `by` is a person id, or `bootstrap` for the first
 * version of an installation. Throws AppError `policyInvalid` with the first findings, and `conflict` where this
 * installation wants two people.
 */
export async function activatePolicy(
  deps: ServerDeps,
  input: { by: string },
): Promise<{ policyHash: string; changed: boolean }> {
  const mode = await modeOf(deps, input.by);
  const { policyHash, policy, files } = await readPolicyOf(deps.policyDir, installedConnectors());
  const changed = await deps.db.transaction().execute(async (tx) => {
    await lockInTx(tx, 'policy');
    const sourceHash = await savePolicySource(tx, files);
    const origin = { sourceHash, mode, proposedBy: input.by, approvedBy: null };
    return makeActive(deps, tx, { policyHash, policy, by: input.by, origin });
  });
  deps.log.info({ policyHash, changed }, 'policy active');
  return { policyHash, changed };
}

async function modeOf(deps: ServerDeps, by: string): Promise<PolicyActivationMode> {
  if (by === 'bootstrap' && (await deps.policies.active()) === null) return 'bootstrap';
  if (deps.policyApprovals === 1) return 'onePerson';
  throw new AppError('conflict', 'Two people stand behind a policy here: usher policy propose, usher policy approve.');
}

/** Inside the caller's transaction, which holds the lock `policy`. Answers false when the version is active already. */
export async function makeActive(
  deps: ServerDeps,
  tx: Tx,
  version: { policyHash: string; policy: Policy; by: string; origin: ActivationOrigin },
): Promise<boolean> {
  const now = deps.now();
  const before = await deps.policies.active(tx);
  if (!(await activateVersion(tx, deps.signer, { ...version, now }))) return false;
  const { policyHash, policy, by, origin } = version;
  await beginInBaseline(tx, { before: before?.policy ?? null, policy, by }, now);
  const record = {
    operationKey: policyHash,
    kind: 'policyActivated' as const,
    personId: null,
    caseId: null,
    body: { policyHash, by, at: now.toISOString(), ...origin },
    values: null,
  };
  await appendEvidence(tx, deps.vault, [record], now);
  return true;
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
    if (!isTarget || known.has(id) || (await systemModeOf(tx, id)).isSet) continue;
    await setMode(tx, { systemId: id, mode: 'baseline', by, diffHash: null }, now);
  }
}
