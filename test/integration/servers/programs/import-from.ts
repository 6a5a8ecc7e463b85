/** Modules of packages that lie in a folder outside the checkout. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

interface Imported {
  default?: { __esModule?: boolean };
}

/**
 * The module that a `require` in that folder would find, so that packages that are there in two forms are all taken in the
 * same one. The caller says what it looks like.
 */
export async function importFrom<Module>(folder: string, specifier: string): Promise<Module> {
  const file = createRequire(join(folder, 'package.json')).resolve(specifier);
  const module = (await import(pathToFileURL(file).href)) as Imported;
  return (module.default?.__esModule === true ? module.default : module) as Module;
}
