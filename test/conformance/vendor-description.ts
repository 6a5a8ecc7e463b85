/**
 * The contract gate: every call of a connector and every answer of its sandbox server is held against the vendor's own
 * API description, and whatever the description does not allow fails the test that made the call.
 *
 * In a connector's test, at the top level of the file:
 *
 *     const gate = openVendorDescription({
 *       vendor: 'Okta',
 *       files: ['okta/okta-management.pruned.json'],
 *       undescribed: [{ method: 'POST', path: '/oauth2/v1/token', reason: 'the description has the management API only' }],
 *       exceptions: [{ operation: 'GET /api/v1/users', place: 'answer 400 status', reason: 'Okta answers a bad filter so' }],
 *     });
 *     // in start(), after the sandbox was made:
 *     gate.watch(sandbox);
 *
 * Checked: path and method, path, query and header parameters, kind of credentials, content types, request bodies, the
 * status of the answer and its body. An object whose members are described holds no others (a misspelt field is a
 * breach); a read-only member is not sent. Faults that the sandbox injects are exempt where they break the description
 * on purpose: bodies cut in half, answers that were never sent, and statuses that the description does not know. Error
 * answers whose description shows no content may have any body.
 *
 * A breach names its place (`request body/profile/login`, `answer 404 status`; the items of a list are `*`). An exception
 * stands for one place and what is below it, in the operations that it names.
 */
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, test } from '@jest/globals';
import type { Exchange, ExchangeWatcher } from '../../sandbox/exchange.ts';
import { type Breach, checkExchange, type ExchangeRules, type Undescribed } from './description/check-exchange.ts';
import { type OpenApiDocument, parseDescription } from './description/document.ts';
import { createValidator } from './description/validator.ts';

export interface DescriptionException {
  /** `GET /api/v1/users/{id}`, as the description has the path; a list where the same is wrong in several. */
  operation: string | string[];
  /** As a breach names it; what is below it is excepted as well. */
  place: string;
  /** Why the description is wrong, or silent. */
  reason: string;
}

export interface VendorDescriptionOptions {
  vendor: string;
  /** Below the folder of the descriptions; the first that knows a call decides. */
  files: string[];
  /** Turns the text of a file into OpenAPI 3. Default: OpenAPI 3 as it is, Swagger 2 converted. */
  convert?: (text: string, file: string) => OpenApiDocument | Promise<OpenApiDocument>;
  /** Path before the description's paths. Default: that of its first server. */
  basePath?: string;
  undescribed?: Undescribed[];
  exceptions?: DescriptionException[];
}

export interface VendorDescription {
  /** All breaches but those that an exception names. */
  check(exchange: Exchange): { isDescribed: boolean; breaches: Breach[] };
}

export interface VendorDescriptionGate {
  /** False where the descriptions are not there: nothing is checked then, and a skipped test says so. */
  readonly isPresent: boolean;
  watch(sandbox: { watch(watcher: ExchangeWatcher): void }): void;
}

const folder = new URL('../../../shared/specs/', import.meta.url);

/** Where a description lies: beside the checkout, for it is the vendor's and not ours. */
export function descriptionUrl(file: string): URL {
  return new URL(file, folder);
}

/** The descriptions, ready to check with. Throws where a file is missing or is no description. */
export async function loadVendorDescription(options: VendorDescriptionOptions): Promise<VendorDescription> {
  const { files, convert = parseDescription, basePath, undescribed = [] } = options;
  const documents: ExchangeRules['documents'] = [];
  for (const file of files) {
    const document = await convert(readFileSync(descriptionUrl(file), 'utf8'), file);
    documents.push({ document, validator: createValidator(document) });
  }
  return describeBy({ documents, basePath, undescribed }, options.exceptions ?? []);
}

/** The same over documents that are at hand. */
export function describeBy(rules: ExchangeRules, exceptions: DescriptionException[]): VendorDescription {
  return {
    check(exchange) {
      const { isDescribed, breaches } = checkExchange(exchange, rules);
      return {
        isDescribed,
        breaches: breaches.filter((breach) => !exceptions.some((each) => isExcepted(breach, each))),
      };
    },
  };
}

function isExcepted({ operation, place }: Breach, exception: DescriptionException): boolean {
  const isThere = place === exception.place || place.startsWith(`${exception.place}/`);
  return isThere && [exception.operation].flat().includes(operation);
}

/** What a failed test says: each breach once, with how often it was seen. */
export function explainBreaches(vendor: string, breaches: Breach[]): string {
  const lines = new Map<string, number>();
  for (const { operation, place, expected } of breaches) {
    const line = `${operation}\n    ${place}: ${expected}`;
    lines.set(line, (lines.get(line) ?? 0) + 1);
  }
  const listed = [...lines].map(([line, count]) => `  ${line}${count > 1 ? ` (${count} times)` : ''}`);
  return [`This is not what ${vendor} describes:`, ...listed].join('\n');
}

/** Opens the gate for a test file: registers its hooks, so call it at the top level of the file. */
export function openVendorDescription(options: VendorDescriptionOptions): VendorDescriptionGate {
  const { vendor, files } = options;
  const missing = files.filter((file) => !existsSync(descriptionUrl(file)));
  if (missing.length > 0) {
    const what = `CONTRACT GATE SKIPPED: the API description of ${vendor} is not at ../shared/specs/${missing.join(', ')}`;
    console.warn(`${what}. Calls and answers were NOT held against it.`);
    test.skip(what, () => undefined);
    return { isPresent: false, watch: () => undefined };
  }
  let description: VendorDescription | null = null;
  let seen: Exchange[] = [];
  let describedCount = 0;
  beforeAll(async () => {
    description = await loadVendorDescription(options);
  });
  afterEach(() => {
    const exchanges = seen;
    seen = [];
    const checked = exchanges.map((exchange) => description?.check(exchange) ?? { isDescribed: false, breaches: [] });
    describedCount += checked.filter(({ isDescribed }) => isDescribed).length;
    const breaches = checked.flatMap((each) => each.breaches);
    if (breaches.length > 0) throw new Error(explainBreaches(vendor, breaches));
  });
  afterAll(() => {
    if (describedCount === 0)
      throw new Error(`No call was held against the description of ${vendor}: is the sandbox watched?`);
  });
  return { isPresent: true, watch: (sandbox) => sandbox.watch((exchange) => void seen.push(exchange)) };
}
