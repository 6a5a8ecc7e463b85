/** Stands in for the sandbox company where only the starter is under test: writes its two files, takes the webhook. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

const dir = process.env['SANDBOX_DATA_DIR'] ?? '';
const write = (name: string, value: unknown): void => writeFileSync(join(dir, name), JSON.stringify(value));

const server = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
  request.on('end', () => {
    write('received.json', { path: request.url, body });
    response.end();
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  write('environment.json', process.env);
  write('addresses.json', {
    systems: { bamboohr: url },
    origins: { bamboohr: url },
    mailbox: { url, smtp: { host: '127.0.0.1', port: 2525 } },
    control: url,
  });
  write('secrets.json', { bamboohr: { apiKey: 'hr' }, okta: { token: 'target' } });
  console.log('ready');
});
