/** A process of the benchmark that reads all accounts of a system: through the connector, or by a bare loop over the same pages. */
import axios from 'axios';
import { openConnector } from '../src/connectors/kit/open-connector.ts';
import { eachPage } from '../src/connectors/kit/paging.ts';
import { scim } from '../src/connectors/scim.ts';
import { answer } from './child.ts';

export interface ReadFigures {
  accounts: number;
  seconds: number;
  /** Of this process alone; says more than the time where others use the machine as well. */
  cpuSeconds: number;
  /** The most that this process ever held. */
  peakRssMib: number;
}

interface System {
  url: string;
  token: string;
  pageSize: number;
}

async function timed(read: () => Promise<number>): Promise<ReadFigures> {
  const startedMs = performance.now();
  const before = process.cpuUsage();
  const accounts = await read();
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - startedMs) / 1000;
  return { accounts, seconds, cpuSeconds: (user + system) / 1e6, peakRssMib: process.resourceUsage().maxRSS / 1024 };
}

function byConnector({ url, token, pageSize }: System): Promise<ReadFigures> {
  return timed(async () => {
    // From its own file: what other products' libraries weigh is not the weight of reading.
    const connector = openConnector('target', scim, {
      systemId: 'bench',
      config: { url, token, quirks: { pageMax: pageSize } },
      now: Date.now,
      // The rate that a vendor allows is not what is measured.
      rateLimiter: { take: () => ({ ok: true }) },
    });
    const call = { operationKey: 'bench' };
    let count = 0;
    const pages = eachPage((cursor) => connector.listAccounts(cursor, call), {
      systemId: 'bench',
      operation: 'listAccounts',
    });
    for await (const page of pages) count += page.length;
    return count;
  });
}

function byBareLoop({ url, token, pageSize }: System): Promise<ReadFigures> {
  return timed(async () => {
    const http = axios.create({ baseURL: url, headers: { authorization: `Bearer ${token}` } });
    let count = 0;
    for (let total = 1; count < total;) {
      const { data } = await http.get<{ totalResults: number; Resources: unknown[] }>('/Users', {
        params: { startIndex: count + 1, count: pageSize },
      });
      total = data.totalResults;
      count += data.Resources.length;
    }
    return count;
  });
}

answer({ start: () => ({}), byConnector, byBareLoop }, () => Promise.resolve());
