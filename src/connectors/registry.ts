/** Every connector that Usher ships with, one line each. A system names one of them by its id. */
import { bamboohr } from './bamboohr.ts';
import type { ConnectorDefinition, ConnectorManifest } from './kit/contract.ts';
import { jsm } from './jsm.ts';
import { manual } from './manual.ts';
import { okta } from './okta.ts';
import { scim } from './scim.ts';
import { servicenow } from './servicenow.ts';

const definitions: ConnectorDefinition[] = [bamboohr, jsm, manual, okta, scim, servicenow];

/** The connector with that id, or null. */
export function connectorById(id: string): ConnectorDefinition | null {
  return definitions.find((definition) => definition.manifest.id === id) ?? null;
}

/** All manifests, ordered by id. */
export function allManifests(): ConnectorManifest[] {
  return definitions.map(({ manifest }) => manifest);
}
