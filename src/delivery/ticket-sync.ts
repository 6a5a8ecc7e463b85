/**
 * Makes the tickets of incidents and closes them, trying until the ticketing system answers. The incident's id is the
 * ticket's correlation id, so that a lost answer never makes a second ticket.
 */
import type { CallContext, TicketingConnector } from '../connectors/kit/contract.ts';
import { raiseAlert } from '../store/alerts.ts';
import type { IncidentRow } from '../store/incidents.ts';
import type { WorkerDeps } from '../activities/worker-deps.ts';

/** Ticketing is down for so long: security hears of the incidents by mail. */
const SECOND_CHANNEL_AFTER_MS = 60_000;

/** One pass; failures stay for the next one. Without a ticketing system in the policy there is nothing to do. */
export async function syncTickets(deps: WorkerDeps): Promise<void> {
  const rows = await deps.db
    .selectFrom('incident')
    .selectAll()
    .where((eb) =>
      eb.or([
        eb.and([eb('state', '=', 'open'), eb('ticket_id', 'is', null)]),
        eb.and([eb('state', '=', 'closed'), eb('ticket_id', 'is not', null), eb('ticket_closed_at', 'is', null)]),
      ]),
    )
    .limit(50)
    .execute();
  if (rows.length === 0) return;
  const [system] = await deps.pool.systemsOf('ticketing');
  if (!system) return;
  for (const row of rows) {
    try {
      const { connector } = await deps.pool.open('ticketing', system.id);
      await (row.state === 'open' ? makeTicket(deps, connector, row) : closeTicket(deps, connector, row));
    } catch (error) {
      deps.log.warn({ incidentId: row.incident_id, err: error }, 'ticket not synchronised yet');
      await bySecondChannel(deps, row);
    }
  }
}

async function makeTicket(deps: WorkerDeps, connector: TicketingConnector, row: IncidentRow): Promise<void> {
  const fields = {
    shortDescription: `Usher: ${row.system_id} ${row.kind}`,
    description: `${row.summary}\n\nIncident ${row.incident_id}`,
    urgency: 2 as const,
  };
  const ticket = await connector.ensureTicket(row.incident_id, fields, callOf(row));
  await deps.db
    .updateTable('incident')
    .set({ ticket_id: ticket.ticketId, ticket_number: ticket.number })
    .where('incident_id', '=', row.incident_id)
    .execute();
}

async function closeTicket(deps: WorkerDeps, connector: TicketingConnector, row: IncidentRow): Promise<void> {
  if (row.ticket_id === null) return;
  await connector.close(row.ticket_id, 'The changes that waited went through. Closed by Usher.', callOf(row));
  await deps.db
    .updateTable('incident')
    .set({ ticket_closed_at: deps.now() })
    .where('incident_id', '=', row.incident_id)
    .execute();
}

function callOf(row: IncidentRow): CallContext {
  return { operationKey: row.incident_id, signal: AbortSignal.timeout(15_000) };
}

async function bySecondChannel(deps: WorkerDeps, row: IncidentRow): Promise<void> {
  const ageMs = deps.now().getTime() - row.opened_at.getTime();
  if (row.state !== 'open' || ageMs < SECOND_CHANNEL_AFTER_MS) return;
  const text = `Incident ${row.incident_id} (${row.system_id}, ${row.kind}) has no ticket: the ticketing system does not answer.`;
  await raiseAlert(
    deps.db,
    { alertKey: `ticket/${row.incident_id}`, kind: 'ticketingDown', personId: null, text },
    deps.now(),
  );
}
