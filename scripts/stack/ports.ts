/** Free TCP ports on 127.0.0.1: the preferred one where it is free, else the next. */
import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';

const host = '127.0.0.1';
const connectTimeoutMs = 500;
const attempts = 200;
// Below the ranges from which systems take the ports of outgoing connections and of listeners on port 0 (Linux from 32768,
// macOS and Windows from 49152): nothing takes such a port by chance between the choice and its use.
const anyPort = { from: 10_000, below: 32_000 };

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

/** Binds the port for a moment. */
function canBind(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Hands out ports, no number twice. A port can still be taken by another program between here and its use. */
export class PortPicker {
  readonly #given = new Set<number>();

  /** The preferred port, or the next free one above it. Throws after 200 taken ports. */
  async pick(preferred: number): Promise<number> {
    for (let port = preferred; port < preferred + attempts && port < 65_536; port += 1) {
      if (this.#given.has(port) || (await answers(port)) || !(await canBind(port))) continue;
      this.#given.add(port);
      return port;
    }
    throw new Error(`no free port from ${preferred} on`);
  }

  /** Any free port, outside the ranges that systems hand out by themselves. Throws after 200 taken ports. */
  async any(): Promise<number> {
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const port = randomInt(anyPort.from, anyPort.below);
      if (this.#given.has(port) || (await answers(port)) || !(await canBind(port))) continue;
      this.#given.add(port);
      return port;
    }
    throw new Error('no free port was found');
  }
}
