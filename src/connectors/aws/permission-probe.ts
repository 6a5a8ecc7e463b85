/** Reads that tell whether a permission is there: AWS names no missing one beforehand, it refuses the call. */
import type { CheckResult } from '../kit/contract.ts';
import { isConnectorError } from '../kit/vendor-client.ts';

export interface PermissionProbe {
  /** As IAM policies write it: `identitystore:ListUsers`. */
  permission: string;
  read(): Promise<unknown>;
}

/** One finding for each permission that is missing. Whatever else fails is thrown: credentials, time-outs, throttling. */
export async function probePermissions(probes: readonly PermissionProbe[]): Promise<CheckResult['findings']> {
  const findings: CheckResult['findings'] = [];
  for (const { permission, read } of probes) {
    try {
      await read();
    } catch (error) {
      const isRefused = isConnectorError(error, 'auth') && error.detail.vendorCode?.startsWith('AccessDenied') === true;
      if (!isRefused) throw error;
      findings.push({ level: 'error', text: `The permission ${permission} is missing.` });
    }
  }
  return findings;
}
