/** Waits for all, also when one fails, and then throws the first error. */

/**
 * `Promise.all` ends at the first rejection: a case that was cancelled would close as soon as the first of its calls had
 * ended, and the write of another would land after that.
 */
export async function allOf<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(promises);
  return settled.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
}
