/** The work e-mail on its way back to HR: into an empty field, once, and never over what HR wrote. */
import { expect, test } from '@jest/globals';
import { ctx, expectFailure, type HrisHarness } from './harness.ts';

const address = 'ada.byron@example.test';
const values = { workEmail: address, login: address };

export function describeWriteBack(current: () => HrisHarness): void {
  const writes = () => current().sandbox.calls.filter(({ method }) => method !== 'GET');

  test('an empty field is filled once, of this person only, or the connector says that it cannot', async () => {
    const { connector, manifest, hire, workEmailOf } = current();
    const [sourceKey, other] = [hire(), hire()];
    if (!manifest.capabilities.workEmailWriteBack) {
      await expectFailure(connector.writeWorkEmail(sourceKey, values, ctx), 'unsupported');
      return;
    }
    expect(await connector.writeWorkEmail(sourceKey, values, ctx)).toMatchObject({ outcome: 'changed' });
    expect(await connector.writeWorkEmail(sourceKey, values, ctx)).toMatchObject({ outcome: 'unchanged' });
    expect(writes()).toHaveLength(1);
    expect([workEmailOf(sourceKey), workEmailOf(other)]).toEqual([address, null]);
    expect(await connector.getPerson(sourceKey, ctx)).toMatchObject({ workEmail: address });
  });

  test('what HR wrote stays', async () => {
    const { connector, manifest, hire, setWorkEmail, workEmailOf } = current();
    if (!manifest.capabilities.workEmailWriteBack) return;
    const sourceKey = hire();
    setWorkEmail(sourceKey, 'by.hr@example.test');
    expect(await connector.writeWorkEmail(sourceKey, values, ctx)).toMatchObject({ outcome: 'unchanged' });
    expect(workEmailOf(sourceKey)).toBe('by.hr@example.test');
    expect(writes()).toEqual([]);
  });

  test('an address that somebody else has is a conflict, and a person who is gone is not found', async () => {
    const { connector, manifest, hire, setWorkEmail, workEmailOf } = current();
    if (!manifest.capabilities.workEmailWriteBack) return;
    setWorkEmail(hire(), address);
    const sourceKey = hire();
    await expectFailure(connector.writeWorkEmail(sourceKey, values, ctx), 'conflict');
    expect(workEmailOf(sourceKey)).toBeNull();
    await expectFailure(connector.writeWorkEmail('987654', values, ctx), 'notFound');
  });

  test('a lost answer is an unknown outcome, a success without effect is written again', async () => {
    const { connector, manifest, hire, sandbox, workEmailOf } = current();
    if (!manifest.capabilities.workEmailWriteBack) return;
    const [lost, lied] = [hire(), hire()];
    sandbox.faults.add({ kind: 'lostResponse', method: 'POST' });
    await expectFailure(connector.writeWorkEmail(lost, values, ctx), 'unknownOutcome');
    expect(await connector.writeWorkEmail(lost, values, ctx)).toMatchObject({ outcome: 'unchanged' });
    const second = { workEmail: 'second@example.test', login: 'second@example.test' };
    sandbox.faults.add({ kind: 'lie', method: 'POST' });
    await connector.writeWorkEmail(lied, second, ctx);
    expect(workEmailOf(lied)).toBeNull();
    expect(await connector.writeWorkEmail(lied, second, ctx)).toMatchObject({ outcome: 'changed' });
    expect(workEmailOf(lied)).toBe(second.workEmail);
  });
}
