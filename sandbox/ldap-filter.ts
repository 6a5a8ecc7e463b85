/** Filters of a search as they come over the wire (RFC 4511, section 4.5.1.7), asked of one entry. */
import { type Element, elementsOf } from './ldap-wire.ts';

/** Values by lower-case name. */
export type Attributes = ReadonlyMap<string, readonly Buffer[]>;

/** Attributes whose values are numbers, and those whose values are bytes; every other one is text without case. */
const numbers = new Set(['usncreated', 'lastlogontimestamp', 'accountexpires']);
const bytes = new Set(['objectguid']);

/** Throws where the filter has a part that no sandbox needs. */
export function matchesFilter({ tag, content }: Element, attributes: Attributes): boolean {
  const parts = tag === 0x87 ? [] : elementsOf(content);
  switch (tag) {
    case 0xa0:
      return parts.every((part) => matchesFilter(part, attributes));
    case 0xa1:
      return parts.some((part) => matchesFilter(part, attributes));
    case 0xa2:
      return !parts.some((part) => matchesFilter(part, attributes));
    case 0xa3:
      return compare(parts, attributes, (order) => order === 0);
    case 0xa5:
      return compare(parts, attributes, (order) => order >= 0);
    case 0xa6:
      return compare(parts, attributes, (order) => order <= 0);
    case 0x87:
      return (attributes.get(content.toString('utf8').toLowerCase()) ?? []).length > 0;
    default:
      throw new Error(`The filter ${tag} is not part of the sandbox.`);
  }
}

function compare([name, value]: Element[], attributes: Attributes, fits: (order: number) => boolean): boolean {
  const attribute = name?.content.toString('utf8').toLowerCase() ?? '';
  const wanted = value?.content ?? Buffer.alloc(0);
  return (attributes.get(attribute) ?? []).some((own) => fits(orderOf(attribute, own, wanted)));
}

/** Below zero, zero, above zero, as the attribute compares. */
export function orderOf(attribute: string, own: Buffer, wanted: Buffer): number {
  if (bytes.has(attribute)) return Buffer.compare(own, wanted);
  const [a, b] = [own.toString('utf8').toLowerCase(), wanted.toString('utf8').toLowerCase()];
  if (numbers.has(attribute)) return Number(BigInt(a) - BigInt(b));
  return a < b ? -1 : a === b ? 0 : 1;
}
