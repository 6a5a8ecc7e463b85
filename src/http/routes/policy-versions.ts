/** Policy versions: what was active when, what is proposed, and the approval by a second person. */
import { z } from 'zod';
import { policyHash } from '../../policy/hash.ts';
import { PolicyHashPrefix } from '../../schemas/ids.ts';
import { policyChanges } from '../../domain/policy-changes.ts';
import { listActivations } from '../../store/policy-history.ts';
import { listProposals, type PolicyProposal } from '../../store/policy-proposals.ts';
import { readNames, type NameOf } from '../../store/read-names.ts';
import { approvePolicy } from '../../use-cases/approve-policy.ts';
import { proposePolicy } from '../../use-cases/propose-policy.ts';
import type { HttpDeps } from '../app-types.ts';
import { readParam } from '../input.ts';
import { personOf, type Router } from '../router.ts';

export function policyVersionRoutes(router: Router, deps: HttpDeps): void {
  router.guarded('GET /api/v1/policy/versions', async (c) => {
    const activations = await listActivations(deps.db, deps.verifier);
    const nameOf = await namesOf(
      deps,
      activations.flatMap((entry) => [entry.proposedBy, entry.approvedBy]),
    );
    return c.json({
      versions: activations.map((entry) => ({
        ...entry,
        proposedBy: who(entry.proposedBy, nameOf),
        approvedBy: entry.approvedBy === null ? null : who(entry.approvedBy, nameOf),
      })),
    });
  });
  router.guarded('GET /api/v1/policy/proposals', async (c) => {
    const proposals = await listProposals(deps.db, deps.verifier, policyHash);
    const nameOf = await namesOf(
      deps,
      proposals.map(({ proposedBy }) => proposedBy),
    );
    return c.json({
      approvalsNeeded: deps.policyApprovals,
      proposals: await Promise.all(proposals.map((proposal) => proposalView(deps, proposal, nameOf))),
    });
  });
  router.guarded('POST /api/v1/policy/proposals', async (c, caller) =>
    c.json(await proposePolicy(deps, { by: personOf(caller) }), 201),
  );
  router.guarded('POST /api/v1/policy/proposals/:hash/approve', async (c, caller) => {
    const hash = readParam(c, 'hash', PolicyHashPrefix);
    return c.json(await approvePolicy(deps, { hash, by: personOf(caller) }));
  });
}

async function proposalView(deps: HttpDeps, proposal: PolicyProposal, nameOf: NameOf): Promise<object> {
  const { policy, proposedBy, ...rest } = proposal;
  const base = proposal.baseHash === null ? null : await deps.policies.byHash(proposal.baseHash);
  return { ...rest, proposedBy: who(proposedBy, nameOf), changes: policyChanges(base?.policy ?? null, policy) };
}

const isPersonId = (id: string | null): id is string => id !== null && z.uuid().safeParse(id).success;

function namesOf(deps: HttpDeps, ids: (string | null)[]): Promise<NameOf> {
  return readNames(deps.db, deps, ids.filter(isPersonId));
}

function who(id: string, nameOf: NameOf): { personId: string | null; name: string } {
  return isPersonId(id) ? { personId: id, name: nameOf(id) } : { personId: null, name: id };
}
