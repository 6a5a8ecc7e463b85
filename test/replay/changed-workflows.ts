/** Every workflow type with one step more than it has: what a replay must notice. Loaded by `replay.test.ts` alone. */
import { sleep } from '@temporalio/workflow';
import * as real from '../../src/workflows/index.ts';
import type * as wire from '../../src/workflows/wire.ts';

const oneMoreStep = (): Promise<void> => sleep('1 second');

export async function lifecycleCase(input: wire.CaseInput): Promise<wire.CaseResult> {
  await oneMoreStep();
  return real.lifecycleCase(input);
}

export async function cutoff(input: wire.CutoffInput): Promise<wire.CutoffResult> {
  await oneMoreStep();
  return real.cutoff(input);
}

export async function approval(input: wire.ApprovalInput): Promise<wire.ApprovalResult> {
  await oneMoreStep();
  return real.approval(input);
}

export async function provisioning(input: wire.ProvisioningInput): Promise<wire.ProvisioningResult> {
  await oneMoreStep();
  return real.provisioning(input);
}
