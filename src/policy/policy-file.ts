/** One YAML file of a policy: parsed, checked for its shape, and able to say where each of its values stands. */
import { isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import type { Document, Node } from 'yaml';
import type { z } from 'zod';
import { PolicyDocument } from '../schemas/policy.ts';
import type { Finding, PathKey } from './finding.ts';
import { pathText } from './finding.ts';

export type PolicyFile = YamlFile<PolicyDocument>;

/** A parsed file of any shape. */
export interface YamlFile<Shape> {
  name: string;
  /** Null where the file does not have the shape; the findings say why. */
  document: Shape | null;
  findings: Finding[];
  /** A finding at the value under that path, or at the nearest value above it. */
  findingAt(path: readonly PathKey[], message: string, target?: FindingTarget): Finding;
}

export interface FindingTarget {
  /** Points at the key instead of its value. */
  isKey?: boolean;
  /** Offset into the text of the value; used where the text stands in the file as it is read. */
  offsetInText?: number;
}

/** Parses one file of a policy. */
export function parsePolicyFile(name: string, text: string): PolicyFile {
  return parseYamlFile(name, text, PolicyDocument);
}

/** Parses one file. Messages never quote the text around an error: it might hold a secret given in clear. */
export function parseYamlFile<Shape>(name: string, text: string, schema: z.ZodType<Shape>): YamlFile<Shape> {
  const lines = new LineCounter();
  const yaml = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const findingAt = (path: readonly PathKey[], message: string, target: FindingTarget = {}): Finding => {
    const { line, col } = lines.linePos(offsetOf(yaml, text, path, target));
    return { file: name, line: Math.max(1, line), column: Math.max(1, col), path: pathText(path), message };
  };
  // What the parser says after its first error is mostly about that error again.
  const findings = yaml.errors.slice(0, 1).map((error): Finding => {
    const { line, col } = lines.linePos(error.pos[0]);
    return { file: name, line, column: col, path: '', message: `not valid YAML: ${yamlProblem(error.code)}` };
  });
  if (findings.length > 0) return { name, document: null, findings, findingAt };
  const value = plainValue(yaml);
  if (!value.isReadable) {
    const { line, col } = lines.linePos(value.offset);
    const message = 'expected an alias of an anchor that stands before it, and not too many of them';
    return { name, document: null, findings: [{ file: name, line, column: col, path: '', message }], findingAt };
  }
  const parsed = schema.safeParse(value.value ?? {});
  if (parsed.success) return { name, document: parsed.data, findings, findingAt };
  return {
    name,
    document: null,
    findings: parsed.error.issues.flatMap((issue) => issueFindings(issue, findingAt)),
    findingAt,
  };
}

function plainValue(yaml: Document): { isReadable: true; value: unknown } | { isReadable: false; offset: number } {
  try {
    return { isReadable: true, value: yaml.toJS({ maxAliasCount: 100 }) as unknown };
  } catch {
    let offset = 0;
    visit(yaml, {
      Alias: (_, alias) => {
        if (alias.resolve(yaml) !== undefined) return undefined;
        offset = startOf(alias) ?? 0;
        return visit.BREAK;
      },
    });
    return { isReadable: false, offset };
  }
}

function yamlProblem(code: string): string {
  return code.toLowerCase().replaceAll('_', ' ');
}

function issueFindings(issue: z.core.$ZodIssue, findingAt: PolicyFile['findingAt']): Finding[] {
  const path = issue.path.map((key) => (typeof key === 'number' ? key : String(key)));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => findingAt([...path, key], 'unknown key; see the policy schema', { isKey: true }));
  }
  if (issue.code === 'invalid_union') {
    const inner = issue.errors.find((issues) => issues.length > 0)?.[0];
    return [findingAt(path, inner?.message ?? issue.message)];
  }
  const isMissing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
  const last = path.at(-1);
  if (isMissing && last !== undefined) {
    return [findingAt(path, `missing; expected ${issue.expected === 'array' ? 'a list' : `a ${issue.expected}`}`)];
  }
  return [findingAt(path, issue.message)];
}

function offsetOf(yaml: Document, text: string, path: readonly PathKey[], target: FindingTarget): number {
  let node: unknown = yaml.contents;
  let offset = startOf(node) ?? 0;
  for (const key of path) {
    const child: { key: unknown; value: unknown } | undefined = childOf(node, key);
    if (child === undefined) return offset;
    const wanted = target.isKey === true ? child.key : child.value;
    offset = startOf(wanted) ?? startOf(child.key) ?? offset;
    node = child.value;
  }
  return offset + offsetInScalar(node, text, target.offsetInText);
}

function childOf(node: unknown, key: PathKey): { key: unknown; value: unknown } | undefined {
  if (isSeq(node) && typeof key === 'number') {
    const value = node.items[key];
    return value === undefined ? undefined : { key: value, value };
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(key));
  return pair === undefined ? undefined : { key: pair.key, value: pair.value };
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? (node as Node).range?.[0] : undefined;
}

/** Exact only where the value stands on one line as it is read; folded and escaped texts point at their beginning. */
function offsetInScalar(node: unknown, text: string, offsetInText: number | undefined): number {
  if (offsetInText === undefined || !isScalar(node) || typeof node.value !== 'string') return 0;
  const start = startOf(node) ?? 0;
  const quote = node.type === 'QUOTE_SINGLE' || node.type === 'QUOTE_DOUBLE' ? 1 : 0;
  const isVerbatim = text.startsWith(node.value, start + quote);
  return isVerbatim ? quote + offsetInText : 0;
}
