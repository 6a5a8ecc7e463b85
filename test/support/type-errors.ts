/** What the compiler says about one file outside this project. */
import { execFile } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';

/** Empty when it compiles. In a process of its own: the compiler would keep the servers of the world from answering. */
export async function typeErrorsOf(file: string): Promise<string> {
  const options = ['--strict', '--noEmit', '--skipLibCheck', '--allowImportingTsExtensions', '--ignoreConfig'];
  const target = ['--target', 'es2022', '--module', 'nodenext', '--types', 'node'];
  const compiler = resolve('node_modules/typescript/bin/tsc');
  const run = promisify(execFile)(process.execPath, [compiler, ...options, ...target, file], { cwd: dirname(file) });
  return run.then(
    () => '',
    (error: { stdout?: string; message: string }) => error.stdout ?? error.message,
  );
}
