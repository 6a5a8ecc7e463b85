/** Refuses a call whose person or numbers no row can carry. */
import { ApplicationFailure } from '@temporalio/activity';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const INT32_MAX = 2_147_483_647;

/** Throws a failure that is not retried (`invalidInput`), naming the field. What an input does not have is not looked at. */
export function assertSubject(activity: string, input: unknown): void {
  const fields: { personId?: unknown; n?: unknown; k?: unknown } =
    typeof input === 'object' && input !== null ? input : {};
  const refuse = (field: string, expected: string): never => {
    throw ApplicationFailure.nonRetryable(`${activity}: ${field}: expected ${expected}`, 'invalidInput');
  };
  const { personId } = fields;
  if (personId !== undefined && !(typeof personId === 'string' && UUID.test(personId))) refuse('personId', 'a UUID');
  for (const field of ['n', 'k'] as const) {
    const value = fields[field];
    if (value === undefined) continue;
    const fits = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= INT32_MAX;
    if (!fits) refuse(field, 'a number of a case or group');
  }
}
