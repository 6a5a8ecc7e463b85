import { createTransport } from 'nodemailer';
import { expect, test } from '@jest/globals';
import { createMailbox } from '../../sandbox/mailbox.ts';
import { client, serve } from './support.ts';

test('a mail that was sent can be read, found by recipient and thrown away', async () => {
  const mailbox = createMailbox();
  const { url } = await serve(mailbox);
  const port = await mailbox.listenSmtp();
  const transport = createTransport({ host: '127.0.0.1', port, secure: false, ignoreTLS: true });
  const waiting = mailbox.waitFor(({ subject }) => subject === 'Zugriff für Zoë');
  await transport.sendMail({
    from: 'usher@juniperlane.example',
    to: 'Priya.Raman@juniperlane.example',
    subject: 'Zugriff für Zoë',
    text: 'Bitte entscheiden',
    html: '<p>Bitte entscheiden</p>',
  });
  transport.close();
  expect(await waiting).toMatchObject({ from: 'usher@juniperlane.example', to: ['priya.raman@juniperlane.example'] });
  const ask = client(url, '');
  const mine = (await ask('GET', '/messages?to=priya.raman@juniperlane.example')).body['messages'];
  expect(mine).toMatchObject([{ text: expect.stringContaining('Bitte'), html: expect.stringContaining('<p>') }]);
  expect((await ask('GET', '/messages?to=other@juniperlane.example')).body['messages']).toEqual([]);
  expect((await ask('DELETE', '/messages')).status).toBe(204);
  expect(mailbox.messages()).toEqual([]);
  await expect(mailbox.waitFor(() => true, 5)).rejects.toThrow('No such message arrived.');
});
