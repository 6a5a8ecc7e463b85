/** Builds the OpenAPI 3.1 document from the table of endpoints, the table of operations and the schemas. */
import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import { endpoints, scopeSentences, type Scope } from '../../auth/scopes.ts';
import type { AppErrorCode } from '../../domain/errors.ts';
import { MandateId, QuestionId } from '../../schemas/api-approval-people.ts';
import { PersonIdOrRef, Problem } from '../../schemas/api-common.ts';
import { TaskName } from '../../schemas/api-tasks.ts';
import { ApprovalId, CaseId, PolicyHashPrefix, SystemId } from '../../schemas/ids.ts';
import { statusOf } from '../problem.ts';
import type { ApiEndpoint, ApiOperation } from './api-operation.ts';
import { operations } from './operations.ts';

/** The version of the API, not of the program: it grows and does not break below `/api/v1`. */
const API_VERSION = '1.0.0';

/** Parameters in paths by name. */
const pathParameters: Record<string, z.ZodType> = {
  caseId: CaseId.meta({ description: '`case_<personId>_<n>`' }),
  approvalId: ApprovalId.meta({ description: '`approval_<personId>_<n>_<k>`' }),
  person: PersonIdOrRef.meta({ description: 'A person id, or `<hris>/<key>` with the slash as %2F.' }),
  systemId: SystemId,
  questionId: QuestionId,
  mandateId: MandateId.meta({ description: 'The id of a deputy.' }),
  task: TaskName.meta({ description: 'The number of the ticket, or the id of the task.' }),
  hash: PolicyHashPrefix.meta({ description: 'The hash of a version, or its first 12 or more digits.' }),
};

/** Throws for a parameter that this file does not know: a new one is to be described. */
function parameterOf(name: string): z.ZodType {
  const shape = pathParameters[name];
  if (!shape) throw new Error(`the path parameter ${name} has no shape in the OpenAPI document`);
  return shape;
}

export type OpenApiDocument = ReturnType<typeof createDocument>;

/** `serverUrl` is where clients reach the API. */
export function openApiDocument(serverUrl: string): OpenApiDocument {
  const paths: ZodOpenApiPathsObject = {};
  for (const [endpoint, operation] of Object.entries(operations) as [ApiEndpoint, ApiOperation][]) {
    const [method = '', pattern = ''] = endpoint.split(' ');
    const path = pattern.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [method.toLowerCase()]: operationObject(endpoint, operation) };
  }
  return createDocument(
    {
      openapi: '3.1.0',
      info: {
        title: 'Usher',
        version: API_VERSION,
        description: 'Access provisioning: cases, approvals, people, systems, policy and evidence.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: serverUrl }],
      paths,
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: `A token \`ush_…\`. Scopes:\n\n${scopeList()}` },
        },
      },
    },
    // A shape that turns one thing into another says only what goes in; its answer is then anything.
    { allowEmptySchema: { transform: { output: true }, custom: true, unknown: true, any: true } },
  );
}

function scopeList(): string {
  return Object.entries(scopeSentences)
    .filter(([scope]) => scope !== 'internal')
    .map(([scope, sentence]) => `- \`${scope}\`: ${sentence}`)
    .join('\n');
}

function operationObject(endpoint: ApiEndpoint, operation: ApiOperation): ZodOpenApiOperationObject {
  const need: readonly Scope[] = endpoints[endpoint];
  const names = [...endpoint.matchAll(/:(\w+)/g)].map(([, name]) => name ?? '');
  const path = z.object(Object.fromEntries(names.map((name) => [name, parameterOf(name)])));
  const parameters = {
    ...(names.length > 0 ? { path } : {}),
    ...(operation.query ? { query: operation.query } : {}),
  };
  return {
    operationId: operation.id,
    tags: [operation.tag],
    summary: operation.summary,
    description: `Needs one of the scopes ${need.map((scope) => `\`${scope}\``).join(', ')}. What may not be seen answers like what does not exist.`,
    // One of them is enough.
    security: need.map((scope) => ({ token: [scope] })),
    ...(Object.keys(parameters).length > 0 ? { requestParams: parameters } : {}),
    ...requestBodyOf(operation),
    responses: {
      [operation.status ?? 200]: {
        description: operation.summary,
        content: { 'application/json': { schema: operation.answer } },
      },
      ...problemResponses(operation, names.length > 0),
    },
  };
}

function requestBodyOf({ body, form }: ApiOperation): Pick<ZodOpenApiOperationObject, 'requestBody'> {
  if (body) return { requestBody: { required: true, content: { 'application/json': { schema: body } } } };
  return form ? { requestBody: { required: true, content: { 'multipart/form-data': { schema: form } } } } : {};
}

function problemResponses(operation: ApiOperation, hasParameters: boolean) {
  const hasBody = operation.body !== undefined || operation.form !== undefined;
  const isParsed = hasParameters || operation.query !== undefined || hasBody;
  const codes: AppErrorCode[] = [
    ...(isParsed ? (['invalidInput'] as const) : []),
    'unauthenticated',
    'forbidden',
    ...(operation.errors ?? []),
    'internal',
  ];
  const byStatus = Map.groupBy(codes, statusOf);
  const answers = [...byStatus].map(([status, same]) => [status, problem(same)] as const);
  const tooLarge = hasBody ? [[413, problem(['invalidInput'])] as const] : [];
  return Object.fromEntries([...answers, ...tooLarge].map(([status, answer]) => [String(status), answer]));
}

const problem = (codes: readonly AppErrorCode[]) => ({
  description: codes.map((code) => `\`${code}\``).join(', '),
  content: { 'application/problem+json': { schema: Problem } },
});
