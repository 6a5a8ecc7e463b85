/**
 * moto behind the sandbox's faults, as the conformance suite needs it. What moto answers with an error page although AWS
 * has it is filled in as empty, call by call, by who opens the gateway; everything else comes from moto.
 */
import { refuseIam } from '../../../sandbox/aws-iam.ts';
import { refuseIdentityCenter } from '../../../sandbox/aws-identity-center.ts';
import { isReadOperation } from '../../../sandbox/aws-wire.ts';
import { createVendorKit, type SandboxContext, type SandboxServer } from '../../../sandbox/kit.ts';
import { Store } from '../../../sandbox/store.ts';

export interface MotoGatewayOptions {
  target: string;
  now: () => Date;
  /** Bodies of successful answers, by operation. */
  gaps: Record<string, string>;
}

const passedOn = ['authorization', 'content-type', 'x-amz-target', 'x-amz-date'];

export function createMotoGateway({ target, now, gaps }: MotoGatewayOptions): SandboxServer {
  const { app, server } = createVendorKit({
    store: new Store({}, undefined),
    options: { now },
    refuse: (c, ...rest) => (isForm(c) ? refuseIam(c, ...rest) : refuseIdentityCenter(c, ...rest)),
    describe: () => ({ target }),
    async nameCall(c) {
      const operation = await operationOf(c);
      return { method: isReadOperation(operation) ? 'GET' : 'POST', path: `/${operation}` };
    },
  });
  app.post('/', async (c) => {
    const operation = await operationOf(c);
    const type = isForm(c) ? 'text/xml' : 'application/x-amz-json-1.1';
    const isLie = !isReadOperation(operation) && server.faults.pending.some(({ rule }) => rule.kind === 'lie');
    const filled = gaps[operation] ?? (isLie ? successOf(operation, isForm(c)) : undefined);
    if (filled !== undefined) return c.body(filled, 200, { 'content-type': type });
    const headers = passedOn.flatMap((name): [string, string][] => {
      const value = c.req.header(name);
      return value === undefined ? [] : [[name, value]];
    });
    const answer = await fetch(target, { method: 'POST', headers, body: await c.req.text() });
    const answerType = answer.headers.get('content-type') ?? type;
    return c.body(await answer.text(), answer.status as 200, { 'content-type': answerType });
  });
  return server;
}

const isForm = (c: SandboxContext): boolean => c.req.header('content-type')?.includes('form-urlencoded') === true;

async function operationOf(c: SandboxContext): Promise<string> {
  const target = c.req.header('x-amz-target');
  return target?.split('.')[1] ?? new URLSearchParams(await c.req.text()).get('Action') ?? '';
}

/** A lie is a success that never reached moto. */
function successOf(operation: string, isXml: boolean): string {
  return isXml ? `<${operation}Response><${operation}Result></${operation}Result></${operation}Response>` : '{}';
}
