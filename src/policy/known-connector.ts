/** The part of a connector's definition that a policy is checked against. */
import type { z } from 'zod';
import type { ConnectorManifest } from '../connectors/kit/contract.ts';
import type { OwnedAttribute } from '../schemas/owned-attribute.ts';

/** What the check needs to know of a connector; `knownConnectors` makes it from the definitions. */
export interface KnownConnector {
  id: string;
  kind: 'target' | 'hris' | 'ticketing';
  /** Config fields that must be given as `${secret:…}`. */
  secretFields: readonly string[];
  profileUpdates: readonly OwnedAttribute[];
  workEmailWriteBack: boolean;
  /** What `config` must look like once secrets are in it; absent: anything goes. */
  configSchema?: z.ZodType;
}

/** The definitions of connectors as far as a policy check reads them. */
export function knownConnectors(
  definitions: readonly {
    manifest: Pick<ConnectorManifest, 'id' | 'kind' | 'capabilities'>;
    secretFields: readonly string[];
    configSchema?: z.ZodType;
  }[],
): KnownConnector[] {
  return definitions.map(({ manifest, secretFields, configSchema }) => {
    const { id, kind, capabilities } = manifest;
    const { profileUpdates, workEmailWriteBack } = capabilities;
    const known = { id, kind, secretFields, profileUpdates, workEmailWriteBack };
    return configSchema === undefined ? known : { ...known, configSchema };
  });
}
