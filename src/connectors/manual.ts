/**
 * A system without an interface: people carry out its changes, by tasks in ServiceNow. Each change is one task; it waits
 * until the task is closed, and counts when the owner of the system confirmed it. The tasks are the only record that the
 * system has: reads answer from them, and tell as there what may be there.
 */
import { z } from 'zod';
import {
  type AccountProfile,
  type AccountView,
  type CallContext,
  type ConnectorRuntime,
  type CorrelationKeys,
  defineConnector,
  type EnsureAccountResult,
  type ManualChange,
  type OwnersWord,
  type TargetConnector,
  type WriteResult,
} from './kit/contract.ts';
import { ConnectorError, type ConnectorErrorCode } from './kit/errors.ts';
import { noReceipt, uniqueAccount } from './kit/target-steps.ts';
import { ensureTask, type TaskRules } from './manual/ensure-task.ts';
import { createServicenowTasks } from './manual/servicenow-tasks.ts';
import { loginSubject, mayHave, operationMark, rightId, rightsOf, rightSubject, type Task } from './manual/task-log.ts';
import { personBlock, personBlockOf, taskText, userNameIn } from './manual/task-texts.ts';

export const ManualConfig = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .describe('Address of the ServiceNow instance, such as https://example.service-now.com'),
  username: z.string().min(1).describe('User of Usher in ServiceNow'),
  password: z.string().min(1).describe('Password of that user'),
  table: z
    .enum(['sc_task', 'sc_req_item'])
    .default('sc_task')
    .describe('Catalogue tasks (sc_task) or request items (sc_req_item)'),
  assignmentGroup: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .optional()
    .describe('sys_id of the group that carries out the tasks; without it your assignment rules decide'),
  doneStates: z
    .array(z.string().min(1))
    .min(1)
    .default(['3'])
    .describe('States that mean "done"; any other closed state means "not done"'),
  withdrawnState: z.string().min(1).default('7').describe('State in which Usher closes a task that is wanted no more'),
  recheckSeconds: z.int().min(1).max(86_400).default(3600).describe('How often Usher looks whether a task is closed'),
  entitlements: z
    .array(
      z.strictObject({
        id: z.string().regex(rightId, 'expected at most 40 letters, digits, dots, dashes, underscores'),
        displayName: z.string().min(1).max(100),
      }),
    )
    .min(1)
    .describe('What can be given on the system, since it cannot be asked: the ids that policy names as vendorId'),
});
export type ManualConfig = z.infer<typeof ManualConfig>;

export const manual = defineConnector<'target', ManualConfig>({
  manifest: {
    id: 'manual',
    displayName: 'Manual fulfilment (ServiceNow tasks)',
    kind: 'target',
    capabilities: {
      suspend: 'reversible',
      sessionRevocation: 'none',
      residualSessionSeconds: 0,
      entitlements: true,
      listHidesDisabled: false,
      pageMax: 100,
      profileUpdates: [],
      usage: 'none',
      workEmailWriteBack: false,
    },
    consistency: { reads: 1, delayMs: 0, windowMs: 0 },
    ratePolicy: { callsPerMinute: 120 },
    scopes: ['create, read and write the table sc_task (or sc_req_item), closed tasks included'],
    provedOn: ['vendorDescription'],
  },
  configSchema: ManualConfig,
  secretFields: ['password'],
  create: createManual,
});

/** Usher's own id of the person names the account: the system has no other that could be known. */
const accountId = z.uuid();

interface Hand {
  rules: TaskRules;
  config: ManualConfig;
  fail: (code: ConnectorErrorCode, operation: string, message: string) => ConnectorError;
}

function createManual(runtime: ConnectorRuntime<ManualConfig>): TargetConnector {
  const { config, systemId } = runtime;
  const desk = createServicenowTasks(runtime, config);
  const rules: TaskRules = { systemId, desk, recheckMs: config.recheckSeconds * 1000 };
  const fail: Hand['fail'] = (code, operation, message) => new ConnectorError(code, message, { systemId, operation });
  const hand: Hand = { rules, config, fail };
  const unsupported = (operation: string): Promise<never> =>
    Promise.reject(fail('unsupported', operation, 'people work by hand on this system'));
  return {
    check: (ctx) => desk.check(ctx),
    findAccount: (keys, ctx) => findAccount(hand, keys, ctx),
    async getAccount(id, ctx) {
      const tasks = await read(hand, 'getAccount', id, ctx);
      return tasks === null ? null : toView(id, tasks);
    },
    ensureAccount: (keys, profile, ctx) => ensureAccount(rules, keys, profile, ctx),
    setLogin: (id, state, ctx) => setLogin(hand, id, state, ctx),
    revokeSessions: () => unsupported('revokeSessions'),
    async listAccountEntitlements(id, ctx) {
      return rightsOf(await known(hand, 'listAccountEntitlements', id, ctx));
    },
    ensureEntitlement: (id, right, state, ctx) => ensureEntitlement(hand, id, right, state, ctx),
    listEntitlements: () =>
      Promise.resolve({
        items: config.entitlements.map(({ id, displayName }) => ({ vendorEntitlementId: id, displayName })),
        nextCursor: null,
      }),
    readProfile: () => unsupported('readProfile'),
    updateProfile: () => unsupported('updateProfile'),
    profileAsStored: (values) => values,
    async listAccounts(_cursor, ctx) {
      const all = await desk.allTasks('listAccounts', ctx);
      return { items: [...all].map(([id, tasks]) => toView(id, tasks)), nextCursor: null };
    },
    async settleTasks(id, change, word, ctx) {
      for (const task of await known(hand, 'settleTasks', id, ctx))
        if (task.state === 'claimed' && isOf(task, change, word)) await desk.mark(task, word, ctx);
    },
  };
}

/** Null for an account that nobody ever asked for. */
async function read({ rules }: Hand, operation: string, id: string, ctx: CallContext): Promise<Task[] | null> {
  if (!accountId.safeParse(id).success) return null;
  const tasks = await rules.desk.tasksOf(operation, id, ctx);
  return tasks.length === 0 ? null : tasks;
}

async function known(hand: Hand, operation: string, id: string, ctx: CallContext): Promise<Task[]> {
  const tasks = await read(hand, operation, id, ctx);
  if (tasks === null) throw hand.fail('notFound', operation, 'nobody ever asked for this account');
  return tasks;
}

async function findAccount(hand: Hand, keys: CorrelationKeys, ctx: CallContext) {
  const views: AccountView[] = [];
  for (const id of new Set([keys.accountId ?? keys.personId, keys.personId])) {
    const tasks = await read(hand, 'findAccount', id, ctx);
    if (tasks !== null) views.push(toView(id, tasks));
  }
  return uniqueAccount(views);
}

async function setLogin(hand: Hand, id: string, state: 'enabled' | 'disabled', ctx: CallContext): Promise<WriteResult> {
  const { rules } = hand;
  const { systemId } = rules;
  const tasks = await known(hand, 'setLogin', id, ctx);
  const isCut = state === 'disabled';
  if (isCut && !mayHave(tasks, loginSubject)) return { outcome: 'unchanged', receipt: noReceipt };
  const block = blockOf(id, tasks);
  const what = isCut
    ? 'Disable the login of this person NOW and end all sessions: the person must not be able to get in any more.'
    : 'Let this person log in again with the account that is there.';
  const { outcome, receipt } = await ensureTask(
    rules,
    tasks,
    {
      operationName: 'setLogin',
      accountId: id,
      subject: loginSubject,
      wanted: state,
      shortDescription: `${systemId}: ${isCut ? 'URGENT: disable the login of' : 'enable the login of'} ${nameIn(block, id)}`,
      description: taskText(what, systemId, block),
      urgency: isCut ? 1 : 2,
    },
    ctx,
  );
  return { outcome, receipt };
}

async function ensureEntitlement(
  hand: Hand,
  id: string,
  vendorEntitlementId: string,
  state: 'present' | 'absent',
  ctx: CallContext,
): Promise<WriteResult> {
  const { rules, config, fail } = hand;
  const { systemId } = rules;
  const tasks = await known(hand, 'ensureEntitlement', id, ctx);
  const right = config.entitlements.find((each) => each.id === vendorEntitlementId);
  const subject = rightSubject(vendorEntitlementId);
  const isGiving = state === 'present';
  if (!isGiving && !mayHave(tasks, subject)) return { outcome: 'unchanged', receipt: noReceipt };
  if (isGiving && right === undefined)
    throw fail('notFound', 'ensureEntitlement', 'the configuration does not name this entitlement');
  const block = blockOf(id, tasks);
  const label = right?.displayName ?? vendorEntitlementId;
  const { outcome, receipt } = await ensureTask(
    rules,
    tasks,
    {
      operationName: 'ensureEntitlement',
      accountId: id,
      subject,
      wanted: state,
      shortDescription: `${systemId}: ${isGiving ? 'give' : 'take'} "${label}" ${isGiving ? 'to' : 'from'} ${nameIn(block, id)}`,
      description: taskText(
        `${isGiving ? 'Give to' : 'Take from'} this person: ${label} (${vendorEntitlementId}).`,
        systemId,
        block,
      ),
      urgency: isGiving ? 3 : 2,
    },
    ctx,
  );
  return { outcome, receipt };
}

/**
 * The change itself, also where an earlier operation's task was found done already. A confirmed right needs an account that
 * works, so that its yes covers the account that was opened for it; its no does not.
 */
function isOf(
  { operation, subject }: Task,
  { operationKey, vendorEntitlementId }: ManualChange,
  word: OwnersWord,
): boolean {
  const about = vendorEntitlementId === null ? loginSubject : rightSubject(vendorEntitlementId);
  return subject === about || (word === 'confirmed' && operation === operationMark(operationKey));
}

async function ensureAccount(
  rules: TaskRules,
  { personId }: CorrelationKeys,
  profile: AccountProfile,
  ctx: CallContext,
): Promise<EnsureAccountResult> {
  const tasks = await rules.desk.tasksOf('ensureAccount', personId, ctx);
  const isBack = tasks.some(({ subject }) => subject === loginSubject);
  const block = personBlock(personId, profile);
  const what = isBack
    ? 'Let this person log in with the account that is there; open one if there is none any more.'
    : 'Open an account with which this person can log in. If the person has one already, keep it.';
  const { outcome, receipt } = await ensureTask(
    rules,
    tasks,
    {
      operationName: 'ensureAccount',
      accountId: personId,
      subject: loginSubject,
      wanted: 'enabled',
      shortDescription: `${rules.systemId}: account for ${nameIn(block, personId)}`,
      description: taskText(what, rules.systemId, block),
      urgency: 3,
    },
    ctx,
  );
  const isFirst = tasks.filter(({ subject }) => subject === loginSubject).length === 1;
  return { outcome: outcome === 'changed' && isFirst ? 'created' : outcome, account: toView(personId, tasks), receipt };
}

const blockOf = (id: string, tasks: readonly Task[]): string =>
  personBlockOf(
    id,
    tasks.map(({ description }) => description),
  );

function nameIn(block: string, id: string): string {
  return /^Name: (.+)$/mu.exec(block)?.[1] ?? id;
}

function toView(id: string, tasks: readonly Task[]): AccountView {
  const last = tasks.findLast(({ subject }) => subject === loginSubject);
  return {
    accountId: id,
    userName: userNameIn(blockOf(id, tasks)) ?? id,
    correlationKey: id,
    vendorStatus: last === undefined ? 'unknown' : `${last.wanted}, ${last.state}`,
    canLogIn: mayHave(tasks, loginSubject),
  };
}
