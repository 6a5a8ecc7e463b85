/** Stands in for the server: answers `/readyz` and writes down the environment that it was given. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

writeFileSync(
  join(process.env['USHER_DATA_DIR'] ?? '', 'server-environment.json'),
  JSON.stringify({ ...process.env, STAND_IN_PID: process.pid }),
);
createServer((request, response) => response.writeHead(request.url === '/readyz' ? 200 : 404).end()).listen(
  Number(process.env['USHER_HTTP_PORT']),
  '127.0.0.1',
);
