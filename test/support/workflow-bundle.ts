/** The workflow bundle, made once for all test files by the global set-up and read from a file here. */
import { readFileSync } from 'node:fs';
import type { WorkflowBundle } from '../../src/worker-options.ts';

export function sharedBundle(): WorkflowBundle {
  const file = process.env['TEST_WORKFLOW_BUNDLE'];
  if (file === undefined) throw new Error('no workflow bundle: this test belongs to the jest project "engine"');
  return { code: readFileSync(file, 'utf8') };
}
