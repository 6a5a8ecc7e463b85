/**
 * What the answers of the API have in common. These shapes serve the server (what it reads), the CLI (what it prints) and the
 * OpenAPI document, so that the three cannot differ. Answers are loose objects: a client keeps working when a later
 * version tells more.
 */
import { z } from 'zod';
import { Instant, PersonId, PersonRef } from './ids.ts';

/** Why somebody does something, in their words. What no database can hold (NUL, half a character) is refused. */
export const Reason = z
  .string()
  .max(2000)
  .refine(
    (text) => text.isWellFormed() && !text.includes('\0'),
    'expected text without NUL and without half characters',
  );

/** A person id, or `<hris>/<key>` (in a path with the slash as %2F). */
export const PersonIdOrRef = z.union([PersonId, PersonRef], 'expected a person id or <hris>/<key>');

export const PersonName = z
  .looseObject({
    personId: z.string(),
    /** `(erased)` or `(unknown)` where there is none. */
    name: z.string(),
  })
  .meta({ id: 'PersonName' });

/** A failure, RFC 9457, with two fields of our own. */
export const Problem = z
  .looseObject({
    type: z.string().meta({ description: '`urn:usher:error:<code>`' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: 'What is wrong here and what was expected.' }),
    code: z.string().meta({ description: 'One of a closed list; see the page about errors.' }),
    field: z.string().nullable().meta({ description: 'The input field at fault.' }),
  })
  .meta({ id: 'Problem' });

/** An answer of which nothing is read. */
export const Anything = z.looseObject({});

export const InstantOrNull = Instant.nullable();
