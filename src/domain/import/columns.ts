/**
 * Which column of an HR export is which fact: known header names of the usual HR systems, and the columns that Usher
 * does not read although they are there, each with the reason. What is not named here is never read.
 */

/** Facts that a file can hold; `birthDate` is compared in memory only, to find one person under two ids. */
export const importFields = [
  'sourceKey',
  'givenName',
  'familyName',
  'displayName',
  'workEmail',
  'title',
  'department',
  'division',
  'location',
  'employmentType',
  'managerKey',
  'startDate',
  'endDate',
  'status',
  'terminated',
  'birthDate',
] as const;
export type ImportField = (typeof importFields)[number];

/** Header names without case, spaces and signs; the first of a list that is in the file wins. */
const knownHeaders: Readonly<Record<ImportField, readonly string[]>> = {
  sourceKey: [
    'workerid',
    'employeeid',
    'employeenumber',
    'employeeno',
    'empid',
    'personnelnumber',
    'personnelno',
    'staffid',
    'personid',
    'eid',
    'uuid',
    'id',
  ],
  givenName: ['givenname', 'firstname', 'forename', 'legalfirstname'],
  familyName: ['familyname', 'lastname', 'surname', 'legallastname'],
  displayName: ['displayname', 'fullname', 'name', 'preferredname', 'employeename', 'workername'],
  workEmail: ['workemail', 'emailwork', 'businessemail', 'companyemail', 'primaryworkemail', 'email', 'accountemail'],
  title: ['jobtitle', 'businesstitle', 'title', 'position', 'jobposition', 'jobstitle'],
  department: [
    'department',
    'departmentname',
    'jobdepartmentname',
    'dept',
    'supervisoryorganization',
    'costcentername',
  ],
  division: ['division', 'businessunit', 'subfunction'],
  location: ['location', 'worklocation', 'office', 'joboffice', 'site', 'officelocation'],
  employmentType: [
    'employmenttype',
    'workertype',
    'employeetype',
    'contracttype',
    'workercategory',
    'jobemploymenttype',
    'employmenthistorystatus',
    'currentemploymentstatus',
    'type',
  ],
  managerKey: [
    'managerid',
    'manageruuid',
    'manageremployeeid',
    'manageremployeenumber',
    'managernumber',
    'supervisoreid',
    'supervisorid',
    'supervisoremployeeid',
    'reportstoid',
    'linemanagerid',
  ],
  startDate: ['startdate', 'hiredate', 'joindate', 'joiningdate', 'dateofjoining', 'originalhiredate', 'jobshiredate'],
  endDate: ['enddate', 'terminationdate', 'lastworkingday', 'lastdayofwork', 'lastday', 'contractenddate', 'leavedate'],
  status: ['workerstatus', 'employeestatus', 'employmentstatus', 'status'],
  terminated: ['terminated', 'isterminated'],
  birthDate: ['birthdate', 'dateofbirth', 'birthday', 'dob'],
};

interface Forbidden {
  reason: string;
  matches: RegExp;
}

/** Looked through in their order; header names without case, spaces and signs. */
const forbidden: readonly Forbidden[] = [
  {
    matches: /birth|^dob$|^age$/,
    reason: 'a birth date decides no access; it is compared while the file is read and stored nowhere',
  },
  { matches: /gender|pronoun|^sex$|salutation/, reason: 'gender decides no access and is specially protected' },
  {
    matches: /salary|wage|compensation|payrate|hourlyrate|^rate$|^pay|bonus|iban|bankaccount|^bank|garnish|stock/,
    reason: 'pay and bank details decide no access and harm people when they leak',
  },
  {
    matches: /ssn|socialsecurity|socialinsurance|nationalid|nationalinsurance|taxid|taxnumber|passport|^nin$|idcard/,
    reason: 'a national or tax number decides no access and allows identity theft',
  },
  {
    matches: /marital|religio|ethnic|^race|national(ity)?$|citizenship|disab|veteran|health|medical|union|political/,
    reason: 'specially protected by law; no rule of access may rest on it',
  },
  {
    matches: /onleave|absence|sick|vacation|timeoff/,
    reason: 'absences tell about health and family; Usher has no rule that needs them',
  },
  {
    matches: /^(?!location|office|work).*(street|address|zip|postal|postcode)|^city$|^country(code)?$|^state$|^county$/,
    reason: 'a home address decides no access',
  },
  {
    matches: /(home|mobile|personal|private|emergency).*|relationship|nextofkin|spouse/,
    reason: 'private contact details decide no access',
  },
  { matches: /password|secret|^pin$/, reason: 'a secret has no place in a list of people' },
];

/** A header as it is compared: `Worker ID`, `worker_id` and `WorkerID` are one. */
export function foldHeader(header: string): string {
  return header.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
}

/** Why a column is not imported, or null where nothing speaks against it. */
export function whyForbidden(header: string): string | null {
  const folded = foldHeader(header);
  return forbidden.find(({ matches }) => matches.test(folded))?.reason ?? null;
}

/** Field to the name of its column. */
export type MappedColumns = Readonly<Partial<Record<ImportField, string | undefined>>>;

export interface ColumnPlan {
  /** Field to position in the header. */
  positions: Partial<Record<ImportField, number>>;
  read: { field: ImportField; column: string }[];
  notImported: { column: string; reason: string }[];
  /** Fields that the mapping asks for under a header that the file does not have, or must not give. */
  faults: { field: ImportField; column: string; reason: string }[];
}

/**
 * Which column is which. What the mapping names goes first, known header names fill the rest; a column is used once. A
 * mapping cannot make a forbidden column a fact.
 */
export function planColumns(header: readonly string[], mapped: MappedColumns): ColumnPlan {
  const plan: ColumnPlan = { positions: {}, read: [], notImported: [], faults: [] };
  const used = new Set<number>();
  const take = (field: ImportField, position: number): void => {
    used.add(position);
    plan.positions[field] = position;
    plan.read.push({ field, column: header[position] ?? '' });
  };
  for (const field of importFields) {
    const column = mapped[field];
    if (column === undefined) continue;
    const position = header.findIndex((name) => foldHeader(name) === foldHeader(column));
    const reason =
      position === -1 ? 'the file has no such column' : field === 'birthDate' ? null : whyForbidden(column);
    if (reason !== null) plan.faults.push({ field, column, reason });
    else take(field, position);
  }
  for (const field of importFields) {
    if (mapped[field] !== undefined) continue;
    const position = findKnown(header, field, used);
    if (position !== null) take(field, position);
  }
  for (const [position, column] of header.entries()) {
    const isCompared = plan.positions.birthDate === position;
    if (used.has(position) && !isCompared) continue;
    plan.notImported.push({ column, reason: whyForbidden(column) ?? 'no attribute of Usher is read from it' });
  }
  return plan;
}

function findKnown(header: readonly string[], field: ImportField, used: ReadonlySet<number>): number | null {
  for (const name of knownHeaders[field]) {
    const position = header.findIndex((column, index) => !used.has(index) && foldHeader(column) === name);
    if (position !== -1) return position;
  }
  return null;
}
