/** Whether a process can do its work, part by part. Reasons are fixed sentences: whoever asks has no login. */

export interface Readiness {
  status: 'ready' | 'notReady';
  /** `ok`, or what is wrong with that part. */
  parts: Record<string, string>;
}

/** One part: answers what is wrong, or null. A look that fails or takes too long is wrong, too. */
export interface ReadinessPart {
  name: string;
  /** Said when the look itself fails. */
  otherwise: string;
  look: () => Promise<string | null>;
}

const LOOK_TIMEOUT_MS = 1_500;

/** Looks at all parts side by side. Never rejects. */
export async function readinessOf(parts: readonly ReadinessPart[]): Promise<Readiness> {
  const answers = await Promise.all(parts.map(async (part) => [part.name, (await lookAt(part)) ?? 'ok'] as const));
  const isReady = answers.every(([, text]) => text === 'ok');
  return { status: isReady ? 'ready' : 'notReady', parts: Object.fromEntries(answers) };
}

async function lookAt({ look, otherwise }: ReadinessPart): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), LOOK_TIMEOUT_MS);
  });
  try {
    return await Promise.race([look(), tooLong]);
  } catch {
    return otherwise;
  } finally {
    clearTimeout(timer);
  }
}
