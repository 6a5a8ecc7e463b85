/** The quirk profiles of styles, through the whole conformance suite and the contract gate. */
import { describeTargetConnector } from '../conformance/describe-target.ts';
import { openVendorDescription } from '../conformance/vendor-description.ts';
import { scimGate, startScim } from './scim-harness.ts';

const gate = openVendorDescription(scimGate);

const profiles = ['rfc', 'okta-style', 'entra-style', 'put-only', 'users-only-by-name'] as const;

for (const profile of profiles) {
  describeTargetConnector(`scim, ${profile}`, { start: () => startScim(profile, gate) });
}
