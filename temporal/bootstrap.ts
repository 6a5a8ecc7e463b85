/** Makes a namespace what Usher needs: 90 days of retention and its search attributes. Idempotent; corrects what differs. */
import type { Connection } from '@temporalio/client';
import { SearchAttributeType } from '@temporalio/common';
import { msToTs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import { searchAttributes } from '../src/workflows/wire.ts';

/** The name and type of one search attribute. */
export interface NamedAttribute {
  name: string;
  type: SearchAttributeType;
}

export const retentionDays = 90;

const retentionSeconds = retentionDays * 86_400;
const Indexed = proto.temporal.api.enums.v1.IndexedValueType;
const indexedTypes: Record<SearchAttributeType, number> = {
  [SearchAttributeType.TEXT]: Indexed.INDEXED_VALUE_TYPE_TEXT,
  [SearchAttributeType.KEYWORD]: Indexed.INDEXED_VALUE_TYPE_KEYWORD,
  [SearchAttributeType.INT]: Indexed.INDEXED_VALUE_TYPE_INT,
  [SearchAttributeType.DOUBLE]: Indexed.INDEXED_VALUE_TYPE_DOUBLE,
  [SearchAttributeType.BOOL]: Indexed.INDEXED_VALUE_TYPE_BOOL,
  [SearchAttributeType.DATETIME]: Indexed.INDEXED_VALUE_TYPE_DATETIME,
  [SearchAttributeType.KEYWORD_LIST]: Indexed.INDEXED_VALUE_TYPE_KEYWORD_LIST,
};

const notFound = 5;
const alreadyExists = 6;
const retryEveryMs = 200;
const retries = 150;

const grpcCode = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;

const ignore =
  (code: number) =>
  (error: unknown): undefined => {
    if (grpcCode(error) === code) return undefined;
    throw error;
  };

/** A fresh namespace is unknown to the frontend's cache for a moment. */
async function retryNotFound<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (grpcCode(error) !== notFound || attempt >= retries) throw error;
      await new Promise((resolve) => setTimeout(resolve, retryEveryMs));
    }
  }
}

async function ensureNamespace({ workflowService }: Connection, namespace: string): Promise<void> {
  const retention = msToTs(retentionSeconds * 1000);
  await workflowService
    .registerNamespace({ namespace, description: 'Usher', workflowExecutionRetentionPeriod: retention })
    .catch(ignore(alreadyExists));
  const { config } = await retryNotFound(() => workflowService.describeNamespace({ namespace }));
  if (Number(config?.workflowExecutionRetentionTtl?.seconds) === retentionSeconds) return;
  await workflowService.updateNamespace({ namespace, config: { workflowExecutionRetentionTtl: retention } });
}

async function ensureAttributes(
  { operatorService }: Connection,
  namespace: string,
  attributes: readonly NamedAttribute[],
): Promise<void> {
  const list = async (): Promise<Record<string, number>> =>
    (await retryNotFound(() => operatorService.listSearchAttributes({ namespace }))).customAttributes ?? {};
  const existing = await list();
  const missing: Record<string, number> = {};
  for (const { name, type } of attributes) {
    if (existing[name] === undefined) missing[name] = indexedTypes[type];
    else if (existing[name] !== indexedTypes[type])
      throw new Error(
        `the search attribute ${name} exists in the namespace ${namespace} with another type than ${type}`,
      );
  }
  if (Object.keys(missing).length === 0) return;
  await retryNotFound(() => operatorService.addSearchAttributes({ namespace, searchAttributes: missing })).catch(
    ignore(alreadyExists),
  );
}

/**
 * Creates or corrects the namespace. When it resolves, a worker can poll it and a workflow can set every attribute.
 * Throws when an attribute exists with another type, which no bootstrap can mend.
 */
export async function bootstrapNamespace(
  connection: Connection,
  namespace: string,
  attributes: readonly NamedAttribute[] = Object.values(searchAttributes),
): Promise<void> {
  await ensureNamespace(connection, namespace);
  await ensureAttributes(connection, namespace, attributes);
  // Start and poll go through another cache than describe.
  await retryNotFound(() => connection.workflowService.countWorkflowExecutions({ namespace, query: '' }));
}
