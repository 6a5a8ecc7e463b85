/** All activities by their wire names. Workflows import the type only. */
import { loadApproval, loadDecision, notifyApprover, recordDecision } from './approvals.ts';
import { applyAccess } from './apply-access.ts';
import { cancelOpenCases } from './cancel-open-cases.ts';
import { disableLogin, revokeSessions } from './cut-off.ts';
import { findAccounts } from './find-accounts.ts';
import { closeIncident, openIncident } from './incidents.ts';
import { noteFlood } from './note-flood.ts';
import { planCase } from './plan-case.ts';
import { closeCase, writeReport } from './report.ts';
import { verifyAccess } from './verify-access.ts';
import { assertSubject } from './assert-subject.ts';
import type { WorkerDeps } from './worker-deps.ts';

type Bound<F> = F extends (deps: WorkerDeps, input: infer I) => infer R ? (input: I) => R : never;

const activities = {
  planCase,
  notifyApprover,
  recordDecision,
  loadDecision,
  loadApproval,
  applyAccess,
  verifyAccess,
  disableLogin,
  revokeSessions,
  findAccounts,
  cancelOpenCases,
  openIncident,
  closeIncident,
  writeReport,
  closeCase,
  noteFlood,
} as const;

export type Activities = { [Name in keyof typeof activities]: Bound<(typeof activities)[Name]> };

/**
 * Binds the activities to what they need. Whoever can start a workflow can call them with anything: what no row can carry is
 * refused here for good, and is not tried for ever against the database.
 */
export function createActivities(deps: WorkerDeps): Activities {
  const bound = Object.entries(activities).map(([name, activity]) => [
    name,
    (input: never) => {
      assertSubject(name, input);
      return (activity as (deps: WorkerDeps, input: never) => unknown)(deps, input);
    },
  ]);
  return Object.fromEntries(bound) as Activities;
}
