/**
 * What an `update` item changes, without a value: the names of the attributes and the snapshot whose facts are meant.
 * The item's definition hash says it, so that neither items nor evidence hold personal data.
 */
import type { OwnedAttribute } from '../schemas/owned-attribute.ts';
import { canonicalJson } from './canonical-json.ts';
import { compareText } from './compare-text.ts';
import type { HashText } from './definition-hash.ts';

export interface UpdateDefinition {
  systemId: string;
  attributes: readonly OwnedAttribute[];
  snapshotId: string;
}

/** Hash over system, attribute names in order, and snapshot. */
export function updateDefinitionHash(definition: UpdateDefinition, sha256Hex: HashText): string {
  const { systemId, snapshotId } = definition;
  const attributes = definition.attributes.toSorted(compareText);
  return sha256Hex(canonicalJson({ version: 1, systemId, attributes, snapshotId }));
}

/**
 * The attributes behind a definition hash, in order; null where it is about another system or snapshot, or about
 * attributes that are not `among` these. Tries every choice: there are eight attributes at most.
 */
export function attributesBehind(
  hash: string | null,
  { systemId, snapshotId, among }: { systemId: string; snapshotId: string; among: readonly OwnedAttribute[] },
  sha256Hex: HashText,
): OwnedAttribute[] | null {
  const names = [...new Set(among)].toSorted(compareText);
  for (let choice = 1; choice < 2 ** names.length; choice += 1) {
    const attributes = names.filter((_name, position) => Math.floor(choice / 2 ** position) % 2 === 1);
    if (updateDefinitionHash({ systemId, attributes, snapshotId }, sha256Hex) === hash) return attributes;
  }
  return null;
}
