/** The OpenAPI document about changes that people make by hand. */
import { HandTaskList, TaskAnswerBody, TaskAnswered } from '../../schemas/api-tasks.ts';
import type { ApiEndpoint, ApiOperation } from './api-operation.ts';

export const taskOperations = {
  'GET /api/v1/tasks': {
    id: 'listTasks',
    tag: 'cases',
    summary: 'Changes that wait for a person outside, oldest first: your systems, or all with `operate`',
    answer: HandTaskList,
  },
  'POST /api/v1/tasks/:task/answer': {
    id: 'answerTask',
    tag: 'cases',
    summary: 'Say, as the owner of the system, whether a change was made by hand',
    body: TaskAnswerBody,
    status: 201,
    answer: TaskAnswered,
    errors: ['notFound', 'notApprover', 'stale', 'alreadyDecided'],
  },
} as const satisfies Partial<Record<ApiEndpoint, ApiOperation>>;
