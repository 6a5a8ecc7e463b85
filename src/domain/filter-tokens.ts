/**
 * Tokens of a SCIM filter with their positions, which the parser library does not keep. It also refuses the texts that
 * the library reads in surprising ways: unclosed strings, line breaks and back-slashes inside strings.
 */

export interface FilterToken {
  text: string;
  /** Offset of the first character, from 0. */
  position: number;
  isString: boolean;
}

export interface FilterProblem {
  /** What is wrong and what was expected; never a person's data. */
  message: string;
  /** Offset into the filter, from 0. */
  position: number;
}

export type TokensResult = { isValid: true; tokens: FilterToken[] } | { isValid: false; problem: FilterProblem };

const word = /[\w][-\w._:/%]*/y;

/** Splits a filter into words, strings and brackets. */
export function filterTokens(text: string): TokensResult {
  const tokens: FilterToken[] = [];
  let position = 0;
  while (position < text.length) {
    const character = text.charAt(position);
    if (/\s/.test(character)) {
      position += 1;
      continue;
    }
    const end = tokenEnd(text, position);
    if (typeof end !== 'number') return { isValid: false, problem: end };
    tokens.push({ text: text.slice(position, end), position, isString: character === '"' });
    position = end;
  }
  return { isValid: true, tokens };
}

function tokenEnd(text: string, start: number): number | FilterProblem {
  const character = text.charAt(start);
  if (character === '"') return stringEnd(text, start);
  if ('()[]'.includes(character)) return start + 1;
  word.lastIndex = start;
  const match = word.exec(text);
  if (match === null) {
    return {
      message: 'unexpected character; expected an attribute, an operator or a value in quotes',
      position: start,
    };
  }
  return start + match[0].length;
}

function stringEnd(text: string, start: number): number | FilterProblem {
  for (let position = start + 1; position < text.length; position += 1) {
    const character = text.charAt(position);
    if (character === '"') return position + 1;
    if (character < ' ')
      return { message: 'a value in quotes must not hold line breaks or control characters', position };
    if (character === '\\') {
      if (text.charAt(position + 1) !== '"') {
        return { message: 'a back-slash may only stand before a quote in a value', position };
      }
      position += 1;
    }
  }
  return { message: 'the value in quotes is not closed', position: start };
}
