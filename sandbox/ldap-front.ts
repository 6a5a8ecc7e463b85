/**
 * A directory's door over TLS, with the faults of the sandbox in front of it and a log of the calls. What stands behind
 * it is a directory in this process or, in the integration tests, a real server.
 *
 * Calls are logged by the words of HTTP, so that faults and tests name them as they do elsewhere: a search is a GET, an
 * add a POST, a modify a PATCH, a rename a PUT; their path is the distinguished name. Binds are no calls.
 */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer, type TLSSocket } from 'node:tls';
import { type Fault, FaultPlan } from './faults.ts';
import type { Call, SandboxServer } from './kit.ts';
import { brokenMessage, type LdapMessage, resultMessage, splitMessages } from './ldap-wire.ts';
import type { SelfSigned } from './self-signed.ts';

/** One client's way to the directory. */
export interface LdapBackend {
  /** The messages of the answer; none for a call that has none. */
  answer(message: LdapMessage): Promise<Buffer[]>;
  close(): void;
}

export interface LdapFrontOptions {
  tls: SelfSigned;
  /** Called for each client that connects. */
  connect: () => LdapBackend;
  exportState?: () => unknown;
  now?: () => Date;
}

const methodOf = { search: 'GET', add: 'POST', modify: 'PATCH', rename: 'PUT', delete: 'DELETE' } as const;
const maxMessageBytes = 16 * 1024 * 1024;

/** What a directory answers where a server on HTTP would answer with the status. */
const codeOfStatus: Record<number, number> = {
  400: 21,
  401: 49,
  403: 50,
  404: 32,
  409: 68,
  412: 53,
  422: 19,
  429: 51,
  500: 80,
  503: 52,
};

/** Makes the door; `listen` answers with an `ldaps://` address. */
export function createLdapFront(options: LdapFrontOptions): SandboxServer {
  const now = options.now ?? (() => new Date());
  const faults = new FaultPlan({ now });
  const calls: Call[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ ...options.tls, minVersion: 'TLSv1.2' }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    serve(socket, { backend: options.connect(), faults, calls, now });
  });
  return {
    faults,
    calls,
    clearCalls: () => {
      calls.length = 0;
    },
    exportState: () => options.exportState?.() ?? null,
    async listen(port = 0, host = '127.0.0.1') {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, resolve);
      });
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error('The server listens on no port.');
      const url = `ldaps://${host}:${address.port}`;
      return { url, origin: url, port: address.port };
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

interface Serving {
  backend: LdapBackend;
  faults: FaultPlan;
  calls: Call[];
  now: () => Date;
}

function serve(socket: TLSSocket, serving: Serving): void {
  let pending = Buffer.alloc(0);
  // One call after the other, as they came.
  let queue = Promise.resolve();
  socket.on('error', () => socket.destroy());
  socket.once('close', () => serving.backend.close());
  socket.on('data', (chunk: Buffer) => {
    try {
      const { messages, rest } = splitMessages(Buffer.concat([pending, chunk]));
      pending = Buffer.from(rest);
      if (pending.length > maxMessageBytes) throw new Error('The message is too large.');
      for (const message of messages) {
        queue = queue.then(() => handle(socket, message, serving)).catch(() => void socket.destroy());
      }
    } catch {
      socket.destroy();
    }
  });
}

async function handle(socket: TLSSocket, message: LdapMessage, serving: Serving): Promise<void> {
  const { operation } = message;
  if (operation === 'unbind') {
    socket.end();
    return;
  }
  const send = (messages: Buffer[]): void => {
    if (!socket.destroyed) socket.write(Buffer.concat(messages));
  };
  if (operation === null || operation === 'bind') {
    send(await serving.backend.answer(message));
    return;
  }
  const { calls, faults, now } = serving;
  const method = methodOf[operation];
  const call: Call = { method, path: message.dn, query: '', status: null, fault: null, at: now().toISOString() };
  calls.push(call);
  const fault = faults.next(method, message.dn);
  call.fault = fault?.kind ?? null;
  await (fault === null
    ? serving.backend.answer(message).then(send)
    : meetFault(fault, { socket, message, send, backend: serving.backend }));
}

interface Meeting {
  socket: TLSSocket;
  message: LdapMessage;
  send: (messages: Buffer[]) => void;
  backend: LdapBackend;
}

async function meetFault(fault: Fault, { socket, message, send, backend }: Meeting): Promise<void> {
  switch (fault.kind) {
    case 'status':
    case 'throttle':
      // The text holds what directories put there: names and values.
      send([resultMessage(message, codeOfStatus[fault.status] ?? 80, `refused for ${message.dn}, Ada Byron`)]);
      return;
    case 'lie':
      send([resultMessage(message, 0)]);
      return;
    case 'timeout':
      return;
    case 'reset':
      socket.destroy();
      return;
    case 'malformed':
      await backend.answer(message);
      send([brokenMessage(message)]);
      return;
    case 'slow':
      await sleep(fault.delayMs);
      send(await backend.answer(message));
      return;
    case 'lostResponse':
      await backend.answer(message);
      socket.destroy();
      return;
    default:
      return fault.kind satisfies never;
  }
}
