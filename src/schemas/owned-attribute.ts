/**
 * The attributes of an account that policy may give to Usher at a system. Policy, connectors and rules name them alike.
 */
import { z } from 'zod';

/** `email` is the address, `login` the name that a person logs in with; `manager` is the manager's account at the same system. */
export const OwnedAttribute = z.enum([
  'displayName',
  'givenName',
  'familyName',
  'title',
  'department',
  'email',
  'login',
  'manager',
]);
export type OwnedAttribute = z.infer<typeof OwnedAttribute>;

/** Values that an account should have; what is not named is not asserted. `manager` is an account id of the same system. */
export type ProfileValues = Partial<Record<OwnedAttribute, string>>;
