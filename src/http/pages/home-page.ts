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

export function homePage(view: HomeView): Html {
  const live = view.isLive ? html`<a href="/">stop renewing</a>` : html`<a href="/?live=1">renew by itself</a>`;
  const body = html`<header>
      <h1>Usher</h1>
      ${live} <a href="/?refresh=1">ask the systems again</a>
      ${view.mailboxUrl === null ? '' : html`<a href="${view.mailboxUrl}">mailbox</a>`}
    </header>
    ${section('Waiting for people', waiting(view))}
    ${view.holds.length === 0 ? '' : section('Held departures', holds(view))} ${section('Cases', cases(view))}
    ${section('Systems, as they themselves say', systems(view))} ${section('Incidents', incidents(view))}`;
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
        <td>${linked(view, approval.approvalId, approval.person.name)}</td>
        <td>
          ${approval.items.map((item) => html`${itemTitle(item)} <span class="soft">risk ${item.risk}</span><br />`)}
        </td>
        <td>${approval.waitsFor.map(({ name }) => html`${name}<br />`)}</td>
        <td>${approval.seatsFilled} of ${approval.seats.length}</td>
        <td>${moment(approval.expiresAt)}</td>
      </tr>`,
  );
  return table(['Who for', 'What', 'Waits for', 'Said', 'Due'], rows, 'Nobody is awaited.');
}

function holds(view: HomeView): Html {
  const rows = view.holds.map(
    (hold) =>
      html`<tr>
        <td>${linked(view, hold.caseId, hold.person)}</td>
        <td>${moment(hold.effectiveAt)}</td>
        <td>${hold.reason ?? 'an unusual wave'}</td>
      </tr>`,
  );
  return table(['Who', 'Was due', 'Why held'], rows, 'Nothing is held.');
}

function cases(view: HomeView): Html {
  const tone = { done: 'ok', failed: 'bad', held: 'bad', awaitingApproval: 'warn' } as Record<string, string>;
  const rows = view.cases.map(
    (found) =>
      html`<tr>
        <td>${linked(view, found.caseId, found.person)}</td>
        <td>${found.kind}</td>
        <td class="${tone[found.state] ?? ''}">${found.state}</td>
        <td>${moment(found.effectiveAt)}</td>
        <td>${moment(found.openedAt)}</td>
      </tr>`,
  );
  return table(['Who', 'Kind', 'State', 'Effective', 'Opened'], rows, 'No case yet.');
}

function systems(view: HomeView): Html {
  const rows = view.systems.map((system) => {
    const held = view.accounts.find((each) => each.systemId === system.systemId);
    return html`<tr>
      <td>
        ${system.displayName}<br /><span class="soft">${system.systemId}, ${system.connector}</span><br />
        ${health(system)}
      </td>
      <td>${held === undefined ? html`<span class="soft">holds no accounts</span>` : accounts(held)}</td>
    </tr>`;
  });
  return table(['System', 'Accounts'], rows, 'No policy is active yet.');
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
            <td class="${account.canLogIn ? 'ok' : 'soft'}">${account.vendorStatus}</td>
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
        <td>${moment(incident.openedAt)}</td>
      </tr>`,
  );
  return table(['State', 'What', 'Ticket', 'Items', 'Since'], rows, 'No incident.');
}
