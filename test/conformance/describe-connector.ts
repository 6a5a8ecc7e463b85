/** The conformance suites, one per kind of connector. */
export { describeHrisConnector } from './describe-hris.ts';
export { describeTargetConnector } from './describe-target.ts';
export { describeTicketingConnector } from './describe-ticketing.ts';
