/** The answers of the API that the CLI prints; `--json` prints everything that came. One definition serves both sides. */
export { ExplainedAccess } from '../schemas/api-access.ts';
export { Asked, DeputyList, QuestionList } from '../schemas/api-approval-people.ts';
export { Approval, ApprovalList } from '../schemas/api-approvals.ts';
export { Verification } from '../schemas/api-audit.ts';
export { ArchivedCase, AuditSample, Recomputation } from '../schemas/api-audit-cases.ts';
export { BaselineAnswer, EnforceAnswer } from '../schemas/api-baseline.ts';
export { CaseDetail, CaseList, CaseRow, HoldList, Released } from '../schemas/api-cases.ts';
export { Anything } from '../schemas/api-common.ts';
export { Diagnosis } from '../schemas/api-doctor.ts';
export { ImportAnswer } from '../schemas/api-import.ts';
export { InventoryAnswer, SystemDetail } from '../schemas/api-inventory.ts';
export { Me, Person } from '../schemas/api-persons.ts';
export { PolicyDiff, SimulatedPlan } from '../schemas/api-policy-trials.ts';
export {
  ApprovedPolicy,
  Conflicts,
  PolicyChange,
  PolicyVersionList,
  ProposalList,
  ProposedPolicy,
} from '../schemas/api-policy.ts';
export { HandTaskList, TaskAnswered } from '../schemas/api-tasks.ts';
export { Activated, CheckedSystems, SystemList } from '../schemas/api-systems.ts';
