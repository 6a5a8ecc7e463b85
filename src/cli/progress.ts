/**
 * Says what a long command is doing: on a terminal a few lines that renew themselves and vanish at the end, elsewhere one plain
 * line for each step, with `--json` nothing. It goes to standard error, so that the answer stays clean.
 */
import type { Command } from 'commander';
import { printableText } from '../domain/printable-text.ts';
import { isJson, type CliContext } from './command-context.ts';

export interface Progress {
  /** Begins a step, or changes the words beside a step that goes on. */
  step(name: string, text: string): void;
  /** Ends a step. */
  stepDone(name: string, text: string, isGood?: boolean): void;
  /** Takes the display away. Call it always. */
  end(): void;
}

interface Step {
  text: string;
  state: 'running' | 'good' | 'bad';
  beganMs: number;
}

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;

export function createProgress(context: CliContext, command: Command): Progress {
  if (isJson(command)) return { step: () => undefined, stepDone: () => undefined, end: () => undefined };
  return context.errorTerminal ? liveProgress(context.errorTerminal) : plainProgress(context);
}

/** Each step once when it ends; what only changes its words says nothing. */
function plainProgress({ writeError }: CliContext): Progress {
  const begun = new Set<string>();
  return {
    step(name, text) {
      if (begun.has(name)) return;
      begun.add(name);
      writeError(`${printableText(`${name}: ${text}`)}\n`);
    },
    stepDone: (name, text) => writeError(`${printableText(`${name}: ${text}`)}\n`),
    end: () => undefined,
  };
}

function liveProgress(terminal: NonNullable<CliContext['errorTerminal']>): Progress {
  const steps = new Map<string, Step>();
  let frame = 0;
  const draw = (): void => {
    frame += 1;
    const lines = [...steps].map(([name, step]) => lineOf(name, step, FRAMES[frame % FRAMES.length] ?? ''));
    // A display that is higher than the terminal cannot renew itself.
    terminal.draw(lines.slice(-Math.max(1, terminal.rows() - 2)).join('\n'));
  };
  const timer = setInterval(draw, FRAME_MS);
  return {
    step(name, text) {
      const beganMs = steps.get(name)?.beganMs ?? performance.now();
      steps.set(name, { text, state: 'running', beganMs });
      draw();
    },
    stepDone(name, text, isGood = true) {
      const beganMs = steps.get(name)?.beganMs ?? performance.now();
      steps.set(name, { text, state: isGood ? 'good' : 'bad', beganMs });
      draw();
    },
    end() {
      clearInterval(timer);
      terminal.clear();
    },
  };
}

function lineOf(name: string, { text, state, beganMs }: Step, frame: string): string {
  const mark = { running: frame, good: '✔', bad: '✖' }[state];
  const seconds = Math.floor((performance.now() - beganMs) / 1000);
  const elapsed = state === 'running' && seconds >= 2 ? `  ${seconds} s` : '';
  return printableText(`${mark} ${name}: ${text}${elapsed}`);
}
