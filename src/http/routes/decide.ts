/**
 * The page of a one-time link from the mail. GET shows and changes nothing, because mail scanners follow links; POST
 * decides, once. The secret in the path is the proof of who decides, so no other site can forge the form.
 */
import { claimSecret, findSecret, releaseSecret, type FoundSecret } from '../../auth/approval-secrets.ts';
import { AppError } from '../../domain/errors.ts';
import { ItemVerdict } from '../../schemas/decision.ts';
import { findPersonByKey, latestSnapshot } from '../../store/people.ts';
import { findApproval, type ApprovalView, type ItemView } from '../../store/read-approvals.ts';
import { readNames } from '../../store/read-names.ts';
import { askQuestion } from '../../use-cases/approval-questions.ts';
import { submitDecision } from '../../use-cases/submit-decision.ts';
import type { AppContext, HttpDeps } from '../app-types.ts';
import { Reason } from '../../schemas/api-common.ts';
import { parseInput } from '../input.ts';
import { decidePage, itemTitle, type DecideCard } from '../pages/decide-page.ts';
import { day, messagePage, moment, type Html } from '../pages/layout.ts';
import type { Router } from '../router.ts';

export function decideRoutes(router: Router, deps: HttpDeps): void {
  router.open('GET /decide/:secret', async (c) => {
    const opened = await openLink(deps, c);
    if (opened.kind === 'closed') return c.html(opened.page, opened.status);
    return c.html(decidePage(await cardOf(deps, opened)));
  });
  router.open('POST /decide/:secret', async (c) => {
    const opened = await openLink(deps, c);
    if (opened.kind === 'closed') return c.html(opened.page, opened.status);
    const form = new URLSearchParams(await c.req.text());
    try {
      if (isQuestion(form)) return c.html(await ask(deps, opened, form));
      return c.html(await decide(deps, opened, form));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (error.code !== 'invalidInput') return c.html(messagePage('Not decided', [error.message]), 409);
      return c.html(decidePage(await cardOf(deps, opened, form, error.message)), 400);
    }
  });
}

interface OpenLink {
  kind: 'open';
  secret: string;
  link: FoundSecret;
  approval: ApprovalView;
  openItems: ItemView[];
}

type OpenedLink = OpenLink | { kind: 'closed'; page: Html; status: 404 | 410 };

async function openLink(deps: HttpDeps, c: AppContext): Promise<OpenedLink> {
  const secret = c.req.param('secret') ?? '';
  const now = deps.now();
  const link = /^[A-Za-z0-9_-]{43}$/.test(secret) ? await findSecret(deps.db, secret, now) : null;
  const approval = link ? await findApproval(deps.db, deps, link.approvalId, now) : null;
  if (!link || !approval || link.status === 'departed') return { kind: 'closed', status: 404, page: unknownLink() };
  const mine = approval.decisions.filter((decision) => decision.approver.personId === link.approverId);
  const decided = new Set(mine.flatMap(({ verdicts }) => verdicts.map((verdict) => verdict.itemDigest)));
  const openItems = approval.items.filter((item) => !decided.has(item.itemDigest));
  const closed = closedPage(link, approval, mine, openItems, now);
  return closed ? { kind: 'closed', status: 410, page: closed } : { kind: 'open', secret, link, approval, openItems };
}

const unknownLink = (): Html =>
  messagePage('This link is not known', ['It may be incomplete: copy the whole address from the mail.']);

/** Why the link cannot decide any more, or null when it can. */
function closedPage(
  link: FoundSecret,
  approval: ApprovalView,
  mine: ApprovalView['decisions'],
  openItems: ItemView[],
  now: Date,
): Html | null {
  const last = mine.at(-1);
  if (last && openItems.length === 0)
    return messagePage('You have decided this', [`Your decision was recorded at ${moment(last.decidedAt)}.`]);
  if (approval.state === 'cancelled')
    return messagePage('This is no longer needed', [
      'The request was cancelled, or something newer took its place. Nothing was granted by it, and there is nothing to do.',
    ]);
  if (approval.state === 'decided') return messagePage('This is decided already', decidedBy(approval));
  if (approval.state === 'expired' || Date.parse(approval.expiresAt) <= now.getTime())
    return messagePage('The time to decide is over', [
      `It ended at ${moment(approval.expiresAt)}. What was not decided by then counts as denied.`,
    ]);
  switch (link.status) {
    case 'live':
      return null;
    case 'used':
      return messagePage('This link was used', ['It works once. A reminder brings a new one for what is still open.']);
    case 'replaced':
      return messagePage('A newer link exists', ['Use the link in the newest mail about this request.']);
    case 'expired':
      return messagePage('This link has expired', [
        'The request is still open: the next reminder brings a new link, or run: usher approvals',
      ]);
    case 'departed':
      return unknownLink();
    default:
      return link.status satisfies never;
  }
}

function decidedBy(approval: ApprovalView): string[] {
  const lines = approval.decisions.map(({ approver, decidedAt, verdicts }) => {
    const isDenial = verdicts.some(({ verdict }) => verdict === 'deny');
    return `${approver.name} ${isDenial ? 'denied' : 'approved'} at ${moment(decidedAt)}.`;
  });
  return [...lines, 'There is nothing left to do.'];
}

/** The page has two forms; one that decides anything decides. */
const isQuestion = (form: URLSearchParams): boolean =>
  form.has('question') && ![...form.keys()].some((key) => key.startsWith('v.') || key === 'reason');

async function ask(deps: HttpDeps, { link }: OpenLink, form: URLSearchParams): Promise<Html> {
  const text = parseInput(Reason.trim().min(1, 'expected a question'), form.get('question'), 'question');
  const { approvalId, approverId } = link;
  await askQuestion(deps, { approvalId, askerId: approverId, text, ofId: null });
  return messagePage('You have asked', [
    'The time to decide stands still until the answer, which comes to you by mail with a new link.',
    'This link stays good: you may decide without the answer at any time.',
  ]);
}

async function decide(deps: HttpDeps, opened: OpenLink, form: URLSearchParams): Promise<Html> {
  const { link, openItems } = opened;
  const reason = form.get('reason') ?? '';
  if (reason.length > 2000) throw new AppError('invalidInput', 'reason: at most 2000 characters', 'reason');
  const verdicts = openItems.map((item) => {
    // A box that is not ticked is not sent.
    const verdict = form.get(`v.${item.itemDigest}`) ?? (item.action === 'assignProfile' ? 'deny' : null);
    if (verdict !== 'approve' && verdict !== 'deny')
      throw new AppError('invalidInput', `${itemTitle(item)}: choose approve or deny`, `v.${item.itemDigest}`);
    return parseInput(ItemVerdict, { itemDigest: item.itemDigest, verdict }, 'verdict');
  });
  // Taken before the decision, so that of two clicks at once only one decides.
  if (!(await claimSecret(deps.db, opened.secret, deps.now())))
    throw new AppError('alreadyDecided', 'This link was used a moment ago.');
  const { approvalId, approverId } = link;
  try {
    await submitDecision(deps, { approvalId, approverId, surface: 'mail', verdicts, reason });
  } catch (error) {
    await releaseSecret(deps.db, opened.secret);
    throw error;
  }
  const denied = verdicts.filter(({ verdict }) => verdict === 'deny').length;
  return messagePage('Thank you, it is decided', [
    `For ${opened.approval.person.name}: ${verdicts.length - denied} approved, ${denied} denied.`,
    'The decision is signed and recorded. You can close this page.',
  ]);
}

async function cardOf(
  deps: HttpDeps,
  opened: OpenLink,
  form = new URLSearchParams(),
  problem: string | null = null,
): Promise<DecideCard> {
  const { approval } = opened;
  const active = await deps.policies.active();
  const systems = new Map(active?.policy.systems.map((system) => [system.id, system.displayName]));
  const chosen = [...form].flatMap(([key, value]) => (key.startsWith('v.') ? [[key.slice(2), value] as const] : []));
  return {
    approval,
    approverId: opened.link.approverId,
    about: await aboutPerson(deps, approval),
    systemName: (systemId) => systems.get(systemId) ?? systemId,
    openItems: opened.openItems,
    chosen: new Map(chosen),
    reason: form.get('reason') ?? '',
    question: form.get('question') ?? '',
    problem,
  };
}

/** What an approver needs to know about the person; never an end of employment. */
async function aboutPerson(deps: HttpDeps, approval: ApprovalView): Promise<DecideCard['about']> {
  const snapshot = await latestSnapshot(deps.db, deps, approval.person.personId);
  if (!snapshot) return [{ label: 'For', value: approval.person.name }];
  const { facts, source } = snapshot;
  const manager = facts.managerKey === null ? null : await findPersonByKey(deps.db, source, facts.managerKey);
  const nameOf = await readNames(deps.db, deps, [manager?.person_id ?? null]);
  const rows: [string, string | null][] = [
    ['For', facts.displayName],
    ['Title', facts.title],
    ['Department', facts.department],
    ['Location', facts.location],
    ['Employment', facts.employmentType],
    ['Manager', manager ? nameOf(manager.person_id) : 'none on record'],
    ['First day', facts.startDate === null ? null : day(facts.startDate)],
    ['Asked by', 'Usher, because the HR record says so'],
  ];
  return rows.flatMap(([label, value]) => (value === null ? [] : [{ label, value }]));
}
