/** The values of attributes as HR says them. */
import type { PersonFacts } from '../schemas/facts.ts';
import type { ProfileValues } from '../schemas/owned-attribute.ts';

/**
 * Every attribute that the facts know a value for; what is absent or empty is left out. `login` is the work e-mail.
 * `managerAccountId` is the manager's account at the system that is asked about, null where there is none.
 */
export function profileFromFacts(
  facts: Pick<PersonFacts, 'displayName' | 'givenName' | 'familyName' | 'title' | 'department' | 'workEmail'>,
  managerAccountId: string | null,
): ProfileValues {
  const { displayName, givenName, familyName, title, department, workEmail } = facts;
  const values = {
    displayName,
    givenName,
    familyName,
    title,
    department,
    email: workEmail,
    login: workEmail,
    manager: managerAccountId,
  };
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== null && value !== ''),
  ) as ProfileValues;
}
