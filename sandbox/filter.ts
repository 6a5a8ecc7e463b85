/**
 * SCIM filters over the sandbox's records, as Okta and SCIM servers share them. Strings compare without case, except
 * for the attributes that a vendor declares exact.
 */
import { filter as toPredicate, type Filter, parse as parseFilter } from 'scim2-parse-filter';

export interface FilterRules {
  /** Lower-case names of attributes that compare with their case. */
  caseExact?: ReadonlySet<string>;
  /** Lower-case paths that may be asked for; absent: all. */
  offered?: ReadonlySet<string>;
  /** Lower-case paths that stand for another one: servers that ask for `members` and mean its values. */
  aliases?: ReadonlyMap<string, string>;
}

/** Null where the expression does not parse or names an attribute that is not offered. */
export function compileFilter(expression: string, rules: FilterRules = {}): ((record: object) => boolean) | null {
  const { caseExact = new Set<string>(), offered, aliases = new Map<string, string>() } = rules;
  try {
    const ast = renameAttributes(parseFilter(expression), aliases);
    if (offered !== undefined && !attributesOf(ast).every((name) => offered.has(name))) return null;
    const test = toPredicate(foldFilter(ast, caseExact));
    return (record) => test(foldValue(record, caseExact));
  } catch {
    return null;
  }
}

function attributesOf(ast: Filter): string[] {
  switch (ast.op) {
    case 'and':
    case 'or':
      return ast.filters.flatMap(attributesOf);
    case 'not':
      return attributesOf(ast.filter);
    default:
      return [ast.attrPath.toLowerCase()];
  }
}

function renameAttributes(ast: Filter, aliases: ReadonlyMap<string, string>): Filter {
  switch (ast.op) {
    case 'and':
    case 'or':
      return { op: ast.op, filters: ast.filters.map((inner) => renameAttributes(inner, aliases)) };
    case 'not':
      return { op: 'not', filter: renameAttributes(ast.filter, aliases) };
    case '[]':
      return ast;
    default:
      return { ...ast, attrPath: aliases.get(ast.attrPath.toLowerCase()) ?? ast.attrPath };
  }
}

function foldFilter(ast: Filter, caseExact: ReadonlySet<string>): Filter {
  switch (ast.op) {
    case 'and':
    case 'or':
      return { op: ast.op, filters: ast.filters.map((inner) => foldFilter(inner, caseExact)) };
    case 'not':
      return { op: 'not', filter: foldFilter(ast.filter, caseExact) };
    case 'pr':
      return ast;
    case '[]':
      return { ...ast, valFilter: foldFilter(ast.valFilter, caseExact) };
    default: {
      const isFolded = typeof ast.compValue === 'string' && !caseExact.has(ast.attrPath.toLowerCase());
      return isFolded ? { ...ast, compValue: String(ast.compValue).toLowerCase() } : ast;
    }
  }
}

function foldValue(value: unknown, caseExact: ReadonlySet<string>): unknown {
  if (typeof value === 'string') return value.toLowerCase();
  if (Array.isArray(value)) return value.map((inner) => foldValue(inner, caseExact));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      caseExact.has(name.toLowerCase()) ? inner : foldValue(inner, caseExact),
    ]),
  );
}
