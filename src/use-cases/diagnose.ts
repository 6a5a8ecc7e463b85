/**
 * Looks at everything that the server needs and says what is wrong and what mends it. Each part is looked at on its own
 * and within a bounded time, so that one that is down hides no other. Texts hold ids and counts, never a name or a secret.
 */
import { allManifests, connectorById } from '../connectors/registry.ts';
import { checkPolicy } from '../policy/check.ts';
import { findingText } from '../policy/finding.ts';
import { policyHash } from '../policy/hash.ts';
import { knownConnectors } from '../policy/known-connector.ts';
import type { DoctorArea, DoctorFinding } from '../schemas/api-doctor.ts';
import { mailBacklog } from '../store/outgoing-mail.ts';
import { listSystems } from '../store/read-systems.ts';
import { diagnoseDatabase, diagnoseDelivery, diagnoseEvidence } from './diagnose-database.ts';
import type { ServerDeps } from './server-deps.ts';

const LOOK_TIMEOUT_MS = 8_000;
const RETENTION_DAYS_MIN = 90;

type Look = (deps: ServerDeps) => Promise<DoctorFinding[]>;

const looks: [DoctorArea, Look][] = [
  ['database', diagnoseDatabase],
  ['temporal', diagnoseTemporal],
  ['worker', diagnoseDelivery],
  ['systems', diagnoseSystems],
  ['policy', diagnosePolicy],
  ['mail', diagnoseMail],
  ['evidence', diagnoseEvidence],
];

/** Never rejects for what it finds. */
export async function diagnose(deps: ServerDeps): Promise<DoctorFinding[]> {
  const found = await Promise.all(
    looks.map(async ([area, look]) => {
      try {
        return await within(look(deps), LOOK_TIMEOUT_MS);
      } catch (error) {
        deps.log.warn({ area, err: error }, 'diagnosis failed');
        const text = `${area}: this could not be looked at.`;
        return [{ area, level: 'error' as const, text, fix: "Read the server's log; it names the cause." }];
      }
    }),
  );
  return found.flat();
}

async function within<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), timeoutMs);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

const ok = (area: DoctorArea, text: string): DoctorFinding => ({ area, level: 'ok', text, fix: null });

async function diagnoseTemporal({ temporal }: ServerDeps): Promise<DoctorFinding[]> {
  const area = 'temporal';
  if (!temporal?.inspect)
    return [
      { area, level: 'error', text: 'The server is not connected to Temporal.', fix: 'Set USHER_TEMPORAL_ADDRESS.' },
    ];
  const facts = await temporal.inspect().catch(() => null);
  if (facts === null) {
    const fix =
      'Start Temporal, or correct USHER_TEMPORAL_ADDRESS and USHER_TEMPORAL_NAMESPACE. Cases go on by themselves.';
    return [{ area, level: 'error', text: `Temporal does not answer for namespace ${temporal.namespace}.`, fix }];
  }
  const { serverVersion, sdkVersion, retentionDays, missingAttributes, queuesWithoutWorker } = facts;
  const findings = [ok(area, `Temporal server ${serverVersion}, SDK ${sdkVersion}, namespace ${temporal.namespace}.`)];
  const bootstrap = 'Run node scripts/run.js scripts/prepare-namespace.ts, or start with npm start.';
  if (retentionDays < RETENTION_DAYS_MIN) {
    const text = `Closed histories are kept for ${retentionDays} days; Usher expects ${RETENTION_DAYS_MIN}.`;
    findings.push({ area, level: 'warning', text, fix: bootstrap });
  }
  if (missingAttributes.length > 0) {
    const text = `Search attributes are missing: ${missingAttributes.join(', ')}. No case can start.`;
    findings.push({ area, level: 'error', text, fix: bootstrap });
  }
  if (queuesWithoutWorker.length > 0) {
    const text = `No worker polls ${queuesWithoutWorker.join(', ')}.`;
    findings.push({ area: 'worker', level: 'error', text, fix: 'Start the worker; its log says why it ended.' });
  } else findings.push(ok('worker', 'A worker polls every task queue.'));
  return findings;
}

async function diagnoseSystems(deps: ServerDeps): Promise<DoctorFinding[]> {
  const area = 'systems';
  const active = await deps.policies.active();
  const systems = await listSystems(deps.db, active?.policy ?? null);
  const failing = systems.filter((system) => system.failingSince !== null);
  const findings = failing.map((system): DoctorFinding => {
    const text = `${system.systemId} has been failing since ${system.failingSince ?? ''} (${system.lastErrorCode ?? 'unknown'}).`;
    return { area, level: 'error', text, fix: `usher systems check ${system.systemId}` };
  });
  for (const system of systems.filter(
    ({ failingSince, openIncidents }) => failingSince === null && openIncidents > 0,
  )) {
    const text = `${system.systemId} has ${system.openIncidents} open ${system.openIncidents === 1 ? 'incident' : 'incidents'}.`;
    findings.push({ area, level: 'warning', text, fix: 'usher cases shows what waits; usher retry tries again.' });
  }
  if (findings.length === 0 && systems.length > 0)
    findings.push(ok(area, `${systems.length} systems, none is failing.`));
  return findings;
}

async function diagnosePolicy(deps: ServerDeps): Promise<DoctorFinding[]> {
  const area = 'policy';
  const active = await deps.policies.active();
  const findings: DoctorFinding[] = [];
  if (active) findings.push(ok(area, `Version ${active.policyHash.slice(0, 12)} is active.`));
  else findings.push({ area, level: 'error', text: 'No policy is active.', fix: 'usher policy activate' });
  const known = knownConnectors(allManifests().flatMap(({ id }) => connectorById(id) ?? []));
  const checked = await checkPolicy(deps.policyDir, known).catch(() => null);
  if (checked === null) {
    const text = "The server's policy folder cannot be read.";
    findings.push({ area, level: 'warning', text, fix: 'Correct USHER_POLICY_DIR of the server.' });
  } else if (checked.policy === null) {
    const [first] = checked.findings;
    const text = `The policy folder has ${checked.findings.length} findings${first ? `, the first: ${findingText(first)}` : ''}.`;
    findings.push({ area, level: 'warning', text, fix: 'usher policy check FOLDER lists all of them.' });
  } else if (active && policyHash(checked.policy) !== active.policyHash) {
    const text = 'The policy folder differs from the active version.';
    findings.push({ area, level: 'warning', text, fix: 'usher policy activate makes it the active one.' });
  }
  return findings;
}

async function diagnoseMail(deps: ServerDeps): Promise<DoctorFinding[]> {
  const area = 'mail';
  const { waiting, failingSince, lastErrorCode } = await mailBacklog(deps.db);
  const isReached = await (deps.notifier.check?.() ?? Promise.resolve()).then(
    () => true,
    () => false,
  );
  const kept = waiting === 0 ? 'Nothing waits.' : `${waiting} ${waiting === 1 ? 'mail waits' : 'mails wait'}, kept.`;
  if (!isReached)
    return [
      {
        area,
        level: 'error',
        text: `The mail server does not answer. ${kept}`,
        fix: 'Start it, or correct USHER_SMTP_URL.',
      },
    ];
  if (failingSince !== null) {
    const text = `Mail has been failing since ${failingSince.toISOString()} (${lastErrorCode ?? 'unknown'}). ${kept}`;
    const fix =
      lastErrorCode === 'noAddress'
        ? 'Give every approver a work e-mail in the HR system.'
        : 'The mail server refuses it: look into its log.';
    return [{ area, level: 'warning', text, fix }];
  }
  return [ok(area, `The mail server answers. ${kept}`)];
}
