/**
 * The first morning at the sandbox company, as data and as deed: six people start, one of them a contractor, two leave,
 * the wiki is down for a while and the CRM says yes without doing it.
 */
import { type BamboohrHr, HrError, type HireInput } from './bamboohr-hr.ts';
import type { FaultPlan, FaultRule } from './faults.ts';

/** Each takes another way through the policy; `expects` says which. */
export const morningJoiners: { expects: string; person: HireInput }[] = [
  {
    expects: 'approved by policy',
    person: {
      firstName: 'Lena',
      lastName: 'Fischer',
      jobTitle: 'Software Engineer',
      department: 'Engineering',
      division: 'Europe',
      location: 'Berlin',
      supervisorEId: '103',
    },
  },
  {
    expects: 'manager, for customer data',
    person: {
      firstName: 'Jamal',
      lastName: 'Carter',
      jobTitle: 'Account Executive',
      department: 'Sales',
      division: 'Americas',
      location: 'New York',
      supervisorEId: '105',
    },
  },
  {
    expects: 'security and owner, for production',
    person: {
      firstName: 'Yusuf',
      lastName: 'Aydin',
      jobTitle: 'Site Reliability Engineer',
      department: 'Engineering',
      division: 'Europe',
      location: 'London',
      supervisorEId: '104',
    },
  },
  {
    expects: 'manager, for a contractor',
    person: {
      firstName: 'Bea',
      lastName: 'Thompson',
      jobTitle: 'Software Engineer',
      department: 'Engineering',
      division: 'Asia-Pacific',
      location: 'Sydney',
      supervisorEId: '103',
      employmentHistoryStatus: 'Contractor',
    },
  },
  {
    expects: 'manager, for financial data',
    person: {
      firstName: 'Ruth',
      lastName: 'Osei',
      jobTitle: 'Financial Analyst',
      department: 'Finance',
      division: 'Europe',
      location: 'London',
      supervisorEId: '107',
    },
  },
  {
    expects: 'manager chooses, for no profile matches',
    person: {
      firstName: 'Caleb',
      lastName: 'Stone',
      jobTitle: 'Chief of Staff',
      department: 'Executive',
      division: 'Europe',
      location: 'London',
      supervisorEId: '101',
    },
  },
];

/** Pavel Novák is locked out of Okta, which refuses to suspend him; Victor Lang sells and is logged in everywhere. */
export const morningLeaverIds = ['115', '122'];

/** The CRM answers twice with a success that never was: at a group, and at an account. */
export const morningLies: FaultRule[] = [
  { kind: 'lie', method: 'PATCH', path: '/Groups/', times: 1 },
  { kind: 'lie', method: 'PATCH', path: '/Users/', times: 1 },
];

export const wikiOutageMs = 20_000;

export interface Morning {
  joiners: { id: string; name: string; expects: string }[];
  leavers: { id: string; name: string }[];
}

/** Plays the morning, faults first. Throws {@link HrError} when it was played before. */
export function runMorning(hr: BamboohrHr, faults: { wiki: FaultPlan; crm: FaultPlan }): Morning {
  const first = morningJoiners[0]?.person;
  if (first !== undefined && hr.find(`${first.firstName} ${first.lastName}`).length > 0) {
    throw new HrError('The first morning has been played already.');
  }
  faults.wiki.setDown('503', wikiOutageMs);
  for (const lie of morningLies) faults.crm.add(lie);
  const leavers = morningLeaverIds.map((id) => {
    const { firstName, lastName } = hr.terminate(id);
    return { id, name: `${firstName} ${lastName}` };
  });
  const joiners = morningJoiners.map(({ person, expects }) => {
    const { id, firstName, lastName } = hr.hire(person);
    return { id, name: `${firstName} ${lastName}`, expects };
  });
  return { joiners, leavers };
}
