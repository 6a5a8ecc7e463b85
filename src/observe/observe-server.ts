/**
 * A small HTTP server beside the work: `/healthz`, `/readyz` and `/metrics`, for whoever watches the process. It has no login,
 * tells counts and states only, and listens on this machine unless it is told otherwise.
 */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import type { Logger } from '../telemetry.ts';
import type { Readiness } from './readiness.ts';

export interface ObserveOptions {
  host: string;
  port: number;
  registry: Registry;
  readiness: () => Promise<Readiness>;
  log: Logger;
}

export interface ObserveServer {
  port: number;
  stop(): Promise<void>;
}

/** Resolves when it listens; rejects when the port is taken. */
export async function startObserveServer(options: ObserveOptions): Promise<ObserveServer> {
  const server = createServer((request, response) => {
    answer(request.method ?? '', request.url ?? '', response, options).catch((error: unknown) => {
      options.log.warn({ err: error }, 'a look at the process failed');
      send(response, 503, 'text/plain', 'not available\n');
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: options.host, port: options.port }, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    stop: () => close(server),
  };
}

async function answer(method: string, url: string, response: ServerResponse, options: ObserveOptions): Promise<void> {
  const path = url.split('?')[0];
  if (method !== 'GET' && method !== 'HEAD') return send(response, 405, 'text/plain', 'GET only\n');
  switch (path) {
    case '/healthz':
      return send(response, 200, 'application/json', JSON.stringify({ status: 'ok' }));
    case '/readyz': {
      const readiness = await options.readiness();
      return send(response, readiness.status === 'ready' ? 200 : 503, 'application/json', JSON.stringify(readiness));
    }
    case '/metrics':
      return send(response, 200, options.registry.contentType, await options.registry.metrics());
    default:
      return send(response, 404, 'text/plain', '/healthz, /readyz, /metrics\n');
  }
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  if (!response.headersSent) response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(body);
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
