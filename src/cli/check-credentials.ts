/** Tests the configuration of a system that is not in force yet: one read, with the connector's own `check`. */
import type { CheckResult, ConnectorDefinition } from '../connectors/kit/contract.ts';
import { ConnectorError } from '../connectors/kit/errors.ts';
import { openConnector } from '../connectors/kit/open-connector.ts';
import type { ConfigValues } from './config-values.ts';

export type CredentialCheck = CheckResult;

const TIMEOUT_MS = 30_000;

/** Never throws for what the system says. Where it refuses the credentials, the scopes that Usher needs are named. */
export async function checkCredentials(
  definition: ConnectorDefinition,
  systemId: string,
  config: ConfigValues,
): Promise<CredentialCheck> {
  const { kind, scopes } = definition.manifest;
  try {
    const connector = openConnector(kind, definition, { systemId, config, now: Date.now });
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    return await connector.check({ operationKey: `add/${systemId}`, signal });
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    const findings: CredentialCheck['findings'] = [{ level: 'error', text: `${error.code}: ${error.message}` }];
    if (error.code === 'auth') findings.push({ level: 'error', text: `The credentials need: ${scopes.join('; ')}` });
    return { isHealthy: false, findings };
  }
}
