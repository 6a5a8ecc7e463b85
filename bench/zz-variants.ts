import { proxyActivities, executeChild, upsertSearchAttributes, setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import * as wire from '../src/workflows/wire.ts';
const p = (queue?: string, eager = true) => proxyActivities<{ nothing(payload: string): Promise<string> }>({ startToCloseTimeout: '30s', allowEagerDispatch: eager, ...(queue ? { taskQueue: queue } : {}) });
const sa = (s: string) => upsertSearchAttributes([{ key: wire.searchAttributes.UsherState, value: s }]);
export async function bare(n: number, x: string): Promise<void> { const { nothing } = p(); for (let i = 0; i < n; i += 1) await nothing(x); }
export async function noEager(n: number, x: string): Promise<void> { const { nothing } = p(undefined, false); for (let i = 0; i < n; i += 1) await nothing(x); }
export async function otherQueue(n: number, x: string): Promise<void> { const { nothing } = p(); const o = p('bench-other'); for (let i = 0; i < n; i += 1) await (i > 0 && i < 5 ? o.nothing(x) : nothing(x)); }
export async function withSa(n: number, x: string): Promise<void> { const { nothing } = p(); sa('waiting'); await nothing(x); sa('provisioning'); for (let i = 1; i < n; i += 1) await nothing(x); sa('done'); }
export async function kid(n: number, x: string): Promise<void> { const { nothing } = p(); for (let i = 0; i < n; i += 1) await nothing(x); }
export async function withChild(n: number, x: string): Promise<void> { const { nothing } = p(); await nothing(x); await executeChild(kid, { args: [4, x], workflowId: workflowInfo().workflowId + '-k' }); await nothing(x); await nothing(x); }
export async function details(n: number, x: string): Promise<void> { const { nothing } = p(); for (let i = 0; i < n; i += 1) { setCurrentDetails(x); await nothing(x); } }
