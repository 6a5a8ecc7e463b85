/** Tear-down of the jest project `engine`: stops what the set-up started, whether the tests passed or not. */
import { stopEngine } from './engine.ts';

/** Called once by jest after the last test of the project. */
async function globalTeardown(): Promise<void> {
  await stopEngine();
}

export default globalTeardown;
