/** The answers of the API that the CLI prints; `--json` prints everything that came. One definition serves both sides. */
export { Approval, ApprovalList } from '../schemas/api-approvals.ts';
export { Verification } from '../schemas/api-audit.ts';
export { CaseDetail, CaseList, CaseRow, HoldList, Released } from '../schemas/api-cases.ts';
export { Anything } from '../schemas/api-common.ts';
export { Diagnosis } from '../schemas/api-doctor.ts';
export { Me, Person } from '../schemas/api-persons.ts';
export { Conflicts } from '../schemas/api-policy.ts';
export { Activated, CheckedSystems, SystemList } from '../schemas/api-systems.ts';
