import { describe, expect, test } from '@jest/globals';
import { createTokenSource } from '../../../src/connectors/kit/token-source.ts';

function source(lifetimeSeconds: number) {
  const clock = { ms: 1_000_000 };
  let issued = 0;
  const issue = async () => {
    issued += 1;
    await Promise.resolve();
    return { token: `token-${issued}`, lifetimeSeconds };
  };
  return { clock, tokens: createTokenSource(issue, () => clock.ms), issuedCount: () => issued };
}

describe('tokens', () => {
  test('calls that come at once share one request, and later ones the token', async () => {
    const { tokens, issuedCount } = source(3600);
    expect(await Promise.all([tokens.get(), tokens.get()])).toEqual(['token-1', 'token-1']);
    expect(await tokens.get()).toBe('token-1');
    expect(issuedCount()).toBe(1);
  });

  test('one is renewed a minute before its end', async () => {
    const { tokens, clock } = source(3600);
    await tokens.get();
    clock.ms += 3_539_999;
    expect(await tokens.get()).toBe('token-1');
    clock.ms += 1;
    expect(await tokens.get()).toBe('token-2');
  });

  test('of one that lives shorter than the margin, half its life is used', async () => {
    const { tokens, clock } = source(60);
    await tokens.get();
    clock.ms += 29_999;
    expect(await tokens.get()).toBe('token-1');
    clock.ms += 1;
    expect(await tokens.get()).toBe('token-2');
  });

  test('a refused one is forgotten, but not its successor', async () => {
    const { tokens } = source(3600);
    const first = await tokens.get();
    tokens.forget(first);
    expect(await tokens.get()).toBe('token-2');
    tokens.forget(first);
    expect(await tokens.get()).toBe('token-2');
  });

  test('a failed request is not kept', async () => {
    let isDown = true;
    const issue = () =>
      isDown ? Promise.reject(new Error('down')) : Promise.resolve({ token: 'token', lifetimeSeconds: 60 });
    const tokens = createTokenSource(issue, () => 0);
    await expect(tokens.get()).rejects.toThrow('down');
    isDown = false;
    expect(await tokens.get()).toBe('token');
  });
});
