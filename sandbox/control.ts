/**
 * The control port of the running sandbox company: where everything is, and the first morning on demand. Local and
 * private, like everything below `/_sandbox`.
 */
import { z } from 'zod';
import { HrError } from './bamboohr-hr.ts';
import type { Company } from './company-servers.ts';
import { createVendorKit, type SandboxServer } from './kit.ts';
import { runMorning } from './morning.ts';
import { Store } from './store.ts';

/** `addresses` answers null until every server listens. */
export function createControl(company: Company, addresses: () => object | null): SandboxServer {
  const { app, server } = createVendorKit({
    store: new Store({}, undefined),
    options: {},
    refuse: (c, status) => c.json({ error: 'not available' }, status as 500),
    describe: () => ({ isReady: addresses() !== null }),
  });
  app.onError((error, c) => {
    if (error instanceof HrError) return c.json({ error: error.message }, 409);
    return c.json({ error: error instanceof z.ZodError ? z.prettifyError(error) : 'Internal error' }, 500);
  });
  app.get('/_sandbox/addresses', (c) => {
    const known = addresses();
    return known === null ? c.json({ error: 'starting' }, 503) : c.json(known);
  });
  app.post('/_sandbox/morning', (c) =>
    c.json(runMorning(company.bamboohr.hr, { wiki: company.wiki.faults, crm: company.crm.faults })),
  );
  return server;
}
