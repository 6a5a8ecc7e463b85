/** A mapping file (YAML) to settings. Every fault names the field and what was expected, and quotes nothing of the file. */
import { parseDocument } from 'yaml';
import { AppError } from '../domain/errors.ts';
import { ImportMapping } from '../schemas/import.ts';

/** Throws AppError `invalidInput` on `mapping` or a field below it. No mapping is the empty one. */
export function readMapping(text: string | null): ImportMapping {
  const parsed = ImportMapping.safeParse(text === null ? {} : plain(text));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const extra = issue?.code === 'unrecognized_keys' ? [issue.keys[0] ?? ''] : [];
  const field = ['mapping', ...(issue?.path ?? []), ...extra].map(String).join('.').slice(0, 100);
  const what = extra.length > 0 ? 'no such field is known' : (issue?.message ?? 'not valid');
  throw new AppError('invalidInput', `${field}: ${what}`, field);
}

function plain(text: string): unknown {
  const document = parseDocument(text, { prettyErrors: false });
  const [error] = document.errors;
  if (error === undefined) {
    try {
      return (document.toJS({ maxAliasCount: 20 }) as unknown) ?? {};
    } catch {
      throw new AppError('invalidInput', 'mapping: expected plain YAML without aliases', 'mapping');
    }
  }
  const line = text.slice(0, error.pos[0]).split('\n').length;
  throw new AppError('invalidInput', `mapping: line ${line} is not valid YAML`, 'mapping');
}
