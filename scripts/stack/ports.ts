/** Free TCP ports on 127.0.0.1: the preferred one where it is free, else the next. */
import { connect, createServer } from 'node:net';

const host = '127.0.0.1';
const connectTimeoutMs = 500;
const attempts = 200;

/** Whether something listens there. A bind alone does not tell: a listener on another address of the port lets it pass. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: connectTimeoutMs });
    const end = (isAnswered: boolean): void => {
      socket.destroy();
      resolve(isAnswered);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
  });
}

/** Binds the port (0: any) for a moment and gives back its number, or null when it is taken. */
function bind(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address();
      const bound = address !== null && typeof address === 'object' ? address.port : port;
      server.close(() => resolve(bound));
    });
  });
}

/** Hands out ports, no number twice. A port can still be taken by another program between here and its use. */
export class PortPicker {
  readonly #given = new Set<number>();

  /** The preferred port, or the next free one above it. Throws after 200 taken ports. */
  async pick(preferred: number): Promise<number> {
    for (let port = preferred; port < preferred + attempts && port < 65_536; port += 1) {
      if (this.#given.has(port) || (await answers(port)) || (await bind(port)) === null) continue;
      this.#given.add(port);
      return port;
    }
    throw new Error(`no free port from ${preferred} on`);
  }

  /** Any free port of the system's own range. */
  async any(): Promise<number> {
    for (;;) {
      const port = await bind(0);
      if (port === null) throw new Error('the system gives no free port');
      if (this.#given.has(port)) continue;
      this.#given.add(port);
      return port;
    }
  }
}
