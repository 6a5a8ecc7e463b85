/**
 * `npm run hr -- …`: acts on the sandbox HRIS as HR would, and on nothing else. Reads where the sandbox listens from
 * `$USHER_DATA_DIR/sandbox/addresses.json`.
 */
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { type Employee, Employee as EmployeeSchema } from './bamboohr-state.ts';
import { readJsonFile } from './json-file.ts';
import { Addresses } from './run-company.ts';

/** Something to say to the person at the keyboard, without a stack trace. */
class Complaint extends Error {}

interface JobOptions {
  title?: string;
  department?: string;
  division?: string;
  location?: string;
  manager?: string;
  type?: string;
}

const EmployeeList = z.object({ employees: z.array(EmployeeSchema) });
const Refusal = z.object({ error: z.string() });
const employmentTypes: Record<string, string> = { employee: 'Full-Time', contractor: 'Contractor' };

async function call<T>(method: 'GET' | 'POST', path: string, schema: z.ZodType<T>, body?: object): Promise<T> {
  const folder = resolve(process.env['USHER_DATA_DIR'] ?? 'data', 'sandbox');
  const addresses = Addresses.safeParse(await readJsonFile(join(folder, 'addresses.json')));
  const notRunning = 'The sandbox company is not running. Start it with: npm start';
  if (!addresses.success) throw new Complaint(notRunning);
  const request = body === undefined ? {} : { body: JSON.stringify(body) };
  let response: Response;
  try {
    response = await fetch(`${addresses.data.systems.bamboohr}/_sandbox/hr/${path}`, { method, ...request });
  } catch {
    throw new Complaint(notRunning);
  }
  const answer: unknown = await response.json().catch(() => null);
  if (!response.ok) throw new Complaint(Refusal.safeParse(answer).data?.error ?? `HR refused (${response.status}).`);
  return schema.parse(answer);
}

async function listEmployees(): Promise<Employee[]> {
  return (await call('GET', 'employees', EmployeeList)).employees;
}

/** By id, address or full name; else by a part of the name where that is clear. */
async function findEmployee(text: string): Promise<Employee> {
  const wanted = text.trim().toLowerCase();
  const all = await listEmployees();
  const exact = all.filter((employee) =>
    [employee.id, employee.workEmail, nameOf(employee)].some((key) => key?.toLowerCase() === wanted),
  );
  const found = exact.length > 0 ? exact : all.filter((employee) => nameOf(employee).toLowerCase().includes(wanted));
  const [only] = found;
  if (only === undefined) throw new Complaint(`HR knows nobody called ${text}.`);
  if (found.length === 1) return only;
  const candidates = found.map(
    (employee) => `  ${employee.id}  ${nameOf(employee)}, ${employee.jobTitle ?? 'no title'}`,
  );
  throw new Complaint(`More than one person fits; say which by the number:\n${candidates.join('\n')}`);
}

function nameOf(employee: Employee): string {
  return `${employee.firstName} ${employee.lastName}`;
}

/** Only the options that were given, by the HRIS's names. */
async function toFields(options: JobOptions): Promise<Record<string, string>> {
  const manager = options.manager === undefined ? undefined : (await findEmployee(options.manager)).id;
  const fields = {
    jobTitle: options.title,
    department: options.department,
    division: options.division,
    location: options.location,
    supervisorEId: manager,
    employmentHistoryStatus: options.type === undefined ? undefined : employmentTypes[options.type],
  };
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function parseDate(text: string): string {
  const dayMs = 86_400_000;
  const offset = { today: 0, tomorrow: dayMs, yesterday: -dayMs }[text];
  if (offset !== undefined) return new Date(Date.now() + offset).toISOString().slice(0, 10);
  if (!z.iso.date().safeParse(text).success) throw new InvalidArgumentError('Expected YYYY-MM-DD, today or tomorrow.');
  return text;
}

function parseType(text: string): string {
  if (!Object.hasOwn(employmentTypes, text)) throw new InvalidArgumentError('Expected employee or contractor.');
  return text;
}

async function hire(name: string, options: JobOptions & { date?: string }): Promise<string> {
  const [firstName = '', ...rest] = name.trim().split(/\s+/);
  if (rest.length === 0) throw new Complaint('Give first and last name, in quotes: "Ada Byron".');
  const job = { jobTitle: null, department: null, location: null, ...(await toFields(options)) };
  const start = options.date === undefined ? {} : { hireDate: options.date };
  const hired = await call('POST', 'hire', EmployeeSchema, { firstName, lastName: rest.join(' '), ...job, ...start });
  return `Hired ${nameOf(hired)} as number ${hired.id}; first day ${hired.hireDate}.`;
}

async function leave(name: string, { date }: { date?: string }): Promise<string> {
  const { id } = await findEmployee(name);
  const left = await call('POST', 'terminate', EmployeeSchema, { id, ...(date === undefined ? {} : { date }) });
  const when = left.isInactive ? 'ends now' : `works until the end of ${left.terminationDate ?? 'the day'}`;
  return `${nameOf(left)} (${id}) ${when}.`;
}

async function rescind(name: string, { hire: isHire }: { hire?: boolean }): Promise<string> {
  const { id } = await findEmployee(name);
  const back = await call('POST', 'rescind', EmployeeSchema, { id, ...(isHire === true ? { what: 'hire' } : {}) });
  return back.isInactive ? `${nameOf(back)} (${id}) does not start.` : `${nameOf(back)} (${id}) stays.`;
}

async function change(name: string, { date, ...options }: JobOptions & { date?: string }): Promise<string> {
  const fields = await toFields(options);
  if (Object.keys(fields).length === 0)
    throw new Complaint('Nothing to change: give --title, --department or another option.');
  const { id } = await findEmployee(name);
  const when = date === undefined ? {} : { effectiveDate: date };
  const changed = await call('POST', 'set', EmployeeSchema, { id, fields, ...when });
  return `Changed ${nameOf(changed)} (${id})${date === undefined ? '' : `, from ${date}`}: ${Object.keys(fields).join(', ')}.`;
}

async function list(): Promise<string> {
  const lines = (await listEmployees()).map((employee) =>
    [employee.id.padStart(5), nameOf(employee), employee.jobTitle ?? '', employee.isInactive ? 'left' : '']
      .filter((part) => part !== '')
      .join('  '),
  );
  return lines.join('\n');
}

function withJobOptions(command: Command): Command {
  return command
    .option('--title <title>', 'job title')
    .option('--department <name>', 'department')
    .option('--division <name>', 'division')
    .option('--location <name>', 'place of work, such as Berlin')
    .option('--manager <name>', 'name or number of the manager')
    .option('--type <type>', 'employee or contractor', parseType);
}

const print = (text: string): void => console.log(text);
const program = new Command('hr')
  .description('Does in the sandbox HRIS what HR does. Usher hears of it by webhook or by its next poll.')
  .showHelpAfterError('(run with --help for what it takes)');
withJobOptions(program.command('hire <name>').description('a new person; "First Last" in quotes'))
  .option('--date <date>', 'first day, YYYY-MM-DD (default: today)', parseDate)
  .action(async (name: string, options: JobOptions & { date?: string }) => print(await hire(name, options)));
program
  .command('leave <name>')
  .description('ends the employment: at once, or after the last day')
  .option('--date <date>', 'last day of work, YYYY-MM-DD (default: now)', parseDate)
  .action(async (name: string, options: { date?: string }) => print(await leave(name, options)));
program
  .command('rescind <name>')
  .description('takes a termination back; where there is none, the hire')
  .option('--hire', 'the hire: the person does not start')
  .action(async (name: string, options: { hire?: boolean }) => print(await rescind(name, options)));
withJobOptions(program.command('change <name>').description('another title, department, manager and so on'))
  .option('--date <date>', 'from this day on, YYYY-MM-DD (default: now)', parseDate)
  .action(async (name: string, options: JobOptions & { date?: string }) => print(await change(name, options)));
program
  .command('list')
  .description('everybody whom HR knows')
  .action(async () => print(await list()));

program.parseAsync().catch((error: unknown) => {
  const message = error instanceof Complaint ? error.message : 'Something unexpected came back from the sandbox HRIS.';
  console.error(message);
  process.exitCode = 1;
});
