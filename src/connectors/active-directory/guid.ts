/** objectGUID, the immutable key of an object of Active Directory: bytes on the wire, text in Usher. */

const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** The first three groups are little-endian (MS-DTYP, section 2.3.4). */
const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

/** As Windows shows it, in lower case. Throws a RangeError unless there are 16 bytes. */
export function guidText(bytes: Buffer): string {
  if (bytes.length !== 16) throw new RangeError('a GUID has 16 bytes');
  const hex = order.map((index) => (bytes[index] ?? 0).toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** The bytes, or null for a text that is no GUID in that form. */
export function guidBytes(text: string): Buffer | null {
  if (!pattern.test(text)) return null;
  const shown = Buffer.from(text.replaceAll('-', ''), 'hex');
  const bytes = Buffer.alloc(16);
  for (const [position, index] of order.entries()) bytes[index] = shown[position] ?? 0;
  return bytes;
}

/** A name that stays right when the object is renamed or moved (MS-ADTS, section 3.1.1.3.1.2.4); null as above. */
export function guidDn(text: string): string | null {
  const bytes = guidBytes(text);
  return bytes === null ? null : `<GUID=${bytes.toString('hex')}>`;
}
