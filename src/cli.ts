/** Entry of the command `usher`. */
import { runCli } from './cli/program.ts';
import { openPrompts } from './cli/prompts.ts';
import { openTerminal } from './cli/terminal.ts';

// A reader that has seen enough (`usher cases | head`) closes the pipe: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  writeOut: (text) => void process.stdout.write(text),
  writeError: (text) => void process.stderr.write(text),
  terminal: openTerminal(process.stdout, process.stdin),
  errorTerminal: openTerminal(process.stderr, process.stdin),
  openPrompts: () => openPrompts(process.stdin, process.stderr),
});
