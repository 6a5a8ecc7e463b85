/** Taking over people from a file: the report first, the same file with the report's hash writes. */
import { AppError } from '../../domain/errors.ts';
import { ImportForm } from '../../schemas/api-import.ts';
import { ImportQuery } from '../../schemas/import.ts';
import { importPeople } from '../../use-cases/import-people.ts';
import type { AppContext, HttpDeps } from '../app-types.ts';
import { parseInput, readQuery } from '../input.ts';
import { personOf, type Router } from '../router.ts';

export function importRoutes(router: Router, deps: HttpDeps): void {
  router.guarded('POST /api/v1/import', async (c, caller) => {
    const query = readQuery(c, ImportQuery);
    const by = personOf(caller);
    const { file, mapping } = await readForm(c);
    return c.json(await importPeople(deps, { ...query, file, mapping, by }));
  });
}

/** `multipart/form-data` with the parts `file` and, if any, `mapping`. */
async function readForm(c: AppContext): Promise<{ file: Uint8Array; mapping: string | null }> {
  const type = c.req.header('content-type') ?? '';
  if (!/^multipart\/form-data\s*;/i.test(type))
    throw new AppError('invalidInput', 'content-type: expected multipart/form-data', 'content-type');
  let form: FormData;
  try {
    form = await c.req.formData();
  } catch {
    throw new AppError('invalidInput', 'body: expected a multipart form', 'body');
  }
  const { file, mapping = null } = parseInput(ImportForm, Object.fromEntries(form), 'body');
  const text = mapping instanceof Blob ? await mapping.text() : mapping;
  return { file: new Uint8Array(await file.arrayBuffer()), mapping: text };
}
