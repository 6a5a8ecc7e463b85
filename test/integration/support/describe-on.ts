/** `describe` on a running server that is not ours. */
import { afterAll, beforeAll, describe } from '@jest/globals';
import { installCommandOf, type IntegrationServer, type RunningServer } from './integration-server.ts';

const startTimeoutMs = 120_000;
const stopTimeoutMs = 60_000;

/**
 * `describe` on a running server: started once before the tests of the block, stopped after them. Where a server is not
 * installed the whole block is skipped, and the runner says so with the command that installs it.
 */
export function describeOn<Running extends RunningServer>(
  server: IntegrationServer<Running>,
  body: (running: () => Running) => void,
): void {
  const { title } = server;
  const isHere = server.isInstalled();
  const block = isHere ? describe : describe.skip;
  block(isHere ? title : `${title} is not installed: ${installCommandOf(server)}`, () => {
    let running: Running | null = null;
    beforeAll(async () => {
      running = await server.start();
    }, server.startTimeoutMs ?? startTimeoutMs);
    afterAll(async () => {
      await running?.stop();
    }, stopTimeoutMs);
    body(() => {
      if (running === null) throw new Error(`${title} is not running: its start failed`);
      return running;
    });
  });
}
