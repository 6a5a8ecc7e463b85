/** Which systems of a policy folder are HR systems: their secrets are the server's, all others the worker's. */
import { connectorById } from '../../src/connectors/registry.ts';
import { mergePolicyFiles, readPolicyFolder } from '../../src/policy/load.ts';

/** Empty where the folder cannot be read: what is wrong with it is told when it is put into force. */
export async function hrisSystemIdsOf(policyDir: string): Promise<string[]> {
  const sources = await readPolicyFolder(policyDir).catch(() => []);
  return mergePolicyFiles(sources)
    .systems.map(({ value }) => value)
    .filter(({ connector }) => connectorById(connector)?.manifest.kind === 'hris')
    .map(({ id }) => id);
}
