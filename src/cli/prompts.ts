/** Questions to the person at the terminal, one line each. What is secret is not shown while it is typed. */
import { createInterface, type Interface } from 'node:readline';
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
  return input.isTTY && output.isTTY ? new TerminalPrompts(input, output) : null;
}

class TerminalPrompts implements Prompts {
  readonly #input: NodeJS.ReadStream;
  readonly #output: NodeJS.WriteStream;
  readonly #lines: Interface;
  /** Lines that came before anybody asked. */
  readonly #early: string[] = [];
  #waiting: { resolve: (line: string) => void; reject: (error: Error) => void } | null = null;
  /** Between questions, and while a secret is typed, nothing is echoed. */
  #isShown = false;
  #isOver = false;

  constructor(input: NodeJS.ReadStream, output: NodeJS.WriteStream) {
    this.#input = input;
    this.#output = output;
    const echo = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        if (this.#isShown) output.write(chunk);
        done();
      },
    });
    this.#lines = createInterface({ input, output: echo, terminal: true, historySize: 0 });
    this.#lines.on('line', (line) => this.#take(line));
    this.#lines.on('SIGINT', () => this.#end());
    this.#lines.on('close', () => this.#end());
  }

  say(text: string): void {
    this.#output.write(`${printableText(text)}\n`);
  }

  ask(question: string): Promise<string> {
    this.#isShown = true;
    this.#lines.setPrompt(printableText(question));
    if (!this.#isOver) this.#lines.prompt();
    return this.#read(false);
  }

  askSecret(question: string): Promise<string> {
    this.#output.write(printableText(question));
    return this.#read(true);
  }

  close(): void {
    this.#lines.close();
    this.#input.pause();
  }

  async #read(isSecret: boolean): Promise<string> {
    const early = this.#early.shift();
    try {
      if (early !== undefined) return early;
      if (this.#isOver) throw stopped();
      return await new Promise<string>((resolve, reject) => {
        this.#waiting = { resolve, reject };
      });
    } finally {
      this.#isShown = false;
      // The end of a line that was typed in sight was echoed with it.
      if (isSecret || this.#isOver || early !== undefined) this.#output.write('\n');
    }
  }

  #take(line: string): void {
    if (this.#waiting === null) this.#early.push(line);
    else this.#waiting.resolve(line);
    this.#waiting = null;
  }

  #end(): void {
    this.#isOver = true;
    this.#waiting?.reject(stopped());
    this.#waiting = null;
  }
}

const stopped = (): CliError => new CliError(exitCodes.usage, 'Stopped. Nothing was written.');
