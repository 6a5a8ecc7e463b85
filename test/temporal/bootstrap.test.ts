/** The namespace that Usher runs in, on the real server. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Connection } from '@temporalio/client';
import { SearchAttributeType } from '@temporalio/common';
import { searchAttributes } from '../../src/workflows/wire.ts';
import { bootstrapNamespace, retentionDays } from '../../temporal/bootstrap.ts';
import { createTestNamespace, type TestNamespace } from '../support/temporal-env.ts';

describe('bootstrapNamespace', () => {
  let connection: Connection;
  let env: TestNamespace;

  beforeAll(async () => {
    env = await createTestNamespace();
    connection = await Connection.connect({ address: env.address });
  });
  afterAll(() => connection.close());

  const customAttributes = async (): Promise<Record<string, unknown>> =>
    (await connection.operatorService.listSearchAttributes({ namespace: env.namespace })).customAttributes ?? {};

  test('keeps histories for 90 days and knows every search attribute of the wire names', async () => {
    const { config } = await connection.workflowService.describeNamespace({ namespace: env.namespace });
    expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(retentionDays * 86_400);
    const names = Object.values(searchAttributes).map(({ name }) => name);
    expect(names.length).toBeGreaterThan(0);
    expect(Object.keys(await customAttributes())).toEqual(expect.arrayContaining(names));
  });

  test('corrects a retention that differs and changes nothing else on a second run', async () => {
    const before = await customAttributes();
    const { namespace } = env;
    const day = { seconds: 86_400 } as never;
    await connection.workflowService.updateNamespace({ namespace, config: { workflowExecutionRetentionTtl: day } });
    await bootstrapNamespace(connection, namespace);
    const { config } = await connection.workflowService.describeNamespace({ namespace });
    expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(retentionDays * 86_400);
    expect(await customAttributes()).toEqual(before);
  });

  test('refuses an attribute that exists with another type', async () => {
    const attributes = [{ name: 'UsherPersonId', type: SearchAttributeType.INT }];
    await expect(bootstrapNamespace(connection, env.namespace, attributes)).rejects.toThrow(
      /UsherPersonId exists .* with another type/,
    );
  });
});
