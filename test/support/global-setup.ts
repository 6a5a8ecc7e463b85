/**
 * Set-up of the jest project `engine`: one real PostgreSQL whose template database carries the migrations, and one real
 * Temporal dev server that can skip time. Tests find both through the environment; a watchdog ends both even when jest
 * is killed.
 */
import { startEngine } from './engine.ts';

/** Called once by jest before the first test of the project. */
async function globalSetup(): Promise<void> {
  await startEngine();
}

export default globalSetup;
