/**
 * `cases --watch`: on a terminal a table that renews itself, elsewhere one line for each case and for each change of one.
 * A server that does not answer is told and asked again: whoever watches wants to see it come back.
 */
import type { Command } from 'commander';
import { z } from 'zod';
import { printableText } from '../domain/printable-text.ts';
import type { ApiClient } from './api-client.ts';
import { CaseList } from './api-shapes.ts';
import { apiOf, isJson, type CliContext } from './command-context.ts';
import { CliError, exitCodes } from './exit-code.ts';
import { moment } from './output.ts';
import type { Terminal } from './terminal.ts';

type Case = (typeof CaseList._output)['cases'][number];

export interface WatchOptions {
  state?: string;
  every?: string;
}

const EverySeconds = z.coerce.number().min(1).max(60).default(2);
const CTRL_C = '\u0003';

/** Ends by `q` or Ctrl-C on a terminal, and by a signal elsewhere. */
export async function watchCases(context: CliContext, command: Command, options: WatchOptions): Promise<void> {
  const every = EverySeconds.safeParse(options.every);
  if (!every.success) throw new CliError(exitCodes.usage, '--every: expected 1 to 60 seconds');
  const api = apiOf(context, command);
  const query = options.state === undefined ? '' : `?state=${encodeURIComponent(options.state)}`;
  const read = (): Promise<Case[]> => readCases(api, query);
  const pauseMs = every.data * 1000;
  if (context.terminal && !isJson(command)) return watchLive(context.terminal, read, pauseMs);
  return watchLines(context, isJson(command), read, pauseMs);
}

async function readCases(api: ApiClient, query: string): Promise<Case[]> {
  return (await api.get(`/api/v1/cases${query}`, CaseList)).cases;
}

/** Waits; ends early when the signal is given. */
function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end);
  });
}

async function watchLive(terminal: Terminal, read: () => Promise<Case[]>, pauseMs: number): Promise<void> {
  const ending = new AbortController();
  const stopKeys = terminal.onKey((key) => {
    if (key === 'q' || key === 'Q' || key === CTRL_C) ending.abort();
  });
  const hint = stopKeys ? 'q ends this' : 'Ctrl-C ends this';
  let cases: Case[] = [];
  try {
    while (!ending.signal.aborted) {
      let note = `as of ${new Date().toISOString().slice(11, 19)}Z`;
      try {
        cases = await read();
      } catch (error) {
        if (!(error instanceof CliError) || error.exitCode !== exitCodes.unavailable) throw error;
        note = `${error.message} Asking again; what is shown is older.`;
      }
      if (!ending.signal.aborted) terminal.draw(tableOf(cases, terminal, `${note} · ${hint}`));
      await pause(pauseMs, ending.signal);
    }
  } finally {
    stopKeys?.();
    terminal.done();
  }
}

const heads = ['person', 'kind', 'state', 'effective', 'case'];
const CELL_MAX = [28, 10, 16, 17, 60];

/** Open cases first; as many as fit, and a line that tells of the rest. */
export function tableOf(cases: readonly Case[], size: Pick<Terminal, 'rows' | 'columns'>, foot: string): string {
  const open = cases.filter((each) => each.closedAt === null);
  const sorted = [...open, ...cases.filter((each) => each.closedAt !== null)];
  const shown = sorted.slice(0, Math.max(1, size.rows() - 5));
  const rows = shown.map((each) => [each.person, each.kind, each.state, moment(each.effectiveAt), each.caseId]);
  const all = [heads, ...rows].map((row) => row.map((cell, index) => cut(printableText(cell), CELL_MAX[index] ?? 20)));
  const widths = heads.map((_, index) => Math.max(...all.map((row) => lengthOf(row[index] ?? ''))));
  const lines = all.map((row) =>
    row
      .map((cell, index) => pad(cell, widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const hidden = sorted.length - shown.length;
  const waiting = open.filter((each) => each.state === 'awaitingApproval').length;
  const summary = `${cases.length} ${cases.length === 1 ? 'case' : 'cases'}, ${open.length} open, ${waiting} waiting for people${hidden > 0 ? `, ${hidden} not shown` : ''}`;
  return [...(rows.length === 0 ? ['No case.'] : lines), '', `${summary} · ${printableText(foot)}`]
    .map((line) => cut(line, Math.max(20, size.columns() - 1)))
    .join('\n');
}

/** What a reader sees as one character is one, however many code points it has. */
const segmenter = new Intl.Segmenter();
const charactersOf = (text: string): string[] => Array.from(segmenter.segment(text), ({ segment }) => segment);
const lengthOf = (text: string): number => charactersOf(text).length;
const pad = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - lengthOf(text)));

function cut(text: string, width: number): string {
  const characters = charactersOf(text);
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join('')}…`;
}

async function watchLines(
  context: CliContext,
  asJson: boolean,
  read: () => Promise<Case[]>,
  pauseMs: number,
): Promise<never> {
  const seen = new Map<string, string>();
  let isDown = false;
  for (;;) {
    try {
      // The list is newest first; lines are read from above.
      for (const each of (await read()).toReversed()) {
        if (seen.get(each.caseId) === each.state) continue;
        seen.set(each.caseId, each.state);
        if (asJson) context.write(`${JSON.stringify(each)}\n`);
        else
          context.out.line(`${each.person}  ${each.kind}  ${each.state}  ${moment(each.effectiveAt)}  ${each.caseId}`);
      }
      isDown = false;
    } catch (error) {
      if (!(error instanceof CliError) || error.exitCode !== exitCodes.unavailable) throw error;
      if (!isDown) context.writeError(`${printableText(error.message)} Asking again.\n`);
      isDown = true;
    }
    await pause(pauseMs);
  }
}
