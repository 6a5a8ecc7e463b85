/** Compares answers of the running server with the OpenAPI document: every field that it names, and none that it does not. */
import { expect } from '@jest/globals';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Endpoint } from '../../src/auth/scopes.ts';
import type { OpenApiDocument } from '../../src/http/openapi/document.ts';
import type { World } from './world.ts';

export type Json = Record<string, unknown>;
export const asMap = (value: unknown): Json => (value ?? {}) as Json;

/** `/persons/:person` as the document writes it. */
export const templateOf = (endpoint: string): string => (endpoint.split(' ')[1] ?? '').replace(/:(\w+)/g, '{$1}');

export interface CheckedCall {
  parameters?: Record<string, string>;
  body?: unknown;
  /** Null: none. Default: the token of the check. */
  token?: string | null;
  query?: Record<string, string>;
}

export interface OpenApiCheck {
  /** The faults of an answer, by the document; also for an endpoint or a status that it does not name. */
  faultsOf(path: string, method: string, status: number, json: unknown): unknown[];
  /** Expects an answer that came by another way to be what the document says. */
  expectDescribed(endpoint: Endpoint, answer: { status: number; json: unknown }): void;
  /** Calls and expects the answer to be what the document says. */
  call(endpoint: Endpoint, init?: CheckedCall): Promise<{ status: number; json: unknown }>;
  /** Endpoints that answered with success so far. */
  succeeded: ReadonlySet<string>;
}

/** What an answer may hold beyond the document is nothing, here; clients still have to bear it. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const isOpen = copy['properties'] !== undefined && JSON.stringify(copy['additionalProperties']) === '{}';
  return isOpen ? { ...copy, additionalProperties: false } : copy;
}

export function createOpenApiCheck(world: World, document: OpenApiDocument, ownToken: string): OpenApiCheck {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  (addFormats as unknown as (to: Ajv2020) => void)(ajv);
  const components = closed(document.components);
  const succeeded = new Set<string>();
  const validators = new Map<string, ValidateFunction>();

  function faultsOf(path: string, method: string, status: number, json: unknown): unknown[] {
    const operation = asMap(asMap(document.paths?.[path])[method]);
    const answer = asMap(asMap(operation['responses'])[String(status)]);
    const media = status < 400 ? 'application/json' : 'application/problem+json';
    const schema = asMap(asMap(answer['content'])[media])['schema'];
    if (schema === undefined) return [`${method} ${path} ${status} is not described`];
    const key = `${method} ${path} ${status}`;
    const isValid = validators.get(key) ?? ajv.compile({ ...(closed(schema) as Json), components });
    validators.set(key, isValid);
    return isValid(json) ? [] : (isValid.errors ?? []);
  }

  function expectDescribed(endpoint: Endpoint, { status, json }: { status: number; json: unknown }): void {
    const method = (endpoint.split(' ')[0] ?? '').toLowerCase();
    const faults = faultsOf(templateOf(endpoint), method, status, json);
    const shown = faults.length > 0 ? json : null;
    expect({ endpoint, status, faults, json: shown }).toEqual({ endpoint, status, faults: [], json: null });
    if (status < 300) succeeded.add(endpoint);
  }

  return {
    faultsOf,
    expectDescribed,
    succeeded,
    async call(endpoint, { parameters = {}, body, token = ownToken, query } = {}) {
      const path = (endpoint.split(' ')[1] ?? '').replace(/:(\w+)/g, (_, name: string) =>
        encodeURIComponent(parameters[name] ?? ''),
      );
      const search = query === undefined ? '' : `?${new URLSearchParams(query).toString()}`;
      const answer = await world.api(`${path}${search}`, {
        method: endpoint.split(' ')[0] ?? '',
        ...(body === undefined ? {} : { body }),
        ...(token === null ? {} : { token }),
      });
      expectDescribed(endpoint, answer);
      return answer;
    },
  };
}
