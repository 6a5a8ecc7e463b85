/**
 * A server that is not ours, as the integration tests see it: installed or not, started by the test file that needs it,
 * gone when that file ends. Each file in ../servers/ exports one.
 */
import type { Say } from '../../../scripts/stack/step.ts';

export interface RunningServer {
  /** Where it answers, without a slash at the end. */
  url: string;
  /** Ends every process and removes its data. Repeatable. */
  stop(): Promise<void>;
}

export interface IntegrationServer<Running extends RunningServer = RunningServer> {
  /** Name of its file, and what `--install=NAME` takes. */
  name: string;
  /** Product and version. */
  title: string;
  /** Looks at files and commands only: cheap, and asked while tests are collected. */
  isInstalled(): boolean;
  /** Makes it present; resolves to what the step tells (where from, how big). Throws a `PlainError` that says what to do. */
  install(say: Say): Promise<string>;
  /** A fresh one on free ports of 127.0.0.1. */
  start(): Promise<Running>;
  /** How long a start may take on a slow machine. Default two minutes. */
  startTimeoutMs?: number;
}

/** The command that makes a server present. */
export const installCommandOf = ({ name }: IntegrationServer): string =>
  `npm run test:integration -- --install=${name}`;

/** True for what a file in ../servers/ exports as its server. */
export function isIntegrationServer(value: unknown): value is IntegrationServer {
  return (
    typeof value === 'object' &&
    value !== null &&
    ['name', 'title'].every((key) => typeof Reflect.get(value, key) === 'string') &&
    ['isInstalled', 'install', 'start'].every((key) => typeof Reflect.get(value, key) === 'function')
  );
}
