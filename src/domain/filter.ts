/**
 * Filters over the attributes of a person: SCIM syntax (RFC 7644, section 3.4.2.2), Usher's meaning. The evaluation is
 * our own because the library's makes `not (missing eq "x")` true, which would give access to people of whom HR knows nothing.
 */
import { parse } from 'scim2-parse-filter';
import type { Filter } from 'scim2-parse-filter';
import type { AttributePolicy } from '../schemas/policy.ts';
import { evaluatorOf, foldText } from './filter-node.ts';
import type { AttributeName, ComparisonOperator, FilterFacts, FilterNode } from './filter-node.ts';
import { filterTokens } from './filter-tokens.ts';
import type { FilterProblem, FilterToken } from './filter-tokens.ts';

export type { AttributeName, FilterFacts } from './filter-node.ts';

export interface CompiledFilter {
  text: string;
  /** The attributes that the filter reads, sorted. */
  attributes: readonly AttributeName[];
  node: FilterNode;
  matches(facts: FilterFacts): boolean;
}

export type CompileFilterResult =
  { isValid: true; filter: CompiledFilter } | { isValid: false; problem: FilterProblem };

const maxLength = 4000;
const isoDate = /^\d{4}-\d{2}-\d{2}$/;

/**
 * Compiles a filter. Only attributes with `useFor: mapping` may be read. Reading an attribute that is absent or null
 * does not match, and neither does its negation; `pr` reads nothing, so that `not (title pr)` asks for people without
 * a title. Strings compare without case unless the attribute is `caseExact`, in Unicode normal form C.
 */
export function compileFilter(text: string, attributes: readonly AttributePolicy[]): CompileFilterResult {
  if (text.length > maxLength) return failure(`expected at most ${String(maxLength)} characters`, maxLength);
  const lexed = filterTokens(text);
  if (!lexed.isValid) return { isValid: false, problem: lexed.problem };
  const parsed = parseFilter(text, lexed.tokens);
  if ('problem' in parsed) return { isValid: false, problem: parsed.problem };
  const used = new Set<AttributeName>();
  try {
    const node = compileNode(parsed.ast, { attributes, used, tokens: lexed.tokens });
    const evaluate = evaluatorOf(node);
    const filter: CompiledFilter = {
      text,
      attributes: [...used].toSorted(),
      node,
      matches: (facts) => evaluate(facts) === true,
    };
    return { isValid: true, filter };
  } catch (error) {
    if (error instanceof FilterRefusal) return failure(error.message, error.position);
    throw error;
  }
}

interface CompileContext {
  attributes: readonly AttributePolicy[];
  used: Set<AttributeName>;
  tokens: readonly FilterToken[];
}

/** Carries a refusal out of the recursion; never leaves this file. */
class FilterRefusal extends Error {
  readonly position: number;

  constructor(message: string, position: number) {
    super(message);
    this.position = position;
  }
}

function failure(message: string, position: number): CompileFilterResult {
  return { isValid: false, problem: { message, position } };
}

function parseFilter(text: string, tokens: readonly FilterToken[]): { ast: Filter } | { problem: FilterProblem } {
  try {
    return { ast: parse(text) };
  } catch {
    return { problem: syntaxProblem(text, tokens) };
  }
}

/**
 * The library parses from left to right and names no position. The token at fault is the last one of the shortest
 * beginning of the text that fails for another reason than having ended too early.
 */
function syntaxProblem(text: string, tokens: readonly FilterToken[]): FilterProblem {
  for (const token of tokens) {
    try {
      parse(text.slice(0, token.position + token.text.length));
    } catch (error) {
      const reason = error instanceof Error ? error.message : '';
      if (!/\(EOT\)| {2}as valFilter operator$/.test(reason)) {
        return {
          message: 'unexpected word; expected <attribute> <operator> "<value>", joined by and, or, not',
          position: token.position,
        };
      }
    }
  }
  return { message: 'the filter ends too early; expected <attribute> <operator> "<value>"', position: text.length };
}

function compileNode(node: Filter, context: CompileContext): FilterNode {
  switch (node.op) {
    case 'and':
    case 'or':
      return { kind: node.op, parts: node.filters.map((part) => compileNode(part, context)) };
    case 'not': {
      // The library reads `a eq "x" not b eq "y"` as a list of "not", which says nothing.
      if (!('filter' in node)) throw new FilterRefusal('not stands before one condition', wordPosition('not', context));
      return { kind: 'not', part: compileNode(node.filter, context) };
    }
    case 'pr':
      return { kind: 'present', name: attributeOf(node.attrPath, context).name };
    case 'eq':
    case 'ne':
    case 'co':
    case 'sw':
    case 'ew':
    case 'gt':
    case 'ge':
    case 'lt':
    case 'le':
      return compileComparison(node.op, node.attrPath, node.compValue, context);
    case '[]':
      throw new FilterRefusal('the attributes of a person have no parts', wordPosition(node.attrPath, context));
    default:
      throw new FilterRefusal(
        'unknown operator; expected and, or, not',
        wordPosition((node satisfies never as { op: string }).op, context),
      );
  }
}

function compileComparison(
  operator: ComparisonOperator,
  path: string,
  value: string | number | boolean | null,
  context: CompileContext,
): FilterNode {
  const { name, caseExact } = attributeOf(path, context);
  const position = wordPosition(path, context);
  if (value === null)
    throw new FilterRefusal(`expected a value in quotes; for "absent" write not (${name} pr)`, position);
  if (typeof value !== 'string') throw new FilterRefusal('expected a value in quotes', position);
  refuseImpossibleValue(name, operator, value, position);
  return { kind: 'compare', name, operator, value, caseExact };
}

function refuseImpossibleValue(
  name: AttributeName,
  operator: ComparisonOperator,
  value: string,
  position: number,
): void {
  const isPart = operator === 'co' || operator === 'sw' || operator === 'ew';
  if (name === 'startDate' && !isPart && !isoDate.test(value)) {
    throw new FilterRefusal('startDate compares with a date such as 2026-01-31', position);
  }
  if (name === 'employmentType' && !isPart && !['employee', 'contractor'].includes(foldText(value, false))) {
    throw new FilterRefusal('employmentType is employee or contractor', position);
  }
}

function attributeOf(path: string, context: CompileContext): { name: AttributeName; caseExact: boolean } {
  // RFC 7644: names of attributes are not case-sensitive.
  const attribute = context.attributes.find(({ name }) => name.toLowerCase() === path.toLowerCase());
  const position = wordPosition(path, context);
  if (attribute === undefined) {
    const known = context.attributes.filter(({ useFor }) => useFor === 'mapping').map(({ name }) => name);
    throw new FilterRefusal(`unknown attribute ${path}; expected one of ${known.toSorted().join(', ')}`, position);
  }
  if (attribute.useFor !== 'mapping') {
    throw new FilterRefusal(
      `attribute ${attribute.name} is declared useFor: ${attribute.useFor}, not mapping`,
      position,
    );
  }
  context.used.add(attribute.name);
  return attribute;
}

function wordPosition(text: string, { tokens }: CompileContext): number {
  const isSame = (token: FilterToken): boolean => !token.isString && token.text.toLowerCase() === text.toLowerCase();
  return tokens.find(isSame)?.position ?? 0;
}
