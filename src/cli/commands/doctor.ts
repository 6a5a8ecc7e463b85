/** `doctor`: what is wrong, and for each thing what mends it. */
import type { Command } from 'commander';
import { DoctorArea, type DoctorFinding } from '../../schemas/api-doctor.ts';
import { createApiClient } from '../api-client.ts';
import { Diagnosis } from '../api-shapes.ts';
import { isJson, type CliContext } from '../command-context.ts';
import { findCredentials, type CredentialOptions, type Credentials } from '../credentials.ts';
import { diagnoseFolder, diagnosePorts, diagnoseRuntime, diagnoseServer } from '../doctor-local.ts';
import { CliError, exitCodes } from '../exit-code.ts';
import { createProgress } from '../progress.ts';

export function doctorCommands(program: Command, context: CliContext): void {
  program
    .command('doctor')
    .description('Look at everything that Usher needs, and say what is wrong and what mends it')
    .action(async (_options: object, command: Command) => {
      const progress = createProgress(context, command);
      progress.step('doctor', 'looking at this machine, the server and what it needs');
      const findings = await diagnose(context, command.optsWithGlobals<CredentialOptions>()).finally(() =>
        progress.end(),
      );
      const isWell = findings.every(({ level }) => level !== 'error');
      if (!isWell) context.setExitCode(exitCodes.negative);
      if (isJson(command)) return context.out.json({ isWell, findings });
      report(findings, context);
    });
}

async function diagnose(context: CliContext, options: CredentialOptions): Promise<DoctorFinding[]> {
  const { env } = context;
  const here = [diagnoseRuntime(), ...diagnoseFolder(env)];
  const credentials = credentialsOf(env, options);
  const [ports, server] = await Promise.all([
    diagnosePorts(env),
    'url' in credentials ? askServer(credentials) : [credentials],
  ]);
  const order = DoctorArea.options;
  return [...here, ...ports, ...server].toSorted((a, b) => order.indexOf(a.area) - order.indexOf(b.area));
}

function credentialsOf(env: NodeJS.ProcessEnv, options: CredentialOptions): Credentials | DoctorFinding {
  try {
    return findCredentials(env, options);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const fix = error.help ?? 'Give --profile NAME, or --token-file FILE with --server URL.';
    return { area: 'server', level: 'error', text: error.message, fix };
  }
}

async function askServer(credentials: Credentials): Promise<DoctorFinding[]> {
  const { isUp, findings } = await diagnoseServer(credentials.url);
  if (!isUp) return findings;
  try {
    const diagnosis = await createApiClient(credentials).get('/api/v1/doctor', Diagnosis);
    return [...findings, ...diagnosis.findings];
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const text = `The server did not say how it is: ${error.message}`;
    return [...findings, { area: 'server', level: 'error', text, fix: error.help }];
  }
}

const words = { ok: 'ok', warning: 'warning', error: 'ERROR' } as const;

function report(findings: readonly DoctorFinding[], { out }: CliContext): void {
  const width = Math.max(...findings.map(({ area }) => area.length));
  for (const { area, level, text, fix } of findings) {
    out.line(`${words[level].padEnd(8)}${area.padEnd(width + 2)}${text}`);
    if (fix !== null) out.line(`${' '.repeat(10 + width)}fix: ${fix}`);
  }
  const count = (level: DoctorFinding['level']): number => findings.filter((finding) => finding.level === level).length;
  const [errors, warnings] = [count('error'), count('warning')];
  out.line('');
  if (errors + warnings === 0) return out.line('Everything is well.');
  out.line(
    [errors > 0 ? `${errors} to mend` : '', warnings > 0 ? `${warnings} to look at` : ''].filter(Boolean).join(', ') +
      '.',
  );
}
