/** The part of a connector's definition that a policy is checked against. */
/** What the check needs to know of a connector; `knownConnectors` makes it from the definitions. */
export interface KnownConnector {
  id: string;
  kind: 'target' | 'hris' | 'ticketing';
  /** Config fields that must be given as `${secret:…}`. */
  secretFields: readonly string[];
}

/** The definitions of connectors as far as a policy check reads them. */
export function knownConnectors(
  definitions: readonly { manifest: { id: string; kind: KnownConnector['kind'] }; secretFields: readonly string[] }[],
): KnownConnector[] {
  return definitions.map(({ manifest, secretFields }) => ({ id: manifest.id, kind: manifest.kind, secretFields }));
}
