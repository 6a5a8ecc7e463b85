/** The pattern by which policy makes an address for a person: placeholders and plain characters before the domain. */
import { z } from 'zod';

const local = String.raw`(?:[a-z0-9._-]|\{given\}|\{family\}|\{givenInitial\}|\{familyInitial\})+`;
const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';

export const EmailPattern = z
  .string()
  .max(200)
  .regex(
    new RegExp(`^${local}@${label}(?:\\.${label})+$`),
    'expected an address such as {given}.{family}@example.com, of lower-case letters and {given}, {family}, {givenInitial}, {familyInitial}',
  )
  .refine(
    (pattern) => pattern.includes('{'),
    'expected at least one of {given}, {family}, {givenInitial}, {familyInitial}',
  );
