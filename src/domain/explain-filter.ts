/** Why a filter does not match a person: the conditions that fail, with the value that the person has and what was expected. */
import { evaluatorOf } from './filter-node.ts';
import type { AttributeName, Comparison, ComparisonOperator, FilterFacts, FilterNode, Truth } from './filter-node.ts';

export interface Condition {
  attribute: AttributeName;
  /** What the person has; null: HR names none. */
  actual: string | null;
  /** In words, to be read after "expected", for instance `exactly "Sales"`. */
  expected: string;
  truth: Truth;
}

export interface FailedClause {
  /** In the words of the filter. */
  clause: string;
  /** Any one of them, in the way that the clause says, would do; one condition for a plain comparison. */
  conditions: Condition[];
}

export interface FilterExplanation {
  isMatch: boolean;
  /** Clauses that are not true, in the order of the filter; empty for a match. */
  failed: FailedClause[];
  /** How many conditions would have to change at least; 0 for a match. */
  distance: number;
  /** How many conditions the filter has. */
  conditionCount: number;
}

/** Evaluates the filter and names what stands in the way. */
export function explainFilter(node: FilterNode, facts: FilterFacts): FilterExplanation {
  const isMatch = evaluatorOf(node)(facts) === true;
  return {
    isMatch,
    failed: isMatch ? [] : failedClauses(node, facts),
    distance: distanceTo(true, node, facts),
    conditionCount: leavesOf(node).length,
  };
}

function failedClauses(node: FilterNode, facts: FilterFacts): FailedClause[] {
  if (evaluatorOf(node)(facts) === true) return [];
  if (node.kind === 'and') return node.parts.flatMap((part) => failedClauses(part, facts));
  return [{ clause: clauseText(node), conditions: leavesOf(node).map((leaf) => conditionOf(leaf, facts)) }];
}

/** The least number of conditions that would have to turn out otherwise for the node to become `wanted`. */
function distanceTo(wanted: boolean, node: FilterNode, facts: FilterFacts): number {
  if (evaluatorOf(node)(facts) === wanted) return 0;
  switch (node.kind) {
    case 'not':
      return distanceTo(!wanted, node.part, facts);
    case 'and':
    case 'or': {
      const distances = node.parts.map((part) => distanceTo(wanted, part, facts));
      // To make an "and" true or an "or" false every part has to give; else one part is enough.
      const needsAll = (node.kind === 'and') === wanted;
      return needsAll ? distances.reduce((sum, each) => sum + each, 0) : Math.min(...distances);
    }
    case 'present':
    case 'compare':
      return 1;
    default:
      return node satisfies never;
  }
}

type Leaf = Comparison | Extract<FilterNode, { kind: 'present' }>;

function leavesOf(node: FilterNode): Leaf[] {
  switch (node.kind) {
    case 'and':
    case 'or':
      return node.parts.flatMap(leavesOf);
    case 'not':
      return leavesOf(node.part);
    case 'present':
    case 'compare':
      return [node];
    default:
      return node satisfies never;
  }
}

function conditionOf(leaf: Leaf, facts: FilterFacts): Condition {
  return {
    attribute: leaf.name,
    actual: facts[leaf.name] ?? null,
    expected: leaf.kind === 'present' ? 'any value' : expectedText(leaf.operator, leaf.value),
    truth: evaluatorOf(leaf)(facts),
  };
}

function expectedText(operator: ComparisonOperator, value: string): string {
  const words: Record<ComparisonOperator, string> = {
    eq: 'exactly',
    ne: 'something else than',
    co: 'a text that contains',
    sw: 'a text that begins with',
    ew: 'a text that ends with',
    gt: 'more than',
    ge: 'at least',
    lt: 'less than',
    le: 'at most',
  };
  return `${words[operator]} ${JSON.stringify(value)}`;
}

/** The node in the syntax of filters. */
export function clauseText(node: FilterNode): string {
  switch (node.kind) {
    case 'and':
    case 'or':
      return node.parts.map((part) => bracketed(part)).join(` ${node.kind} `);
    case 'not':
      return `not (${clauseText(node.part)})`;
    case 'present':
      return `${node.name} pr`;
    case 'compare':
      return `${node.name} ${node.operator} "${node.value.replaceAll('"', String.raw`\"`)}"`;
    default:
      return node satisfies never;
  }
}

function bracketed(node: FilterNode): string {
  return node.kind === 'and' || node.kind === 'or' ? `(${clauseText(node)})` : clauseText(node);
}
