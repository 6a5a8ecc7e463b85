/** The page `/`: who waits for whom, cases, systems with the accounts that they themselves hold, incidents. */
import { html } from 'hono/html';
import type { ApprovalView } from '../../store/read-approvals.ts';
import type { CaseView } from '../../store/read-cases.ts';
import type { HoldView } from '../../store/read-holds.ts';
import type { IncidentView } from '../../store/read-incidents.ts';
import type { SystemView } from '../../store/read-systems.ts';
import type { SystemAccounts } from '../accounts-of-systems.ts';
import { itemTitle } from './decide-page.ts';
import { layout, moment, type Html } from './layout.ts';

export interface HomeView {
  isLive: boolean;
  cases: CaseView[];
  approvals: ApprovalView[];
  holds: HoldView[];
  incidents: IncidentView[];
  systems: SystemView[];
  accounts: SystemAccounts[];
  mailboxUrl: string | null;
  temporalLink: (workflowId: string) => string | null;
}

const LIVE_SECONDS = 5;
/** Systems were asked for their accounts a moment ago. */
const ANSWER_SECONDS = 2;

export function homePage(view: HomeView): Html {
  const live = view.isLive ? html`<a href="/">stop refreshing</a>` : html`<a href="/?live=1">keep refreshing</a>`;
  const body = html`<header>
      <h1>Usher</h1>
      ${live} <a href="/?refresh=1">ask the systems again</a>
      ${view.mailboxUrl === null ? '' : html`<a href="${view.mailboxUrl}">mailbox</a>`}
    </header>
    ${section('Waiting for people', waiting(view))}
    ${view.holds.length === 0 ? '' : section('Held departures', holds(view))} ${section('Cases', cases(view))}
    ${section('Systems, as they themselves say', systems(view))} ${section('Incidents', incidents(view))}`;
  const isAnswerDue = view.accounts.some((held) => held.accounts === null && held.error === null);
  if (isAnswerDue) return layout('Usher', body, { refreshSeconds: ANSWER_SECONDS });
  return layout('Usher', body, view.isLive ? { refreshSeconds: LIVE_SECONDS } : {});
}

function section(title: string, content: Html): Html {
  return html`<h2>${title}</h2>
    <div class="card scroll">${content}</div>`;
}

function table(heads: string[], rows: Html[], empty: string): Html {
  if (rows.length === 0) return html`<span class="soft">${empty}</span>`;
  return html`<table>
    <thead>
      <tr>
        ${heads.map((head) => html`<th>${head}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`;
}

function linked(view: HomeView, workflowId: string, label: string): Html | string {
  const url = view.temporalLink(workflowId);
  return url === null ? label : html`<a href="${url}">${label}</a>`;
}

function waiting(view: HomeView): Html {
  const rows = view.approvals.map(
    (approval) =>
      html`<tr>
        <td class="who">${linked(view, approval.approvalId, approval.person.name)}</td>
        <td>${subjects(approval)}</td>
        <td>${approval.seats.map((seat) => awaited(seat, approval))}</td>
        <td class="when">${moment(approval.expiresAt)}</td>
      </tr>`,
  );
  return table(['For', 'What', 'Waits for', 'Due'], rows, 'Nobody is awaited.');
}

function subjects({ items }: ApprovalView): Html {
  if (items.every((item) => item.action === 'assignProfile'))
    return html`<details>
      <summary>a choice among ${items.length} profiles</summary>
      ${items.map((item) => html`<span class="tag">${item.profileId ?? ''}</span>`)}
    </details>`;
  return html`${items.map((item) => html`${itemTitle(item)} <span class="soft">risk ${item.risk}</span><br />`)}`;
}

/** A seat with those who may still fill it, or with who did. */
function awaited(seat: ApprovalView['seats'][number], { waitsFor, decisions }: ApprovalView): Html {
  const waiting = new Set(waitsFor.map(({ personId }) => personId));
  const said = new Set(decisions.map(({ approver }) => approver.personId));
  const open = seat.approvers.filter(({ personId }) => waiting.has(personId));
  const decided = seat.approvers.filter(({ personId }) => said.has(personId));
  const names = (people: typeof open): string => people.map(({ name }) => name).join(' or ');
  return html`${open.length === 0 ? '' : names(open)}
    ${decided.length === 0 ? '' : html`<span class="ok">${names(decided)} decided</span>`}
    <span class="soft">(${seat.role})</span><br />`;
}

function holds(view: HomeView): Html {
  const rows = view.holds.map(
    (hold) =>
      html`<tr>
        <td class="who">${linked(view, hold.caseId, hold.person)}</td>
        <td class="when">${moment(hold.effectiveAt)}</td>
        <td>${hold.reason ?? 'an unusual wave'}</td>
      </tr>`,
  );
  return table(['Who', 'Was due', 'Why held'], rows, 'Nothing is held.');
}

/** What the states of a case mean to a reader. */
const stateWords: Record<string, string> = {
  waiting: 'waits for its time',
  planning: 'is being planned',
  awaitingApproval: 'waits for people',
  provisioning: 'is being carried out',
  held: 'held',
  done: 'done',
  cancelled: 'cancelled',
  superseded: 'superseded',
  failed: 'failed',
};

function stateOf({ kind, state, isEffective }: CaseView): string {
  if (kind === 'leaver' && state === 'waiting' && isEffective) return 'removed; looks again';
  return stateWords[state] ?? state;
}

function cases(view: HomeView): Html {
  const tone = { done: 'ok', failed: 'bad', held: 'bad', awaitingApproval: 'warn' } as Record<string, string>;
  const rows = view.cases.map(
    (found) =>
      html`<tr>
        <td class="who">${linked(view, found.caseId, found.person)}</td>
        <td>${found.kind}</td>
        <td class="${tone[found.state] ?? ''}" title="${found.state}">${stateOf(found)}</td>
        <td class="when">${moment(found.effectiveAt)}</td>
        <td class="when">${found.dueAt === null ? '' : moment(found.dueAt)}</td>
      </tr>`,
  );
  return table(['Who', 'Kind', 'State', 'Effective', 'Next step due'], rows, 'No case yet.');
}

function systems(view: HomeView): Html {
  const rows = view.systems.map((system) => {
    const held = view.accounts.find((each) => each.systemId === system.systemId);
    const product = system.connector === system.systemId ? '' : html`<span class="soft">${system.connector}</span>`;
    return html`<tr>
      <td class="who">${system.displayName} ${product}</td>
      <td>${health(system)}</td>
      <td>${held === undefined ? html`<span class="soft">no accounts to hand out</span>` : accounts(held)}</td>
    </tr>`;
  });
  return table(['System', 'Health', 'Accounts'], rows, 'No policy is active yet.');
}

function health(system: SystemView): Html {
  return system.failingSince === null
    ? html`<span class="ok">answers</span>`
    : html`<span class="bad">${system.lastErrorCode ?? 'fails'} since ${moment(system.failingSince)}</span>`;
}

function accounts(held: SystemAccounts): Html {
  if (held.error !== null) return html`<span class="bad">${held.error}</span>`;
  if (held.accounts === null) return html`<span class="soft">asked; the answer comes in a moment</span>`;
  const active = held.accounts.filter((account) => account.canLogIn).length;
  return html`<details>
    <summary>
      ${held.accounts.length} accounts, ${active} can log in
      <span class="soft">${held.askedAt === null ? '' : moment(held.askedAt)}</span>
    </summary>
    ${table(
      ['Account', 'State', 'Holds'],
      held.accounts.map(
        (account) =>
          html`<tr>
            <td>${account.person ?? html`<span class="warn">nobody known</span> <code>${account.accountId}</code>`}</td>
            <td class="who ${account.canLogIn ? 'ok' : 'soft'}">${account.vendorStatus.toLowerCase()}</td>
            <td>${account.entitlements.map((id) => html`<span class="tag">${id}</span>`)}</td>
          </tr>`,
      ),
      'No account.',
    )}
  </details>`;
}

function incidents(view: HomeView): Html {
  const rows = view.incidents.map(
    (incident) =>
      html`<tr>
        <td class="${incident.state === 'open' ? 'bad' : 'soft'}">${incident.state}</td>
        <td>${incident.systemId}: ${incident.summary}</td>
        <td>${incident.ticketNumber ?? 'no ticket yet'}</td>
        <td>${incident.attached.length}</td>
        <td class="when">${moment(incident.openedAt)}</td>
      </tr>`,
  );
  return table(['State', 'What', 'Ticket', 'Items', 'Since'], rows, 'No incident.');
}
