/** All workflow types, under their wire names: what the worker bundles. */
export { approval } from './approval.ts';
export { cutoff } from './cutoff.ts';
export { lifecycleCase } from './lifecycle-case.ts';
export { provisioning } from './provisioning.ts';
