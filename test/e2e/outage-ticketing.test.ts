/** The ticketing system is down while another system is: nobody waits for a ticket, and security hears by another way. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { caseState, hire, untilCase } from '../support/case-driver.ts';
import { holdingAt } from '../support/company-view.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

let world: World;

beforeAll(async () => {
  world = await createWorld({
    policyEdits: [{ file: 'rules.yaml', find: 'incidentAfter: 15m', replace: 'incidentAfter: 1s' }],
  });
});
afterAll(async () => {
  await world.close();
});

const incident = () => world.ownerDb.selectFrom('incident').selectAll().executeTakeFirst();

test('an incident without a ticket is mailed to security after a minute, once, and gets its one ticket later', async () => {
  world.company.servicenow.faults.setDown('503');
  world.company.wiki.faults.setDown('503');
  const { personId } = await hire(world, { firstName: 'No', lastName: 'Ticket' });
  const { incident_id: incidentId } = await eventually(incident, 'an incident opens');
  await eventually(() => holdingAt(world, 'okta', [personId]).groupIds.length === 3, 'Okta goes on');
  const mails = () => world.company.mailbox.messages().filter(({ text }) => text.includes(incidentId));
  expect(mails()).toEqual([]);

  world.clock.advance(61_000);
  const [mail] = await eventually(() => (mails().length > 0 ? mails() : null), 'security has a mail');
  expect(mail?.subject).toContain('ticketingDown');
  expect((await incident())?.ticket_id).toBeNull();

  world.company.servicenow.faults.setDown(null);
  await eventually(async () => (await incident())?.ticket_id, 'the ticket is made after all');
  const tickets = world.company.servicenow.incidents();
  expect(tickets.map(({ fields }) => fields['correlation_id'])).toEqual([incidentId]);
  expect(await caseState(world, personId, 1)).not.toBe('done');

  world.company.wiki.faults.setDown(null);
  await untilCase(world, personId, 1, 'done', 45_000);
  await eventually(() => world.company.servicenow.incidents()[0]?.fields['active'] === 'false', 'the ticket closes');
  expect(mails()).toHaveLength(1);
  expect(await world.ownerDb.selectFrom('incident').select('state').execute()).toEqual([{ state: 'closed' }]);
});
