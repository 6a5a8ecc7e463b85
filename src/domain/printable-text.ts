/**
 * Text for a terminal. Names come from outside and may hold control characters, which would steer the terminal, and
 * marks that turn the direction of writing, which would make one thing look like another.
 */

/** Replaces both by U+FFFD. Line breaks are control characters too. */
export function printableText(text: string): string {
  return text.replace(/[\p{Cc}\u061C\u200E\u200F\u2028\u2029\u202A-\u202E\u2066-\u2069]/gu, '\uFFFD');
}
