/**
 * How services of AWS speak: one path, every call a POST, the operation in a header or in the form, and signatures
 * (Signature Version 4), which are checked as AWS checks them.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHash, createHmac, randomUUID } from 'node:crypto';
import { isSameSecret, type SandboxContext } from './kit.ts';

export interface AwsKey {
  accessKeyId: string;
  secretAccessKey: string;
}

/** Thrown by a handler, answered in the wording of the service. */
export class AwsRefusal extends Error {
  /** Without `Exception` where the service has none: `NoSuchEntity`. */
  readonly code: string;
  readonly members: Record<string, unknown>;
  readonly status: number;

  constructor(code: string, message: string, members: Record<string, unknown> = {}, status = 400) {
    super(message);
    this.code = code;
    this.members = members;
    this.status = status;
  }
}

/** Operations that read, by their names; the log and the faults treat them as GET. */
export function isReadOperation(operation: string): boolean {
  return /^(Get|List|Describe|Is)/.test(operation);
}

/** The code with which a service would word the status, where a fault asks for it. */
export function codeOfStatus(status: number, codes: Record<number, string>): string {
  return codes[status] ?? (status >= 500 ? (codes[500] ?? '') : (codes[400] ?? ''));
}

/** Whether the call was signed with the key. The date is not looked at: a sandbox may have a clock of its own. */
export async function isSigned(c: SandboxContext, { accessKeyId, secretAccessKey }: AwsKey): Promise<boolean> {
  const header = c.req.header('authorization') ?? '';
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([\w;-]+), Signature=([0-9a-f]{64})$/.exec(
      header,
    );
  if (match === null) return false;
  const [, keyId = '', day = '', region = '', service = '', signedHeaders = '', signature = ''] = match;
  const names = signedHeaders.split(';');
  // A signature that leaves out the host or the operation could be used for another one.
  if (keyId !== accessKeyId || !names.includes('host') || !names.includes('x-amz-date')) return false;
  const canonicalHeaders = names.map((name) => `${name}:${(c.req.header(name) ?? '').trim()}\n`).join('');
  const payload = sha256(await c.req.text());
  const canonical = ['POST', c.req.path, '', canonicalHeaders, signedHeaders, payload].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', c.req.header('x-amz-date') ?? '', scope, sha256(canonical)].join('\n');
  let key: Buffer | string = `AWS4${secretAccessKey}`;
  for (const part of [day, region, service, 'aws4_request']) key = createHmac('sha256', key).update(part).digest();
  return isSameSecret(signature, createHmac('sha256', key).update(toSign).digest('hex'));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** An answer of the JSON protocol, version 1.1. */
export function jsonAnswer(c: SandboxContext, body: object): Response {
  return c.body(JSON.stringify(body), 200, {
    'Content-Type': 'application/x-amz-json-1.1',
    'x-amzn-RequestId': randomUUID(),
  });
}

export function jsonRefusal(c: SandboxContext, { code, message, members, status }: AwsRefusal): Response {
  const body = JSON.stringify({ __type: code, Message: message, ...members });
  return c.body(body, status as 400, {
    'Content-Type': 'application/x-amz-json-1.1',
    'x-amzn-RequestId': randomUUID(),
  });
}

/** An answer of the query protocol: `<XResponse><XResult>…</XResult><ResponseMetadata>…`. */
export function xmlAnswer(c: SandboxContext, operation: string, namespace: string, result: object | null): Response {
  const requestId = randomUUID();
  const resultXml = result === null ? '' : `<${operation}Result>${toXml(result)}</${operation}Result>`;
  const metadata = `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata>`;
  const xml = `<${operation}Response xmlns="${namespace}">${resultXml}${metadata}</${operation}Response>`;
  return c.body(xml, 200, { 'Content-Type': 'text/xml', 'x-amzn-RequestId': requestId });
}

export function xmlRefusal(c: SandboxContext, namespace: string, { code, message, status }: AwsRefusal): Response {
  const requestId = randomUUID();
  const type = status < 500 ? 'Sender' : 'Receiver';
  const error = `<Error>${toXml({ Type: type, Code: code, Message: message })}</Error>`;
  const xml = `<ErrorResponse xmlns="${namespace}">${error}<RequestId>${requestId}</RequestId></ErrorResponse>`;
  return c.body(xml, status as 400, { 'Content-Type': 'text/xml', 'x-amzn-RequestId': requestId });
}

/** Members in their order; lists as `<member>`; what is undefined is left out. */
function toXml(value: unknown): string {
  if (Array.isArray(value)) return value.map((item) => `<member>${toXml(item)}</member>`).join('');
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([name, member]) => `<${name}>${toXml(member)}</${name}>`)
      .join('');
  }
  return String(value).replaceAll(/[&<>\r]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** Parameters of the query protocol as the structure that they spell: `Tags.member.1.Key=a`. */
export function fromForm(form: string): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [name, value] of new URLSearchParams(form)) {
    const parts = name.split('.').filter((part) => part !== 'member');
    let at: Record<string, unknown> = root;
    for (const [index, part] of parts.entries()) {
      if (index === parts.length - 1) at[part] = value;
      else at = (at[part] ??= {}) as Record<string, unknown>;
    }
  }
  return withLists(root) as Record<string, unknown>;
}

/** Numbered members are lists. */
function withLists(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, member]) => [name, withLists(member)] as const);
  if (entries.length > 0 && entries.every(([name]) => /^\d+$/.test(name))) return entries.map(([, member]) => member);
  return Object.fromEntries(entries);
}

/** One page of a listing whose token is the place where the next page begins. */
export function pageOf<T>(all: readonly T[], token: string | undefined, limit: number): { items: T[]; next?: string } {
  const start = token === undefined ? 0 : Number(Buffer.from(token, 'base64').toString('utf8'));
  if (!Number.isSafeInteger(start)) throw new AwsRefusal('ValidationException', 'The token is not valid');
  const end = start + limit;
  const items = all.slice(start, end);
  return end < all.length ? { items, next: Buffer.from(String(end)).toString('base64') } : { items };
}
