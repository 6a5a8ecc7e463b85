/** Runs the command `usher` in this process against a world, as the holder of a token. */
import { runCli } from '../../src/cli/program.ts';

export interface Ran {
  exitCode: number;
  out: string;
  error: string;
}

export async function runUsher(args: string[], as: { url: string; token: string }): Promise<Ran> {
  let [out, error] = ['', ''];
  const exitCode = await runCli(args, {
    env: { USHER_SERVER_URL: as.url, USHER_TOKEN: as.token },
    writeOut: (text) => void (out += text),
    writeError: (text) => void (error += text),
  });
  return { exitCode, out, error };
}
