/**
 * Filters as objects that are encoded, never as text that is parsed: nothing in a value can become part of the filter.
 */
import {
  AndFilter,
  EqualityFilter,
  type Filter,
  GreaterThanEqualsFilter,
  LessThanEqualsFilter,
  NotFilter,
  OrFilter,
  PresenceFilter,
} from 'ldapts';
import { EscapeError } from '../escape.ts';

/** `(attribute=value)`; text that is not valid Unicode is refused, because two such values could become equal. */
export function equals(attribute: string, value: string | Buffer): Filter {
  if (typeof value === 'string' && !value.isWellFormed()) throw new EscapeError('not valid Unicode');
  return new EqualityFilter({ attribute, value });
}

export const isPresent = (attribute: string): Filter => new PresenceFilter({ attribute });
export const allOf = (...filters: Filter[]): Filter => new AndFilter({ filters });
export const not = (filter: Filter): Filter => new NotFilter({ filter });

/** Throws an EscapeError where there is nothing to choose from: an empty choice would match nothing or everything. */
export function anyOf(...filters: Filter[]): Filter {
  if (filters.length === 0) throw new EscapeError('a filter needs a value');
  return filters.length === 1 ? (filters[0] as Filter) : new OrFilter({ filters });
}

export const atLeast = (attribute: string, value: string): Filter => new GreaterThanEqualsFilter({ attribute, value });

/** Both ends included. */
export function between(attribute: string, from: string, to: string): Filter {
  return allOf(atLeast(attribute, from), new LessThanEqualsFilter({ attribute, value: to }));
}
