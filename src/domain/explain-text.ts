/** Reasons and obstacles as sentences. Names of people come from the caller; they never leave the process in any other way. */
import type { AccessObstacle, AccessReason, Vote } from './explain-access.ts';
import type { Condition, FailedClause } from './explain-filter.ts';

type NameOf = (personId: string) => string;

export function reasonText(reason: AccessReason, nameOf: NameOf): string {
  switch (reason.kind) {
    case 'rule': {
      const how = reason.isChosen ? 'was chosen by a person and grants it' : 'matches and grants it';
      return `profile ${reason.profileId} ${how}${untilText(reason.expiresAt)}`;
    }
    case 'decision':
      return `approved by ${votesText(reason.votes, nameOf)} (${reason.approvalIds.join(', ')})${untilText(reason.expiresAt)}`;
    case 'found':
      return 'found in the system before Usher enforced here';
    default:
      return reason satisfies never;
  }
}

export function obstacleText(obstacle: AccessObstacle, nameOf: NameOf): string {
  switch (obstacle.kind) {
    case 'outside':
      return outsideText(obstacle);
    case 'filter':
      return `profile ${obstacle.profileId} would grant it, but ${obstacle.failed.map(clauseText).join('; and ')}`;
    case 'needsPeople':
      return `profile ${obstacle.profileId} speaks of it, but ${obstacle.roles.join(' and ')} must agree: ${obstacle.reasons.join('; ')}`;
    case 'conflict':
      return obstacle.text;
    case 'denied':
      return `denied by ${votesText(obstacle.votes, nameOf)} (${obstacle.approvalId})`;
    case 'waiting': {
      const seats = obstacle.seats.map(({ role, approverIds }) => `${role} (${approverIds.map(nameOf).join(' or ')})`);
      return `waits for ${seats.join(' and ')}; silence is a denial at ${obstacle.until} (${obstacle.approvalId})`;
    }
    case 'unanswered':
      return `nobody answered in time, which is a denial, at ${obstacle.at} (${obstacle.approvalId})`;
    case 'cancelled':
      return `the question was withdrawn${obstacle.at === null ? '' : ` at ${obstacle.at}`} (${obstacle.approvalId})`;
    case 'lapsed':
      return `approved at ${obstacle.approvedAt}, but not used by ${obstacle.lapsedAt}, when the approval lapsed (${obstacle.approvalId})`;
    case 'ended':
      return `time-bound: it ended at ${obstacle.at}`;
    case 'redefined':
      return `approved as it was defined before; its system, vendor id, privilege or data class changed since (${obstacle.approvalId})`;
    case 'profileGone':
      return `approved on the ground of profile ${obstacle.profileId}, and no profile speaks of it any more (${obstacle.approvalId})`;
    case 'nobodyAsked':
      return 'no rule gives it to this person, and nobody asked for it';
    default:
      return obstacle satisfies never;
  }
}

function outsideText({ phase, at }: Extract<AccessObstacle, { kind: 'outside' }>): string {
  switch (phase) {
    case 'before':
      return `access may not begin before ${String(at)}`;
    case 'after':
      return `the employment ended at ${String(at)}`;
    case 'terminated':
      return 'HR says that the person is not employed';
    case 'departed':
      return `the person left at ${String(at)}`;
    default:
      return phase satisfies never;
  }
}

function clauseText({ clause, conditions }: FailedClause): string {
  return `\`${clause}\` is not true: ${conditions.map(conditionText).join(', ')}`;
}

function conditionText({ attribute, actual, expected }: Condition): string {
  const is = actual === null ? `${attribute} is absent` : `${attribute} is ${JSON.stringify(actual)}`;
  return `${is} (expected ${expected})`;
}

function votesText(votes: readonly Vote[], nameOf: NameOf): string {
  return votes.map(({ approverId, decidedAt }) => `${nameOf(approverId)} at ${decidedAt}`).join(' and ');
}

function untilText(expiresAt: string | null): string {
  return expiresAt === null ? '' : `, until ${expiresAt}`;
}
