/** Just enough of LDAP's encoding (RFC 4511) to see which call goes by, to answer it, and to answer it falsely. */

/** The request tags by operation, and the tag of the answer that ends each. */
const operations = {
  0x60: { name: 'bind', answerTag: 0x61 },
  0x63: { name: 'search', answerTag: 0x65 },
  0x66: { name: 'modify', answerTag: 0x67 },
  0x68: { name: 'add', answerTag: 0x69 },
  0x4a: { name: 'delete', answerTag: 0x6b },
  0x6c: { name: 'rename', answerTag: 0x6d },
  0x42: { name: 'unbind', answerTag: null },
} as const;
export type LdapOperation = (typeof operations)[keyof typeof operations]['name'];

export interface LdapMessage {
  /** The whole message as it came. */
  bytes: Buffer;
  /** The number that the answer must carry, as encoded. */
  id: Buffer;
  tag: number;
  operation: LdapOperation | null;
  /** The entry that it is about; empty for a bind. */
  dn: string;
}

interface Element {
  tag: number;
  content: Buffer;
  /** Bytes of the whole element. */
  length: number;
}

/** The element at the start of the bytes, or null while it is not all there. */
function readElement(bytes: Buffer): Element | null {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined) return null;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (bytes.length < 2 + lengthBytes) return null;
  const size = lengthBytes === 0 ? first : bytes.readUIntBE(2, lengthBytes);
  const start = 2 + lengthBytes;
  return bytes.length < start + size
    ? null
    : { tag, content: bytes.subarray(start, start + size), length: start + size };
}

/** The whole messages at the start of the bytes, and what is left over. Throws where the bytes are no LDAP. */
export function splitMessages(bytes: Buffer): { messages: LdapMessage[]; rest: Buffer } {
  const messages: LdapMessage[] = [];
  let rest = bytes;
  for (let element = readElement(rest); element !== null; element = readElement(rest)) {
    if (element.tag !== 0x30) throw new Error('This is no LDAP message.');
    messages.push(toMessage(rest.subarray(0, element.length), element.content));
    rest = rest.subarray(element.length);
  }
  return { messages, rest };
}

function toMessage(bytes: Buffer, content: Buffer): LdapMessage {
  const id = readElement(content);
  const body = id === null ? null : readElement(content.subarray(id.length));
  if (id === null || body === null) throw new Error('This is no LDAP message.');
  const operation = isOperation(body.tag) ? operations[body.tag].name : null;
  const hasDn = operation !== 'bind' && operation !== 'unbind';
  const dn = operation === 'delete' ? body.content : hasDn ? (readElement(body.content)?.content ?? null) : null;
  return { bytes, id: content.subarray(0, id.length), tag: body.tag, operation, dn: dn?.toString('utf8') ?? '' };
}

const isOperation = (tag: number): tag is keyof typeof operations => tag in operations;

/** True for the message that ends the answer: entries and references come before it. */
export function isLastAnswer({ tag }: LdapMessage): boolean {
  return tag !== 0x64 && tag !== 0x73 && tag !== 0x79;
}

/** One element. */
export function element(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content]);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(content.length);
  return Buffer.concat([Buffer.from([tag, 0x84]), size, content]);
}

/** The answer that ends a call: its result code and a text. */
export function resultMessage(request: LdapMessage, code: number, text = ''): Buffer {
  const answerTag = isOperation(request.tag) ? operations[request.tag].answerTag : null;
  if (answerTag === null) throw new Error('This call has no answer.');
  const result = [element(0x0a, Buffer.from([code])), element(0x04), element(0x04, Buffer.from(text, 'utf8'))];
  return element(0x30, request.id, element(answerTag, ...result));
}

/** An answer of a kind that does not exist. */
export function brokenMessage(request: LdapMessage): Buffer {
  return element(0x30, request.id, element(0x7e, Buffer.from('half of an ans')));
}
