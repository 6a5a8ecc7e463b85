/** The card on which somebody decides: everything that is needed for a good decision, and a form. Reading it decides nothing. */
import { html } from 'hono/html';
import type { ApprovalView, ItemView } from '../../store/read-approvals.ts';
import { needsReasonToApprove } from '../check-reason.ts';
import { layout, moment, type Html } from './layout.ts';

export interface DecideCard {
  approval: ApprovalView;
  approverId: string;
  /** The person's facts in the order in which they are shown. */
  about: { label: string; value: string }[];
  systemName: (systemId: string) => string;
  /** Items that this approver has not decided yet. */
  openItems: ItemView[];
  /** What was chosen before the form was found wanting. */
  chosen: ReadonlyMap<string, string>;
  reason: string;
  problem: string | null;
}

export function decidePage(card: DecideCard): Html {
  const { approval } = card;
  const title = `Access for ${approval.person.name}`;
  const body = html`<header>
      <h1>${title}</h1>
      <span class="soft">due ${moment(approval.expiresAt)}; silence is a denial</span>
    </header>
    ${card.problem === null ? '' : html`<div class="card notice" role="alert">${card.problem}</div>`} ${context(card)}
    ${decideForm(card)}
    <p class="soft">Approval <code>${approval.approvalId}</code></p>`;
  return layout(title, body);
}

function context(card: DecideCard): Html {
  const { approval } = card;
  const count = `${approval.seatsFilled} of ${approval.seats.length} needed`;
  const rows: { label: string; value: Html | string }[] = [
    ...card.about,
    { label: 'Why you', value: whyYou(card) },
    { label: 'Decided so far', value: approval.seats.length > 1 ? `${count}, by different people` : count },
    { label: 'Who else', value: whoElse(card) },
  ];
  return html`<div class="card">
    <dl>
      ${rows.map(
        ({ label, value }) =>
          html`<dt>${label}</dt>
            <dd>${value}</dd>`,
      )}
    </dl>
  </div>`;
}

function decideForm(card: DecideCard): Html {
  return html`<form method="post">
    <div class="card scroll">
      <table>
        <thead>
          <tr>
            <th>What</th>
            <th>Where</th>
            <th>Risk</th>
            <th>Your decision</th>
          </tr>
        </thead>
        <tbody>
          ${card.openItems.map((item) => itemRow(item, card))}
        </tbody>
      </table>
    </div>
    <div class="card">
      <label for="reason">Reason</label>
      <p class="soft">Needed for every denial, and for approving anything with a risk above 6.</p>
      <textarea id="reason" name="reason" maxlength="2000">${card.reason}</textarea>
      <button type="submit">Decide</button>
    </div>
  </form>`;
}

function itemRow(item: ItemView, card: DecideCard): Html {
  const chosen = card.chosen.get(item.itemDigest);
  const radio = (verdict: 'approve' | 'deny'): Html =>
    html`<label
      ><input
        type="radio"
        name="v.${item.itemDigest}"
        value="${verdict}"
        required
        ${chosen === verdict ? 'checked' : ''}
      />
      ${verdict}</label
    >`;
  const risk = needsReasonToApprove(item) ? 'bad' : item.risk >= 3 ? 'warn' : 'ok';
  return html`<tr>
    <td>
      <strong>${itemTitle(item)}</strong><br />${item.description}<br />
      ${item.privileged ? html`<span class="tag bad">privileged</span>` : ''}
      ${item.dataClass === 'none' ? '' : html`<span class="tag warn">data: ${item.dataClass}</span>`}
      ${item.expiresAt === null ? '' : html`<span class="tag">ends ${moment(item.expiresAt)}</span>`}
      ${item.conflicts.map((conflict) => html`<span class="tag bad">conflict: ${conflict}</span>`)}
    </td>
    <td>${item.systemId === '' ? '–' : card.systemName(item.systemId)}</td>
    <td>
      <strong class="${risk}">${item.risk}</strong> of 10
      <ul>
        ${item.reasons.map((reason) => html`<li>${reason}</li>`)}
      </ul>
    </td>
    <td>${radio('approve')}${radio('deny')}</td>
  </tr>`;
}

/** What an item does, by the names that policy gives. */
export function itemTitle(
  item: Pick<ItemView, 'action' | 'entitlementId' | 'profileId' | 'vendorEntitlementId'>,
): string {
  switch (item.action) {
    case 'grant':
      return `Grant ${item.entitlementId ?? item.vendorEntitlementId ?? 'access'}`;
    case 'revoke':
      return `Revoke ${item.entitlementId ?? item.vendorEntitlementId ?? 'access'}`;
    case 'disable':
      return 'Disable the account';
    case 'assignProfile':
      return `Assign the profile ${item.profileId ?? ''}`.trim();
    default:
      return item.action satisfies never;
  }
}

function whyYou({ approval, approverId }: DecideCard): string {
  const roles = approval.seats
    .filter((seat) => seat.approvers.some(({ personId }) => personId === approverId))
    .map((seat) => seat.role);
  const words = { manager: 'as the manager', security: 'for security', owner: 'as the application owner' };
  const known = roles.map((role) => words[role as keyof typeof words] ?? role);
  return `You are asked ${[...new Set(known)].join(' and ')}, or in place of whoever cannot decide.`;
}

function whoElse({ approval, approverId }: DecideCard): Html | string {
  const decided = approval.decisions.filter((decision) => decision.approver.personId !== approverId);
  const waiting = approval.waitsFor.filter(({ personId }) => personId !== approverId);
  if (decided.length + waiting.length === 0) return 'nobody';
  const lines = [
    ...decided.map(({ approver, verdicts, decidedAt }) => {
      const denied = verdicts.filter(({ verdict }) => verdict === 'deny').length;
      return `${approver.name}: ${verdicts.length - denied} approved, ${denied} denied, ${moment(decidedAt)}`;
    }),
    ...waiting.map(({ name }) => `${name}: has not decided yet`),
  ];
  return html`<ul>
    ${lines.map((line) => html`<li>${line}</li>`)}
  </ul>`;
}
