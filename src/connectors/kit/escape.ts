/**
 * Builders for filters, queries and paths. Connectors never put a value into such a text by template: names come
 * from people, and a quote or a caret in one of them must not change what is asked for.
 */

/** The value cannot be written safely; the message never holds the value. */
export class EscapeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'EscapeError';
  }
}

const attributePath = /^[A-Za-z][A-Za-z0-9_$-]*(?:\.[A-Za-z][A-Za-z0-9_$-]*)*$/;

/**
 * One URL path segment. Refuses what a server may resolve to another resource even when it is encoded: the empty
 * segment, dot segments, and text that is not valid Unicode.
 */
export function pathSegment(value: string): string {
  if (value === '' || value === '.' || value === '..') throw new EscapeError('not usable as a path segment');
  // Some servers decode %2F, %5C and %00 before they route.
  if (/[/\\\u0000]/.test(value)) throw new EscapeError('a path segment may not hold a slash or a null character');
  return encodeURIComponent(wellFormed(value));
}

/** A relative path of escaped segments. */
export function pathOf(...segments: string[]): string {
  return segments.map(pathSegment).join('/');
}

/** `<attribute> eq "<value>"` of SCIM (RFC 7644 section 3.4.2.2): the value is a JSON string. */
export function scimEquals(attribute: string, value: string): string {
  if (!attributePath.test(attribute)) throw new EscapeError('not an attribute path');
  return `${attribute} eq ${JSON.stringify(wellFormed(value))}`;
}

/** `<attribute> gt "<value>"` (RFC 7644 section 3.4.2.2); times compare as ISO 8601. */
export function scimGreaterThan(attribute: string, value: string): string {
  if (!attributePath.test(attribute)) throw new EscapeError('not an attribute path');
  return `${attribute} gt ${JSON.stringify(wellFormed(value))}`;
}

/** A SCIM value path: `members[value eq "<value>"]`. */
export function scimValuePath(attribute: string, subAttribute: string, value: string): string {
  if (!attributePath.test(attribute)) throw new EscapeError('not an attribute path');
  return `${attribute}[${scimEquals(subAttribute, value)}]`;
}

/** Any of the values: Okta's `filter` and `search` share SCIM's grammar, and so its escaping. */
export function oktaEqualsAny(attribute: string, values: string[]): string {
  if (values.length === 0) throw new EscapeError('a filter needs a value');
  return values.map((value) => scimEquals(attribute, value)).join(' or ');
}

/** `<path> eq '<value>'` of OData v4 (section 5.1.1.6.1 of its URL conventions): a quote in the value is written twice. */
export function odataEquals(path: string, value: string): string {
  if (!/^[A-Za-z][A-Za-z0-9]*(?:\/[A-Za-z][A-Za-z0-9]*)*$/.test(path)) throw new EscapeError('not a property path');
  return `${path} eq '${wellFormed(value).replaceAll("'", "''")}'`;
}

/**
 * `<field>='<value>'` of Google's directory search. Quote and backslash are escaped with a backslash; control characters,
 * for which no rule is published, are refused.
 */
export function directoryEquals(field: string, value: string): string {
  if (!/^[A-Za-z]+$/.test(field)) throw new EscapeError('not a field name');
  if (/\p{Cc}/u.test(value)) throw new EscapeError('a directory search cannot hold a control character');
  return `${field}='${wellFormed(value).replaceAll(/['\\]/g, String.raw`\$&`)}'`;
}

export interface EncodedQueryTerm {
  field: string;
  operator: '=' | '!=' | '>' | 'STARTSWITH';
  value: string;
}

/**
 * ServiceNow's encoded query. A value with a caret or a control character is refused, for it would start another
 * term; so is an empty one, which matches every empty field, and `javascript:`, which the server would run.
 */
export function encodedQuery(terms: EncodedQueryTerm[], orderBy?: string): string {
  const parts = terms.map(({ field, operator, value }) => {
    if (!/^[a-z][a-z0-9_]*$/.test(field)) throw new EscapeError('not a field name');
    if (value === '') throw new EscapeError('an encoded query cannot compare with an empty value');
    if (/[\^\p{Cc}\u2028\u2029]/u.test(value)) {
      throw new EscapeError('an encoded query cannot hold a caret or a control character');
    }
    if (/javascript:/i.test(value)) throw new EscapeError('an encoded query cannot hold a script');
    return `${field}${operator}${wellFormed(value)}`;
  });
  if (orderBy !== undefined) {
    if (!/^[a-z][a-z0-9_]*$/.test(orderBy)) throw new EscapeError('not a field name');
    parts.push(`ORDERBY${orderBy}`);
  }
  return parts.join('^');
}

/**
 * Keycloak's `q=<attribute>:"<value>"`. A backslash is refused: Keycloak finds nothing for it, escaped or not (measured on
 * 26.7). A query that it cannot read finds everybody there, so that nothing else may get into it.
 */
export function keycloakAttributeQuery(attribute: string, value: string): string {
  if (!attributePath.test(attribute)) throw new EscapeError('not an attribute path');
  if (value === '' || value.length > 255) throw new EscapeError('an attribute query takes 1 to 255 characters');
  if (/[\\\p{Cc}]/u.test(value)) {
    throw new EscapeError('an attribute query cannot hold a backslash or a control character');
  }
  return `${attribute}:"${wellFormed(value).replaceAll('"', '\\"')}"`;
}

/** Percent-encodes every reserved character; a space becomes %20, which all vendors read alike. */
export function queryString(params: Record<string, string | number | boolean>): string {
  return Object.entries(params)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(wellFormed(String(value)))}`)
    .join('&');
}

/** The first `maxLength` UTF-16 units without cutting a character in half. */
export function clip(value: string, maxLength: number): string {
  if (value.length <= maxLength) return value;
  const lastUnit = value.charCodeAt(maxLength - 1);
  const isHighSurrogate = lastUnit >= 0xd800 && lastUnit <= 0xdbff;
  return value.slice(0, isHighSurrogate ? maxLength - 1 : maxLength);
}

function wellFormed(value: string): string {
  // Replacing a lone surrogate would make two different keys equal.
  if (!value.isWellFormed()) throw new EscapeError('not valid Unicode');
  return value;
}
