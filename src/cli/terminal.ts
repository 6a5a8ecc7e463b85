/** The terminal that a command may draw on: nothing, where output goes to a file or a program. */
import { createLogUpdate } from 'log-update';

export interface Terminal {
  /** Replaces what was drawn before by these lines. */
  draw(text: string): void;
  /** Takes away what was drawn. */
  clear(): void;
  /** Leaves what was drawn where it is and gives the cursor back. */
  done(): void;
  rows(): number;
  columns(): number;
  /** Hands over keys one by one until the answered function is called; null where there is no keyboard. */
  onKey(listener: (key: string) => void): (() => void) | null;
}

/** Null when the stream is no terminal, or a dumb one. `keyboard` is where keys come from. */
export function openTerminal(stream: NodeJS.WriteStream, keyboard: NodeJS.ReadStream): Terminal | null {
  if (!stream.isTTY || process.env['TERM'] === 'dumb') return null;
  const log = createLogUpdate(stream);
  return {
    draw: (text) => log(text),
    clear: () => {
      log.clear();
      log.done();
    },
    done: () => log.done(),
    rows: () => stream.rows ?? 24,
    columns: () => stream.columns ?? 80,
    onKey(listener) {
      if (!keyboard.isTTY) return null;
      const take = (chunk: Buffer): void => {
        for (const key of chunk.toString('utf8')) listener(key);
      };
      keyboard.setRawMode(true);
      keyboard.resume();
      keyboard.on('data', take);
      return () => {
        keyboard.off('data', take);
        keyboard.setRawMode(false);
        keyboard.pause();
      };
    },
  };
}
