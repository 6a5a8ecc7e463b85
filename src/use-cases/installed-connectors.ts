/** The connectors of this build, as far as a policy is checked against them. */
import { allManifests, connectorById } from '../connectors/registry.ts';
import { knownConnectors, type KnownConnector } from '../policy/known-connector.ts';

export function installedConnectors(): KnownConnector[] {
  return knownConnectors(allManifests().flatMap(({ id }) => connectorById(id) ?? []));
}
