/** The workflow around a set of decided items: it shows what becomes of them. */
import { setCurrentDetails, setHandler } from '@temporalio/workflow';
import { provisionItems, type Outcomes } from './provision-items.ts';
import * as wire from './wire.ts';

export async function provisioning(input: wire.ProvisioningInput): Promise<wire.ProvisioningResult> {
  const outcomes: Outcomes = new Map();
  setHandler(wire.status, () => ({ state: 'provisioning', log: lines(input, outcomes) }), {
    description: 'Items and their outcomes',
  });
  const result = await provisionItems(input, outcomes);
  setCurrentDetails(lines(input, outcomes).join('\n'));
  return result;
}

function lines(input: wire.ProvisioningInput, outcomes: Outcomes): string[] {
  return [
    '| system | action | item | outcome |',
    '|---|---|---|---|',
    ...input.items.map(
      ({ itemDigest, systemId, action }) =>
        `| ${systemId} | ${action} | ${itemDigest.slice(0, 12)} | ${outcomes.get(itemDigest) ?? 'under way'} |`,
    ),
  ];
}
