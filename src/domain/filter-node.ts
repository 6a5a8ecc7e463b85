/**
 * A compiled filter as a tree: what is evaluated, explained and looked up in an index. Three truth values, because a
 * condition about an attribute that is absent is neither true nor false.
 */
import type { PersonFacts } from '../schemas/facts.ts';
import type { AttributePolicy } from '../schemas/policy.ts';

export type AttributeName = AttributePolicy['name'];
export type FilterFacts = Pick<PersonFacts, AttributeName>;
export type ComparisonOperator = 'eq' | 'ne' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le';

/** True, false, or null where the answer would need an attribute that is absent. */
export type Truth = boolean | null;

export interface Comparison {
  kind: 'compare';
  name: AttributeName;
  operator: ComparisonOperator;
  /** As the filter says it. */
  value: string;
  caseExact: boolean;
}

export type FilterNode =
  | { kind: 'and' | 'or'; parts: readonly FilterNode[] }
  | { kind: 'not'; part: FilterNode }
  | { kind: 'present'; name: AttributeName }
  | Comparison;

/** The form in which texts are compared. */
export function foldText(text: string, caseExact: boolean): string {
  return caseExact ? text.normalize('NFC') : text.normalize('NFC').toLowerCase();
}

/** A function that evaluates the node; everything that does not depend on the person is done once. */
export function evaluatorOf(node: FilterNode): (facts: FilterFacts) => Truth {
  switch (node.kind) {
    case 'and':
      return all(node.parts.map(evaluatorOf));
    case 'or':
      return any(node.parts.map(evaluatorOf));
    case 'not': {
      const inner = evaluatorOf(node.part);
      return (facts) => negate(inner(facts));
    }
    case 'present': {
      const { name } = node;
      return (facts) => facts[name] !== null && facts[name] !== undefined;
    }
    case 'compare': {
      const { name, operator, caseExact } = node;
      const wanted = foldText(node.value, caseExact);
      return (facts) => {
        const actual = facts[name];
        if (actual === null || actual === undefined) return null;
        return compare(operator, foldText(actual, caseExact), wanted);
      };
    }
    default:
      return node satisfies never;
  }
}

/** Conditions "is exactly" that everybody whom the node matches fulfils; they make profiles findable by value. */
export function requiredEquals(node: FilterNode): Comparison[] {
  if (node.kind === 'compare') return node.operator === 'eq' ? [node] : [];
  return node.kind === 'and' ? node.parts.flatMap(requiredEquals) : [];
}

function compare(operator: ComparisonOperator, actual: string, wanted: string): boolean {
  switch (operator) {
    case 'eq':
      return actual === wanted;
    case 'ne':
      return actual !== wanted;
    case 'co':
      return actual.includes(wanted);
    case 'sw':
      return actual.startsWith(wanted);
    case 'ew':
      return actual.endsWith(wanted);
    case 'gt':
      return actual > wanted;
    case 'ge':
      return actual >= wanted;
    case 'lt':
      return actual < wanted;
    case 'le':
      return actual <= wanted;
    default:
      return operator satisfies never;
  }
}

const negate = (truth: Truth): Truth => (truth === null ? null : !truth);

type Evaluate = (facts: FilterFacts) => Truth;

/** False as soon as one part is false, whatever is unknown beside it. */
function all(parts: readonly Evaluate[]): Evaluate {
  return (facts) => {
    let result: Truth = true;
    for (const part of parts) {
      const truth = part(facts);
      if (truth === false) return false;
      if (truth === null) result = null;
    }
    return result;
  };
}

function any(parts: readonly Evaluate[]): Evaluate {
  return (facts) => {
    let result: Truth = false;
    for (const part of parts) {
      const truth = part(facts);
      if (truth === true) return true;
      if (truth === null) result = null;
    }
    return result;
  };
}
