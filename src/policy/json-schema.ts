/** The JSON Schema of a policy file, which lets editors complete keys and underline mistakes while one writes. */
import { z } from 'zod';
import { PolicyDocument } from '../schemas/policy.ts';

/** Draft 2020-12 schema of what a person writes: durations as texts, everything with a default optional. */
export function policyJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(PolicyDocument, { io: 'input', target: 'draft-2020-12' });
  return { ...schema, title: 'Usher policy', description: 'One YAML file of an Usher policy folder.' };
}
