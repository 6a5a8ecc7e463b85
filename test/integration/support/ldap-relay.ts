/** Behind the sandbox's door to a directory: a real server, one connection for each client. */
import { connect, type TLSSocket } from 'node:tls';
import type { LdapBackend } from '../../../sandbox/ldap-front.ts';
import { isLastAnswer, type LdapMessage, splitMessages } from '../../../sandbox/ldap-wire.ts';

/** Hands each call on and resolves with the server's answer; rejects when the server hangs up. */
export function relayTo(url: string, ca: string): LdapBackend {
  const { hostname, port } = new URL(url);
  const socket: TLSSocket = connect({ host: hostname, port: Number(port || 636), ca: [ca] });
  let pending = Buffer.alloc(0);
  let collected: Buffer[] = [];
  let waiting: PromiseWithResolvers<Buffer[]> | null = null;
  const fail = (): void => {
    waiting?.reject(new Error('the server hung up'));
    waiting = null;
  };
  socket.on('error', fail);
  socket.on('close', fail);
  socket.on('data', (chunk: Buffer) => {
    const { messages, rest } = splitMessages(Buffer.concat([pending, chunk]));
    pending = Buffer.from(rest);
    for (const message of messages) {
      collected.push(Buffer.from(message.bytes));
      if (!isLastAnswer(message)) continue;
      waiting?.resolve(collected);
      waiting = null;
      collected = [];
    }
  });
  return {
    answer(message: LdapMessage) {
      waiting = Promise.withResolvers<Buffer[]>();
      socket.write(message.bytes);
      return waiting.promise;
    },
    close: () => void socket.destroy(),
  };
}
