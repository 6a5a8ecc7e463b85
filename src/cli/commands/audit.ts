/** `audit verify`, `audit export`, `audit restored`; the other questions of an auditor have their own files. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { Anything, Verification } from '../api-shapes.ts';
import { apiOf, isJson, type CliContext } from '../command-context.ts';
import { keysDirOf } from '../credentials.ts';
import { CliError, exitCodes } from '../exit-code.ts';
import { createProgress } from '../progress.ts';
import { archiveCommands } from './audit-archive.ts';
import { sampleCommand } from './audit-sample.ts';
import { recomputeCommand } from './audit-recompute.ts';

interface LocalOptions {
  signingDir?: string;
  databaseUrl?: string;
  keysDir?: string;
}

export function auditCommands(program: Command, context: CliContext): void {
  const audit = program.command('audit').description('Evidence');
  audit
    .command('verify')
    .description('Verify the whole evidence log: by the server, or here with --database-url')
    .option('--database-url <url>', 'read this database instead of asking the server')
    .option('--keys-dir <folder>', 'keys and checkpoints for --database-url (default: USHER_KEYS_DIR)')
    .action(async (options: LocalOptions, command: Command) => {
      const progress = createProgress(context, command);
      progress.step('evidence log', options.databaseUrl === undefined ? 'the server verifies it' : 'verified here');
      const verifying =
        options.databaseUrl === undefined
          ? apiOf(context, command).get('/api/v1/audit/verify', Verification)
          : verifyHere(options.databaseUrl, options.keysDir ?? keysDirOf(context.env), (records) =>
              progress.step('evidence log', `${records} records verified`),
            );
      const result = await verifying.finally(() => progress.end());
      report(result, context, isJson(command));
    });
  audit
    .command('export <case>')
    .description('Export one case with the proof of each of its records and the workflow histories')
    .option('-o, --output <file>', 'write to a file instead of standard output')
    .action(async (id: string, options: { output?: string }, command: Command) => {
      const progress = createProgress(context, command);
      progress.step('export', 'the server gathers records, proofs and workflow histories');
      const bundle = await apiOf(context, command)
        .get(`/api/v1/audit/cases/${encodeURIComponent(id)}`, Anything)
        .finally(() => progress.end());
      const text = `${JSON.stringify(bundle, null, 2)}\n`;
      if (options.output === undefined) return context.write(text);
      writePrivately(options.output, text);
      context.out.line(`Written to ${options.output}. Verify and replay it with: usher audit replay ${options.output}`);
    });
  archiveCommands(audit, context);
  recomputeCommand(audit, context);
  sampleCommand(audit, context);
  audit
    .command('restored')
    .description('Declare that an older backup of the database was restored: signs the gap in the log')
    .requiredOption('--reason <text>', 'why; kept for ever, must name no person')
    .option('--database-url <url>', 'the restored database (default: USHER_DATABASE_URL)')
    .option('--keys-dir <folder>', 'keys and checkpoints (default: USHER_KEYS_DIR)')
    .option('--signing-dir <folder>', 'private signing keys (default: USHER_SIGNING_DIR, else of the key folder)')
    .action((options: LocalOptions & { reason: string }) => declareRestored(options, context));
}

type Verdict = Pick<Verification, 'isSound' | 'treeSize' | 'checkpointedSize' | 'checkpointAgeSeconds'> & {
  findings: readonly { code: string; message: string }[];
};

function report(result: Verdict, context: CliContext, asJson: boolean): void {
  if (!result.isSound) context.setExitCode(exitCodes.negative);
  if (asJson) return context.out.json(result);
  const { out } = context;
  for (const finding of result.findings) out.line(`${finding.code}: ${finding.message}`);
  const age = result.checkpointAgeSeconds === null ? 'none yet' : `${result.checkpointAgeSeconds} s old`;
  out.line(`${result.isSound ? 'Sound' : 'NOT SOUND'}: ${result.treeSize} records.`);
  out.line(`Promised: the first ${result.checkpointedSize}, by the last signed checkpoint (${age}).`);
}

/** Opening a key folder makes what is missing; a mistyped one must not become an empty installation. */
function assertKeyFolder(keysDir: string, part: 'public' | 'signing'): void {
  if (existsSync(join(keysDir, part))) return;
  throw new CliError(
    exitCodes.usage,
    `${keysDir} is not the key folder of an installation.`,
    'Give --keys-dir FOLDER.',
  );
}

async function verifyHere(
  databaseUrl: string,
  keysDir: string,
  onProgress: (records: number) => void,
): Promise<Verdict> {
  assertKeyFolder(keysDir, 'public');
  const [{ openDb }, { openVerifier }, { verifyLog }] = await Promise.all([
    import('../../store/db.ts'),
    import('../../store/signing-key.ts'),
    import('../../evidence/verify.ts'),
  ]);
  const db = openDb(databaseUrl, 2);
  try {
    return await verifyLog({ db, keysDir, verifier: openVerifier(keysDir), now: () => new Date(), onProgress });
  } catch {
    throw new CliError(exitCodes.unavailable, 'The database or the key folder cannot be read.', 'Check both options.');
  } finally {
    await db.destroy();
  }
}

async function declareRestored(options: LocalOptions & { reason: string }, context: CliContext): Promise<void> {
  const databaseUrl = options.databaseUrl ?? context.env['USHER_DATABASE_URL'];
  if (databaseUrl === undefined) throw new CliError(exitCodes.usage, 'Give --database-url, or set USHER_DATABASE_URL.');
  if (options.reason.trim() === '' || options.reason.length > 500)
    throw new CliError(exitCodes.usage, '--reason: expected 1 to 500 characters');
  const outcome = await signGap(databaseUrl, options.reason, {
    keysDir: options.keysDir ?? keysDirOf(context.env),
    signingDir: options.signingDir ?? context.env['USHER_SIGNING_DIR'],
  });
  switch (outcome.outcome) {
    case 'signed':
      return context.out.line('The gap is signed. Start the server: it continues the log from here.');
    case 'noGap':
      return context.out.line('The log continues what was signed: there is no gap.');
    case 'refused':
      throw new CliError(exitCodes.conflict, `Not signed: ${outcome.finding.message}`, 'A damaged log is not a gap.');
    default:
      return outcome satisfies never;
  }
}

async function signGap(
  databaseUrl: string,
  reason: string,
  { keysDir, signingDir }: { keysDir: string; signingDir: string | undefined },
) {
  assertKeyFolder(keysDir, signingDir === undefined ? 'signing' : 'public');
  if (signingDir !== undefined && !existsSync(signingDir))
    throw new CliError(exitCodes.usage, `${signingDir} does not exist.`, 'Give --signing-dir FOLDER.');
  const [{ openDb }, { openSigner }, { signRestoredGap }] = await Promise.all([
    import('../../store/db.ts'),
    import('../../store/signing-key.ts'),
    import('../../evidence/restored.ts'),
  ]);
  const db = openDb(databaseUrl, 2);
  try {
    return await signRestoredGap({
      db,
      signer: openSigner(keysDir, signingDir),
      keysDir,
      now: () => new Date(),
      reason,
    });
  } catch {
    throw new CliError(exitCodes.unavailable, 'The database or the key folder cannot be read.', 'Check both options.');
  } finally {
    await db.destroy();
  }
}

/** An export holds opened values: only its owner may read it. */
function writePrivately(file: string, text: string): void {
  try {
    writeFileSync(file, text, { mode: 0o600 });
  } catch {
    throw new CliError(exitCodes.usage, `${file} cannot be written.`);
  }
}
