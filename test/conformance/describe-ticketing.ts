/** What every connector of a ticket system guarantees. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { describeFailures } from './describe-failures.ts';
import { ctx, expectFailure, hostileTexts, type TicketingHarness } from './harness.ts';

export interface TicketingStart {
  start(): Promise<TicketingHarness>;
}

const fields = { shortDescription: 'Okta: login not disabled', description: 'See the case.', urgency: 1 as const };

export function describeTicketingConnector(name: string, { start }: TicketingStart): void {
  describe(name, () => {
    let harness: TicketingHarness;
    const current = () => harness;
    beforeEach(async () => {
      harness = await start();
    });
    afterEach(() => harness.sandbox.close());

    describe('tickets', () => describeTickets(current));
    describe('lost answers', () => describeLostAnswers(current));
    describe('failures', () =>
      describeFailures<'ticketing'>({ harness: current, read: (connector) => connector.check(ctx) }));
  });
}

function describeTickets(current: () => TicketingHarness): void {
  test('asking twice opens one ticket, and another id another one', async () => {
    const { connector, openTickets } = current();
    const [id, otherId] = [randomUUID(), randomUUID()];
    const first = await connector.ensureTicket(id, fields, ctx);
    expect(first.outcome).toBe('created');
    const again = await connector.ensureTicket(id, fields, ctx);
    expect(again).toMatchObject({ outcome: 'adopted', ticketId: first.ticketId, number: first.number });
    const other = await connector.ensureTicket(otherId, fields, ctx);
    expect(other.ticketId).not.toBe(first.ticketId);
    expect([openTickets(id), openTickets(otherId)]).toEqual([[first.ticketId], [other.ticketId]]);
  });

  test('a ticket is read back with its correlation id; one that does not exist is null', async () => {
    const { connector } = current();
    const id = randomUUID();
    const { ticketId, number } = await connector.ensureTicket(id, fields, ctx);
    expect(await connector.getTicket(ticketId, ctx)).toEqual({ ticketId, number, isOpen: true, correlationId: id });
    expect(await connector.getTicket('0'.repeat(32), ctx)).toBeNull();
  });

  test('closing closes, closing again succeeds, and the next failure opens a new ticket', async () => {
    const { connector, openTickets } = current();
    const id = randomUUID();
    const { ticketId } = await connector.ensureTicket(id, fields, ctx);
    await connector.comment(ticketId, 'Tried again, failed again.', ctx);
    await connector.close(ticketId, 'A later attempt succeeded.', ctx);
    await connector.close(ticketId, 'A later attempt succeeded.', ctx);
    expect(await connector.getTicket(ticketId, ctx)).toMatchObject({ isOpen: false });
    expect(openTickets(id)).toEqual([]);
    const next = await connector.ensureTicket(id, fields, ctx);
    expect(next.outcome).toBe('created');
    expect(next.ticketId).not.toBe(ticketId);
  });

  test('a ticket that does not exist cannot be closed or commented', async () => {
    const { connector } = current();
    await expectFailure(connector.close('0'.repeat(32), 'x', ctx), 'notFound');
    await expectFailure(connector.comment('0'.repeat(32), 'x', ctx), 'notFound');
  });

  test.each(hostileTexts.map((text) => [JSON.stringify(text.slice(0, 24)), text] as const))(
    'a text like %s opens one ticket, and a key like it finds no other',
    async (_label, text) => {
      const { connector, openTickets, sandbox } = current();
      const id = randomUUID();
      const opened = await connector.ensureTicket(id, { ...fields, shortDescription: text, description: text }, ctx);
      expect(openTickets(id)).toEqual([opened.ticketId]);
      sandbox.clearCalls();
      const outcome = await connector.ensureTicket(text, fields, ctx).then(
        (ticket) => ticket.ticketId,
        (error: { code: string }) => error.code,
      );
      expect(outcome).not.toBe(opened.ticketId);
      if (outcome === 'validation') expect(sandbox.calls.filter(({ method }) => method !== 'GET')).toEqual([]);
      else expect(openTickets(text)).toEqual([outcome]);
    },
  );
}

function describeLostAnswers(current: () => TicketingHarness): void {
  test.each(['lostResponse', 'malformed'] as const)(
    'a ticket whose opening was answered by %s is found by its correlation id, not opened twice',
    async (kind) => {
      const { connector, sandbox, openTickets } = current();
      const id = randomUUID();
      sandbox.faults.add({ kind, method: 'POST' });
      const code = kind === 'malformed' ? 'transient' : 'unknownOutcome';
      await expectFailure(connector.ensureTicket(id, fields, ctx), code);
      expect(openTickets(id)).toHaveLength(1);
      const again = await connector.ensureTicket(id, fields, ctx);
      expect(again.outcome).toBe('adopted');
      expect(openTickets(id)).toEqual([again.ticketId]);
    },
  );

  test('many closed tickets with the same id do not hide the open one', async () => {
    const { connector, manifest, seedTicket } = current();
    const id = randomUUID();
    for (let index = 0; index <= manifest.capabilities.pageMax; index += 1) {
      await seedTicket({ correlationId: id, isOpen: false });
    }
    const open = await seedTicket({ correlationId: id, isOpen: true });
    expect(await connector.ensureTicket(id, fields, ctx)).toMatchObject({ outcome: 'adopted', ticketId: open });
  });
}
