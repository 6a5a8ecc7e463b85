/** Questions to the person at the terminal, one line each. What is secret is not shown while it is typed. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { printableText } from '../domain/printable-text.ts';
import { CliError, exitCodes } from './exit-code.ts';

export interface Prompts {
  /** Something to read before the next question. */
  say(text: string): void;
  /** The line without its end. Throws CliError where the person ends the input (Ctrl-C, Ctrl-D). */
  ask(question: string): Promise<string>;
  /** The same, without showing what is typed. */
  askSecret(question: string): Promise<string>;
  close(): void;
}

/** Null where nobody sits at a terminal. */
export function openPrompts(input: NodeJS.ReadStream, output: NodeJS.WriteStream): Prompts | null {
  if (!input.isTTY || !output.isTTY) return null;
  // Between questions, and while a secret is typed, nothing is echoed.
  let isShown = false;
  const gate = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (isShown) output.write(chunk);
      done();
    },
  });
  const lines = createInterface({ input, output: gate, terminal: true, historySize: 0 });
  const typed: string[] = [];
  let waiting: { resolve: (line: string) => void; reject: (error: Error) => void } | null = null;
  let isOver = false;
  lines.on('line', (line) => {
    if (waiting === null) typed.push(line);
    else waiting.resolve(line);
    waiting = null;
  });
  const end = (): void => {
    isOver = true;
    waiting?.reject(stopped());
    waiting = null;
  };
  lines.on('SIGINT', end);
  lines.on('close', end);

  async function read(question: string, showsInput: boolean): Promise<string> {
    if (isOver) throw stopped();
    const text = printableText(question);
    if (showsInput) {
      isShown = true;
      lines.setPrompt(text);
      lines.prompt();
    } else {
      output.write(text);
    }
    const early = typed.shift();
    try {
      return (
        early ??
        (await new Promise<string>((resolve, reject) => {
          waiting = { resolve, reject };
        }))
      );
    } finally {
      isShown = false;
      if (!showsInput || isOver || early !== undefined) output.write('\n');
    }
  }

  return {
    say: (text) => void output.write(`${printableText(text)}\n`),
    ask: (question) => read(question, true),
    askSecret: (question) => read(question, false),
    close() {
      lines.close();
      input.pause();
    },
  };
}

const stopped = (): CliError => new CliError(exitCodes.usage, 'Stopped. Nothing was written.');
