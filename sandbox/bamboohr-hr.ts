/**
 * What HR does in the sandbox HRIS: hire, change, end, take back. Each step is noted for the list of changes and sent
 * to the webhooks.
 */
import { z } from 'zod';
import {
  type BamboohrState,
  currentView,
  type Employee,
  EmployeeFields,
  FieldChanges,
  type HrEvent,
  promoteDue,
  recordChange,
  toDate,
} from './bamboohr-state.ts';
import type { Store } from './store.ts';

export const HireInput = z.strictObject({
  firstName: z.string().min(1),
  lastName: z.string().min(1),
  preferredName: z.string().nullable().default(null),
  /** Made from the name when absent; null leaves it empty. */
  workEmail: z.string().nullable().optional(),
  jobTitle: z.string().nullable(),
  department: z.string().nullable(),
  division: z.string().nullable().default(null),
  location: z.string().nullable(),
  /** Today when absent. */
  hireDate: z.iso.date().optional(),
  employmentHistoryStatus: z.string().min(1).default('Full-Time'),
  supervisorEId: z.string().nullable().default(null),
  dateOfBirth: z.string().nullable().default(null),
  payRate: z.string().nullable().default(null),
});
export type HireInput = z.input<typeof HireInput>;

export const SetFields = z.strictObject({
  id: z.string(),
  fields: FieldChanges,
  /** A later day: the change waits for it. */
  effectiveDate: z.iso.date().optional(),
});

export const Termination = z.strictObject({
  /** Last day of work; today when absent. */
  date: z.iso.date().optional(),
  /** Ends at once instead of after the last day. Default: when the date is not in the future. */
  isImmediate: z.boolean().optional(),
});
export type Termination = z.infer<typeof Termination>;

/** `hire` says that the person never starts: the record becomes inactive, with the first day as last day. */
export const Rescission = z.enum(['termination', 'hire']);
export type Rescission = z.infer<typeof Rescission>;

/** HR asked for something that the HRIS refuses; the message is for the person who asked. */
export class HrError extends Error {
  override readonly name = 'HrError';
}

export interface BamboohrHr {
  hire(input: HireInput): Employee;
  /** With an `effectiveDate` in the future the change waits, and its webhook too. */
  setFields(id: string, fields: FieldChanges, effectiveDate?: string): Employee;
  setField<Name extends keyof EmployeeFields>(id: string, name: Name, value: EmployeeFields[Name]): Employee;
  terminate(id: string, termination?: Termination): Employee;
  /** Without `what`: takes back the termination where there is one, else the hire. */
  rescind(id: string, what?: Rescission): Employee;
  /** The record is gone: its id answers 404 from now on. */
  delete(id: string): void;
  get(id: string): Employee;
  list(): Employee[];
  /** Employees whose id, work e-mail or name is this, without regard to case. */
  find(text: string): Employee[];
}

interface HrDeps {
  store: Store<BamboohrState>;
  now: () => Date;
  send: (event: HrEvent) => void;
}

export function createBamboohrHr(deps: HrDeps): BamboohrHr {
  const { store } = deps;
  const get = (id: string): Employee => {
    promoteDue(store, deps.now(), deps.send);
    const employee = store.data.employees[id];
    if (employee === undefined) throw new HrError(`There is no employee ${id}.`);
    return employee;
  };
  const list = (): Employee[] => Object.values(store.data.employees);
  const setFields = (id: string, fields: FieldChanges, effectiveDate?: string): Employee =>
    changeFields(deps, get(id), FieldChanges.parse(fields), effectiveDate);
  return {
    hire: (input) => hire(deps, HireInput.parse(input)),
    setFields,
    setField: (id, name, value) => setFields(id, { [name]: value }),
    terminate: (id, termination = {}) => terminate(deps, get(id), termination),
    rescind: (id, what) => rescind(deps, get(id), what),
    delete: (id) => {
      get(id);
      delete store.data.employees[id];
      recordChange(store, id, 'Deleted', deps.now());
      deps.send({ type: 'employee.deleted', employeeId: id, changedFields: [] });
    },
    get: (id) => structuredClone(get(id)),
    list: () => structuredClone(list()),
    find: (text) => structuredClone(list().filter((employee) => isCalled(employee, text.trim().toLowerCase()))),
  };
}

function isCalled(employee: Employee, text: string): boolean {
  const names = [
    employee.id,
    employee.workEmail,
    `${employee.firstName} ${employee.lastName}`,
    currentView(employee)['displayName'],
  ];
  return names.some((name) => name?.toLowerCase() === text);
}

/** The vendor creates first and fills in afterwards, so that two events arrive. */
function hire({ store, now, send }: HrDeps, input: z.output<typeof HireInput>): Employee {
  requireManager(store, input.supervisorEId);
  const id = String(store.data.nextId++);
  const employee: Employee = {
    ...input,
    id,
    workEmail: input.workEmail === undefined ? freeAddress(store, input) : input.workEmail,
    hireDate: input.hireDate ?? toDate(now()),
    terminationDate: null,
    isInactive: false,
    pending: [],
  };
  store.data.employees[id] = employee;
  recordChange(store, id, 'Inserted', now());
  send({ type: 'employee.created', employeeId: id, changedFields: [] });
  const filled = Object.entries(EmployeeFields.strip().parse(employee)).filter(([, value]) => value !== null);
  send({ type: 'employee.updated', employeeId: id, changedFields: filled.map(([name]) => name) });
  return structuredClone(employee);
}

function changeFields(
  { store, now, send }: HrDeps,
  employee: Employee,
  fields: FieldChanges,
  effectiveDate: string | undefined,
): Employee {
  if (fields.supervisorEId !== undefined) requireManager(store, fields.supervisorEId, employee.id);
  const waits = effectiveDate !== undefined && effectiveDate > toDate(now());
  if (waits) employee.pending.push({ date: effectiveDate, fields });
  else Object.assign(employee, fields);
  recordChange(store, employee.id, 'Updated', now());
  if (!waits) send({ type: 'employee.updated', employeeId: employee.id, changedFields: Object.keys(fields) });
  return structuredClone(employee);
}

function terminate({ store, now, send }: HrDeps, employee: Employee, termination: Termination): Employee {
  const today = toDate(now());
  const date = termination.date ?? today;
  if (date < employee.hireDate) throw new HrError('The last day of work is before the first.');
  employee.terminationDate = date;
  employee.isInactive = termination.isImmediate ?? date <= today;
  recordChange(store, employee.id, 'Updated', now());
  const changedFields = ['terminationDate', ...(employee.isInactive ? ['status', 'employmentHistoryStatus'] : [])];
  send({ type: 'employee.updated', employeeId: employee.id, changedFields });
  return structuredClone(employee);
}

function rescind({ store, now, send }: HrDeps, employee: Employee, what: Rescission | undefined): Employee {
  const kind = what ?? (employee.terminationDate === null ? 'hire' : 'termination');
  switch (kind) {
    case 'termination':
      if (employee.terminationDate === null) throw new HrError('There is no termination to take back.');
      employee.terminationDate = null;
      employee.isInactive = false;
      break;
    case 'hire':
      employee.terminationDate = employee.hireDate;
      employee.isInactive = true;
      break;
    default:
      return kind satisfies never;
  }
  recordChange(store, employee.id, 'Updated', now());
  const changedFields = ['terminationDate', 'status', 'employmentHistoryStatus'];
  send({ type: 'employee.updated', employeeId: employee.id, changedFields });
  return structuredClone(employee);
}

function requireManager(store: Store<BamboohrState>, managerId: string | null, ownId?: string): void {
  if (managerId === null) return;
  if (managerId === ownId) throw new HrError('Nobody is their own manager.');
  if (store.data.employees[managerId] === undefined) throw new HrError(`There is no employee ${managerId}.`);
}

/** Domain of the sandbox company's addresses; reserved for examples, so that no mail can leave. */
export const mailDomain = 'juniperlane.example';

function freeAddress(store: Store<BamboohrState>, input: { firstName: string; lastName: string }): string {
  const plain = (name: string): string =>
    name
      .normalize('NFD')
      .toLowerCase()
      .replace(/[^a-z0-9]/g, '');
  const local = [plain(input.firstName), plain(input.lastName)].filter((part) => part !== '').join('.') || 'person';
  const taken = new Set(Object.values(store.data.employees).map((employee) => employee.workEmail));
  for (let n = 1; ; n += 1) {
    const address = `${local.slice(0, 60)}${n === 1 ? '' : n}@${mailDomain}`;
    if (!taken.has(address)) return address;
  }
}
