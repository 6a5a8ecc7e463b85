/** One thing that is wrong with a policy, with the place where a person mends it. */
export interface Finding {
  /** Name of the file in the policy folder; empty for what is wrong with the folder as a whole. */
  file: string;
  /** From 1; 0 where there is no line. */
  line: number;
  column: number;
  /** Keys down to the place, such as `entitlements[3].owner`. */
  path: string;
  /** What was expected. Never a value from the file that could be a secret. */
  message: string;
}

export type PathKey = string | number;

/** `['entitlements', 3, 'owner']` as `entitlements[3].owner`. */
export function pathText(path: readonly PathKey[]): string {
  return path
    .map((key, depth) => (typeof key === 'number' ? `[${String(key)}]` : depth === 0 ? key : `.${key}`))
    .join('');
}

/** A finding as one line of text, in the form that editors make clickable. */
export function findingText({ file, line, column, path, message }: Finding): string {
  const place = line === 0 ? file : `${file}:${String(line)}:${String(column)}`;
  return [place, path, message].filter((part) => part !== '').join(': ');
}

/** By file, then by place. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  const byText = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);
  return findings.toSorted(
    (a, b) =>
      byText(a.file, b.file) ||
      a.line - b.line ||
      a.column - b.column ||
      byText(a.path, b.path) ||
      byText(a.message, b.message),
  );
}
