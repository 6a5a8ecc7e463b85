/** The quirk profiles of single vendors and libraries, through the whole conformance suite and the contract gate. */
import { describeTargetConnector } from '../conformance/describe-target.ts';
import { openVendorDescription } from '../conformance/vendor-description.ts';
import { scimGate, startScim } from './scim-harness.ts';

const gate = openVendorDescription(scimGate);

const profiles = ['aws-identity-center', 'slack', 'github-emu', 'atlassian', 'better-auth', 'scimmy'] as const;

for (const profile of profiles) {
  describeTargetConnector(`scim, ${profile}`, { start: () => startScim(profile, gate) });
}
