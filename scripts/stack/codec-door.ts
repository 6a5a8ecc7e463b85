/**
 * Lets the Temporal UI of the local company read payloads without a login: it adds the operator's token and passes the
 * request on to the server, which decides as always. Only for a sandbox on this machine, whose UI asks nobody for a
 * login either; a real installation points its UI at the server's own endpoint.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';

const host = '127.0.0.1';
const bodyBytesMax = 4 * 1024 * 1024;
const timeoutMs = 10_000;

export interface CodecDoor {
  dataDir: string;
  port: number;
  /** Pages of this origin may ask, and no others. */
  uiOrigin: string;
  serverUrl: string;
}

/** Opens the door; resolves to what closes it. Rejects when the port is taken. */
export async function openCodecDoor(door: CodecDoor): Promise<() => Promise<void>> {
  const server = createServer((request, response) => {
    pass(door, request, response).catch(() => answer(response, 502));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port: door.port }, resolve);
  });
  return () =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
}

async function pass(door: CodecDoor, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.headers.origin !== door.uiOrigin) return answer(response, 403);
  response.setHeader('access-control-allow-origin', door.uiOrigin);
  response.setHeader('access-control-allow-headers', 'authorization, content-type, x-namespace');
  if (request.method === 'OPTIONS') return answer(response, 204);
  const tokenFile = join(door.dataDir, 'operator-token');
  if (request.method !== 'POST' || request.url?.split('?')[0] !== '/decode') return answer(response, 404);
  if (!existsSync(tokenFile)) return answer(response, 503);
  const body = await read(request);
  if (body === null) return answer(response, 413);
  const opened = await fetch(`${door.serverUrl}/codec/decode`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${readFileSync(tokenFile, 'utf8').trim()}`,
      'content-type': 'application/json',
    },
    body,
    signal: AbortSignal.timeout(timeoutMs),
  });
  answer(response, opened.status, await opened.text());
}

async function read(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyBytesMax) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function answer(response: ServerResponse, status: number, body = ''): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(body);
}
