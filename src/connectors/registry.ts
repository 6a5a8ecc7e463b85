/** Every connector that Usher ships with, one line each. A system names one of them by its id. */
import { activeDirectory } from './active-directory.ts';
import { atlassian } from './atlassian.ts';
import { awsIam } from './aws-iam.ts';
import { awsIdentityCenter } from './aws-identity-center.ts';
import { bamboohr } from './bamboohr.ts';
import { entra } from './entra.ts';
import { github } from './github.ts';
import { googleWorkspace } from './google-workspace.ts';
import { jsm } from './jsm.ts';
import { keycloak } from './keycloak.ts';
import type { ConnectorDefinition, ConnectorManifest } from './kit/contract.ts';
import { manual } from './manual.ts';
import { okta } from './okta.ts';
import { openldap } from './openldap.ts';
import { scim } from './scim.ts';
import { servicenow } from './servicenow.ts';
import { slack } from './slack.ts';

const definitions: ConnectorDefinition[] = [
  activeDirectory,
  atlassian,
  awsIam,
  awsIdentityCenter,
  bamboohr,
  entra,
  github,
  googleWorkspace,
  jsm,
  keycloak,
  manual,
  okta,
  openldap,
  scim,
  servicenow,
  slack,
];

/** The connector with that id, or null. */
export function connectorById(id: string): ConnectorDefinition | null {
  return definitions.find((definition) => definition.manifest.id === id) ?? null;
}

/** All manifests, ordered by id. */
export function allManifests(): ConnectorManifest[] {
  return definitions.map(({ manifest }) => manifest);
}
