/**
 * Which attributes of an account have to change at a system that policy gave to Usher for them. What HR does not say is
 * never asserted: an empty field in HR empties nothing elsewhere.
 */
import type { Item } from '../schemas/item.ts';
import type { OwnedAttribute, ProfileValues } from '../schemas/owned-attribute.ts';
import { compareText } from './compare-text.ts';
import type { HashText } from './definition-hash.ts';
import { itemDigest } from './item-digest.ts';
import { updateDefinitionHash } from './update-definition.ts';

export interface PlanAttributesInput {
  personId: string;
  spellN: number;
  snapshotId: string;
  system: { id: string; displayName: string; attributes?: readonly OwnedAttribute[] | undefined };
  accountId: string;
  /** What the account shows; `unreadable` where the system did not answer: then everything that is wanted is asserted. */
  shown: Readonly<Record<OwnedAttribute, string | null>> | 'unreadable';
  /** From the facts, in the form in which the system stores it. */
  wanted: ProfileValues;
  sha256Hex: HashText;
}

/** One `update` item for the account, or none where nothing that Usher owns there differs. */
export function planAttributes(input: PlanAttributesInput): Item[] {
  const attributes = differing(input);
  if (attributes.length === 0) return [];
  const { personId, spellN, snapshotId, system, accountId, sha256Hex } = input;
  const target = {
    action: 'update',
    systemId: system.id,
    accountId,
    entitlementId: null,
    vendorEntitlementId: null,
    profileId: null,
    definitionHash: updateDefinitionHash({ systemId: system.id, attributes, snapshotId }, sha256Hex),
    conflicts: [],
  } satisfies Partial<Item>;
  const terms = { ...target, personId, spellN, expiresAfterSeconds: null, requiredRoles: [] };
  return [
    {
      ...target,
      itemDigest: itemDigest(terms, sha256Hex),
      privileged: false,
      dataClass: 'none',
      description: `${attributes.join(', ')} at ${system.displayName}`,
      risk: 0,
      confidence: 1,
      reasons: [
        'policy gives these attributes to Usher at this system',
        input.shown === 'unreadable' ? 'the system did not answer: what it shows is not known' : 'they differ from HR',
      ],
      route: { kind: 'policy' },
      expiresAt: null,
    },
  ];
}

function differing({ system, shown, wanted }: PlanAttributesInput): OwnedAttribute[] {
  const owned = [...new Set(system.attributes ?? [])].toSorted(compareText);
  return owned.filter((name) => {
    const value = wanted[name];
    return value !== undefined && (shown === 'unreadable' || shown[name] !== value);
  });
}
