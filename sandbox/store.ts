/**
 * The state of one vendor: plain JSON, so that it can be saved, restored and, for a lie, taken back.
 */
import type { z } from 'zod';

/** Holds `data`, which is replaced as a whole by `restore`: never keep a reference across calls. */
export class Store<State extends object> {
  data: State;
  readonly #onChange: () => void;

  constructor(initial: State, onChange: (() => void) | undefined) {
    this.data = initial;
    this.#onChange = onChange ?? (() => undefined);
  }

  /** Says that `data` was changed and wants to be saved. */
  changed(): void {
    this.#onChange();
  }

  snapshot(): State {
    return structuredClone(this.data);
  }

  restore(state: State): void {
    this.data = state;
  }
}

/** What an earlier run saved, or else the seed. Throws when what was saved has another shape. */
export function openStore<State extends object>(
  schema: z.ZodType<State>,
  saved: unknown,
  seed: () => State,
  onChange: (() => void) | undefined,
): Store<State> {
  return new Store(saved === undefined ? seed() : schema.parse(saved), onChange);
}
