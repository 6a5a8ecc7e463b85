/**
 * What the sandbox HRIS stores, and how an employee looks at a date: future-dated changes and departures stand in the
 * record and take effect by themselves.
 */
import { z } from 'zod';
import type { Store } from './store.ts';

/** Fields that HR may set. `dateOfBirth` and `payRate` are there so that a reader who takes too much gives itself away. */
export const EmployeeFields = z.strictObject({
  firstName: z.string().min(1),
  lastName: z.string().min(1),
  preferredName: z.string().nullable(),
  workEmail: z.string().nullable(),
  jobTitle: z.string().nullable(),
  department: z.string().nullable(),
  division: z.string().nullable(),
  location: z.string().nullable(),
  hireDate: z.iso.date(),
  /** Full-Time, Part-Time, Contractor and so on; reads as `Terminated` after the end. */
  employmentHistoryStatus: z.string().min(1),
  /** Id of the manager. */
  supervisorEId: z.string().nullable(),
  dateOfBirth: z.string().nullable(),
  payRate: z.string().nullable(),
});
export type EmployeeFields = z.infer<typeof EmployeeFields>;

/** Some of the fields, with their new values. */
export const FieldChanges = EmployeeFields.partial();
export type FieldChanges = z.infer<typeof FieldChanges>;

export const Employee = EmployeeFields.extend({
  id: z.string(),
  terminationDate: z.iso.date().nullable(),
  /** HR ended it at once, or the last day has passed. */
  isInactive: z.boolean(),
  /** Changes that take effect on a later day. */
  pending: z.array(z.strictObject({ date: z.iso.date(), fields: FieldChanges })),
});
export type Employee = z.infer<typeof Employee>;

export const Webhook = z.strictObject({
  id: z.string(),
  name: z.string(),
  url: z.string(),
  privateKey: z.string(),
  created: z.string(),
  lastSent: z.string().nullable(),
  events: z.array(z.string()),
  /** Null: every field. */
  monitorFields: z.array(z.string()).nullable(),
});
export type Webhook = z.infer<typeof Webhook>;

export const BamboohrState = z.strictObject({
  companyId: z.string(),
  nextId: z.number().int(),
  nextWebhookId: z.number().int(),
  employees: z.record(z.string(), Employee),
  changes: z.record(
    z.string(),
    z.strictObject({ action: z.enum(['Inserted', 'Updated', 'Deleted']), lastChanged: z.string() }),
  ),
  webhooks: z.array(Webhook),
});
export type BamboohrState = z.infer<typeof BamboohrState>;

export interface HrEvent {
  type: 'employee.created' | 'employee.updated' | 'employee.deleted';
  employeeId: string;
  changedFields: string[];
}

/** Seconds only, as the vendor writes it. */
export function toVendorInstant(at: Date): string {
  return `${at.toISOString().slice(0, 19)}Z`;
}

export function toDate(at: Date): string {
  return at.toISOString().slice(0, 10);
}

/** The record as the API shows it; `onlyCurrent` false shows what future-dated changes will make of it. */
export function currentView(employee: Employee, onlyCurrent = true): Record<string, string | null> {
  const { pending, isInactive, ...stored } = employee;
  const fields = onlyCurrent ? stored : Object.assign({}, stored, ...pending.map((change) => change.fields));
  const hasEnd = isInactive || (!onlyCurrent && stored.terminationDate !== null);
  return {
    ...fields,
    displayName: `${fields.preferredName ?? fields.firstName} ${fields.lastName}`,
    status: isInactive ? 'Inactive' : 'Active',
    employmentHistoryStatus: hasEnd ? 'Terminated' : fields.employmentHistoryStatus,
  };
}

/** Notes a change for `employees/changed`. */
export function recordChange(
  store: Store<BamboohrState>,
  id: string,
  action: 'Inserted' | 'Updated' | 'Deleted',
  at: Date,
): void {
  store.data.changes[id] = { action, lastChanged: toVendorInstant(at) };
  store.changed();
}

/** Lets changes and departures whose day has come take effect. The last day of work counts as worked. */
export function promoteDue(store: Store<BamboohrState>, at: Date, send: (event: HrEvent) => void): void {
  const today = toDate(at);
  for (const employee of Object.values(store.data.employees)) {
    const changedFields: string[] = [];
    const due = employee.pending.filter((change) => change.date <= today).sort((a, b) => (a.date < b.date ? -1 : 1));
    for (const change of due) {
      Object.assign(employee, change.fields);
      changedFields.push(...Object.keys(change.fields));
    }
    employee.pending = employee.pending.filter((change) => change.date > today);
    if (employee.terminationDate !== null && employee.terminationDate < today && !employee.isInactive) {
      employee.isInactive = true;
      changedFields.push('status', 'employmentHistoryStatus');
    }
    if (changedFields.length === 0) continue;
    recordChange(store, employee.id, 'Updated', at);
    send({ type: 'employee.updated', employeeId: employee.id, changedFields: [...new Set(changedFields)] });
  }
}
