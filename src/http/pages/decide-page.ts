/** The card on which somebody decides: everything that is needed for a good decision, and a form. Reading it decides nothing. */
import { html } from 'hono/html';
import type { ApprovalView, ItemView } from '../../store/read-approvals.ts';
import { needsReasonToApprove } from '../../domain/assert-reason.ts';
import { day, layout, moment, type Html } from './layout.ts';

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
  question: string;
  problem: string | null;
}

export function decidePage(card: DecideCard): Html {
  const { approval } = card;
  const title = `Access for ${approval.person.name}`;
  const body = html`<header>
      <h1>${title}</h1>
      <span class="soft">${dueText(approval)}</span>
    </header>
    ${card.problem === null ? '' : html`<div class="card notice" role="alert">${card.problem}</div>`} ${context(card)}
    ${questionsCard(card)} ${isChoice(card) ? chooseForm(card) : decideForm(card)} ${askForm(card)}
    <p class="soft small">Approval <code>${approval.approvalId}</code></p>`;
  return layout(title, body);
}

function dueText({ expiresAt, pausedUntil }: ApprovalView): string {
  if (pausedUntil === null) return `due ${moment(expiresAt)}; silence is a denial`;
  return `a question is open: the clock stands until it is answered, at most until ${moment(pausedUntil)}`;
}

function questionsCard({ approval }: DecideCard): Html | string {
  if (approval.questions.length === 0) return '';
  return html`<div class="card">
    ${approval.questions.map(
      ({ askedBy, askedOf, text, state, answeredBy, answer }) =>
        html`<p><strong>${askedBy.name}</strong> asked ${askedOf.name}: ${text ?? '(erased)'}</p>
          <p class="soft">
            ${
              state === 'answered'
                ? `${answeredBy?.name ?? ''}: ${answer ?? '(erased)'}`
                : state === 'open'
                  ? 'no answer yet'
                  : 'not needed any more'
            }
          </p>`,
    )}
  </div>`;
}

/** A form of its own: asking decides nothing, and the link stays good. */
function askForm({ question }: DecideCard): Html {
  return html`<form method="post">
    <div class="card">
      <label for="question">Not enough to decide?</label>
      <span class="soft">Ask the manager of the person; the time to decide stands still until the answer.</span>
      <textarea id="question" name="question" maxlength="2000">${question}</textarea>
      <button type="submit">Ask</button>
    </div>
  </form>`;
}

/** A manager chooses profiles for a report whom no profile fits, instead of deciding right by right. */
const isChoice = ({ openItems }: DecideCard): boolean => openItems.every((item) => item.action === 'assignProfile');

function context(card: DecideCard): Html {
  const { approval } = card;
  const count = `${approval.seatsFilled} of ${approval.seats.length} needed`;
  const rows: { label: string; value: Html | string; isWide?: boolean }[] = [
    ...card.about,
    { label: 'Decided', value: approval.seats.length > 1 ? `${count}, by different people` : count },
    { label: 'Why you', value: whyYou(card), isWide: true },
    { label: 'Who else', value: whoElse(card), isWide: true },
  ];
  return html`<div class="card">
    <dl>
      ${rows.map(
        ({ label, value, isWide }) =>
          html`<div class="${isWide === true ? 'wide' : ''}">
            <dt>${label}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
  </div>`;
}

function decideForm(card: DecideCard): Html {
  return html`<form method="post">
    <div class="card">${card.openItems.map((item) => itemBlock(item, card))}</div>
    ${reasonCard(card, 'Needed for every denial, and for approving anything with a risk above 6.', 'Decide')}
  </form>`;
}

function chooseForm(card: DecideCard): Html {
  return html`<form method="post">
    <h2>No role profile fits. Which of these should ${card.approval.person.name} get?</h2>
    <div class="card">
      ${card.openItems.map(
        (item) =>
          html`<div class="item">
            <label class="box"
              ><input
                type="checkbox"
                name="v.${item.itemDigest}"
                value="approve"
                ${card.chosen.get(item.itemDigest) === 'approve' ? 'checked' : ''}
              />
              <span><strong>${item.profileId ?? ''}</strong><br />${item.description}</span></label
            >
          </div>`,
      )}
    </div>
    <p class="soft">
      Nothing is granted by this alone: what the chosen profiles contain is asked for right by right. What is not chosen
      is denied.
    </p>
    ${reasonCard(card, 'Needed when none is chosen.', 'Choose')}
  </form>`;
}

function reasonCard(card: DecideCard, when: string, button: string): Html {
  return html`<div class="card">
    <label for="reason">Reason</label> <span class="soft">${when}</span>
    <textarea id="reason" name="reason" maxlength="2000">${card.reason}</textarea>
    <button type="submit">${button}</button>
  </div>`;
}

function itemBlock(item: ItemView, card: DecideCard): Html {
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
  return html`<div class="item">
    <div>
      <strong>${itemTitle(item)}</strong>
      ${item.systemId === '' ? '' : html`<span class="soft">at ${card.systemName(item.systemId)}</span>`}
      <p>${item.description}</p>
      <p>${tags(item)}</p>
      ${reasonsOf(item)}
    </div>
    <div class="choice">${radio('approve')}${radio('deny')}</div>
  </div>`;
}

const dataWords: Record<ItemView['dataClass'], string> = {
  none: '',
  internal: 'internal data',
  financial: 'financial data',
  customerPersonal: "customers' personal data",
};

function tags(item: ItemView): Html {
  const tone = needsReasonToApprove(item) ? 'bad' : item.risk >= 3 ? 'warn' : 'ok';
  const isSensitive = item.dataClass === 'financial' || item.dataClass === 'customerPersonal';
  return html`<span class="tag ${tone}">risk ${item.risk} of 10</span>
    ${item.privileged ? html`<span class="tag bad">privileged</span>` : ''}
    ${
      item.dataClass === 'none'
        ? ''
        : html`<span class="tag ${isSensitive ? 'warn' : ''}">${dataWords[item.dataClass]}</span>`
    }
    ${item.expiresAt === null ? '' : html`<span class="tag">ends ${day(item.expiresAt)}</span>`}
    ${item.conflicts.map((conflict) => html`<span class="tag bad">conflict: ${conflict}</span>`)}`;
}

/** First why a person is asked at all, then each step of the score. */
function reasonsOf({ reasons }: ItemView): Html {
  const asked = /^(?:manager|security and owner): /;
  const isTotal = (reason: string): boolean => /^risk [\d.]+$/.test(reason);
  const why = reasons.filter((reason) => asked.test(reason)).map((reason) => reason.replace(asked, ''));
  const steps = reasons.filter((reason) => !asked.test(reason) && !isTotal(reason));
  return html`${why.length === 0 ? '' : html`<p class="small">Asked because: ${why.join('; ')}</p>`}
    <p class="small soft">${steps.join(' · ')}</p>`;
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
    case 'update':
      return 'Update attributes of the account';
    case 'assignProfile':
      return `Assign the profile ${item.profileId ?? ''}`.trim();
    default:
      return item.action satisfies never;
  }
}

function whyYou({ approval, approverId }: DecideCard): string {
  const places = approval.actors.filter(({ person }) => person.personId === approverId);
  const holderIds = places.map(({ person, inPlaceOf }) => (inPlaceOf ?? person).personId);
  const roles = approval.seats
    .filter((seat) => seat.approvers.some(({ personId }) => holderIds.includes(personId)))
    .map((seat) => seat.role);
  const words = { manager: 'as the manager', security: 'for security', owner: 'as the application owner' };
  const known = roles.map((role) => words[role as keyof typeof words] ?? role);
  const others = places.flatMap(({ inPlaceOf }) => inPlaceOf?.name ?? []);
  const place =
    others.length < places.length
      ? ', or in place of whoever cannot decide'
      : ` in the place of ${others.join(' and ')}`;
  return `You are asked ${[...new Set(known)].join(' and ')}${place}.`;
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
  return html`${lines.map((line) => html`${line}<br />`)}`;
}
