/**
 * The people of the sandbox company, Juniper Lane: who they are before Usher's first morning. Their addresses end in
 * `.example`, so that no mail can reach anybody.
 */
import { mailDomain } from './bamboohr-hr.ts';
import type { Employee } from './bamboohr-state.ts';

type Row = [
  id: string,
  firstName: string,
  lastName: string,
  jobTitle: string,
  department: string,
  location: string,
  managerId: string | null,
];

/** Id, name, title, department, location, manager. Three zones in four places. */
const rows: Row[] = [
  ['101', 'Amara', 'Okafor', 'Chief Executive Officer', 'Executive', 'London', null],
  ['102', 'Henrik', 'Lindqvist', 'Chief Technology Officer', 'Executive', 'Berlin', '101'],
  ['103', 'Priya', 'Raman', 'Engineering Manager', 'Engineering', 'Berlin', '102'],
  ['104', 'Tomás', 'Herrera', 'Site Reliability Lead', 'Engineering', 'London', '102'],
  ['105', 'Grace', 'Mbeki', 'Sales Director', 'Sales', 'New York', '101'],
  ['106', 'Daniel', 'Kowalski', 'Head of Customer Support', 'Customer Support', 'New York', '101'],
  ['107', 'Ingrid', 'Solberg', 'Finance Director', 'Finance', 'London', '101'],
  ['108', 'Mei', 'Tanaka', 'Head of People', 'People', 'Sydney', '101'],
  ['109', 'Rashid', 'Haddad', 'Head of IT', 'IT', 'London', '102'],
  ['110', 'Nadia', 'Petrova', 'Head of Security', 'Security', 'Berlin', '102'],
  ['111', 'Jonas', 'Weber', 'Security Engineer', 'Security', 'Berlin', '110'],
  ['112', 'Aisha', 'Bello', 'Security Analyst', 'Security', 'New York', '110'],
  ['113', 'Lucas', 'Moreau', 'Head of Product', 'Product', 'Berlin', '101'],
  ['114', 'Elif', 'Demir', 'Software Engineer', 'Engineering', 'Berlin', '103'],
  ['115', 'Pavel', 'Novák', 'Software Engineer', 'Engineering', 'Berlin', '103'],
  ['116', 'Olivia', 'Chen', 'Software Engineer', 'Engineering', 'Sydney', '103'],
  ['117', 'Samuel', 'Adeyemi', 'Senior Software Engineer', 'Engineering', 'London', '103'],
  ['118', 'Kieran', "O'Brien", 'Site Reliability Engineer', 'Engineering', 'London', '104'],
  ['119', 'Hana', 'Kim', 'Site Reliability Engineer', 'Engineering', 'Sydney', '104'],
  ['120', 'Marcus', 'Bell', 'Account Executive', 'Sales', 'New York', '105'],
  ['121', 'Sofia', 'Rossi', 'CRM Administrator', 'Sales', 'London', '105'],
  ['122', 'Victor', 'Lang', 'Account Executive', 'Sales', 'London', '105'],
  ['123', 'Fatima', 'Zahra', 'Support Agent', 'Customer Support', 'New York', '106'],
  ['124', 'Liam', 'Walker', 'Support Agent', 'Customer Support', 'Sydney', '106'],
  ['125', 'Chloe', 'Dubois', 'Financial Analyst', 'Finance', 'London', '107'],
  ['126', 'Robert', 'Hughes', 'Financial Controller', 'Finance', 'London', '107'],
  ['127', 'Isla', 'Fraser', 'People Partner', 'People', 'Sydney', '108'],
  ['128', 'Mateo', 'García', 'IT Administrator', 'IT', 'London', '109'],
  ['129', 'Nora', 'Schmidt', 'Product Manager', 'Product', 'Berlin', '113'],
  ['130', 'Andrei', 'Popescu', 'Software Engineer', 'Engineering', 'Berlin', '103'],
];

const contractorIds = new Set(['130']);
const divisions: Record<string, string> = { 'New York': 'Americas', Sydney: 'Asia-Pacific' };

function addressOf(firstName: string, lastName: string): string {
  const plain = (name: string): string =>
    name
      .normalize('NFD')
      .toLowerCase()
      .replace(/[^a-z]/g, '');
  return `${plain(firstName)}.${plain(lastName)}@${mailDomain}`;
}

/** The employees as the HRIS holds them; a few carry values that no provisioning has a use for. */
export const companyEmployees: Employee[] = rows.map(
  ([id, firstName, lastName, jobTitle, department, location, supervisorEId], position) => ({
    id,
    firstName,
    lastName,
    preferredName: null,
    workEmail: addressOf(firstName, lastName),
    jobTitle,
    department,
    division: divisions[location] ?? 'Europe',
    location,
    hireDate: `20${String(15 + (position % 10))}-0${String(1 + (position % 9))}-01`,
    employmentHistoryStatus: contractorIds.has(id) ? 'Contractor' : 'Full-Time',
    supervisorEId,
    dateOfBirth: `19${String(70 + (position % 25))}-06-1${String(position % 10)}`,
    payRate: `${String(52 + position)}000.00 EUR`,
    terminationDate: null,
    isInactive: false,
    pending: [],
  }),
);
