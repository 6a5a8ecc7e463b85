/** Named points at which a test kills the process for real. Without the variable they cost one comparison. */

/** `wanted` is `<name>` or `<name>:<nth>`: the process kills itself when the point is passed for the nth time. */
export function createCrashPoint(wanted: string | undefined): (name: string) => void {
  if (wanted === undefined) return () => undefined;
  const [wantedName, nth = '1'] = wanted.split(':');
  let left = Number(nth);
  return (name) => {
    if (name !== wantedName) return;
    left -= 1;
    if (left === 0) process.kill(process.pid, 'SIGKILL');
  };
}
