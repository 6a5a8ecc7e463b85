/** The mails that tell security what went wrong: one alert, or several at once. */
import type { ComposedMail } from './approval-mail.ts';
import { renderMail, type MailBlock } from './mail-layout.ts';

export interface AlertMailInput {
  kind: string;
  /** No personal data; see the store. */
  text: string;
  raisedAt: Date;
  /** What helps to judge it, each with the commands that act on it. */
  details: { title: string; lines: string[] }[];
}

/** `alerts` holds at least one. */
export function alertMail(alerts: readonly AlertMailInput[]): ComposedMail {
  const [first] = alerts;
  const subject = alerts.length === 1 && first ? subjectOf(first.kind) : `${alerts.length} Usher alerts`;
  const blocks = alerts.flatMap((alert): MailBlock[] => [
    ...(alerts.length === 1
      ? []
      : [{ kind: 'fold' as const, title: `${momentOf(alert.raisedAt)}: ${subjectOf(alert.kind)}` }]),
    ...alert.text.split('\n').map((text) => ({ kind: 'text' as const, text })),
    ...(alert.details.length === 0 ? [] : [{ kind: 'entries' as const, entries: alert.details }]),
  ]);
  return { subject, ...renderMail({ preview: first?.text ?? subject, blocks }) };
}

function subjectOf(kind: string): string {
  return kind === 'leaversHeld' ? 'Usher holds leavers: more than policy allows' : `Usher alert: ${kind}`;
}

const momentOf = (at: Date): string => `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
