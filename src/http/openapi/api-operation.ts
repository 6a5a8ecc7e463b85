/** What the OpenAPI document says about one endpoint, beside its scopes. */
import type { z } from 'zod';
import type { Endpoint } from '../../auth/scopes.ts';
import type { AppErrorCode } from '../../domain/errors.ts';

export type ApiEndpoint = Extract<Endpoint, `${string} /api/v1/${string}`>;

export interface ApiOperation {
  /** Names the function in generated clients: never changes. */
  id: string;
  tag: string;
  summary: string;
  query?: z.ZodObject;
  /** JSON. */
  body?: z.ZodType;
  /** `multipart/form-data`, in place of `body`. */
  form?: z.ZodType;
  /** Default 200. */
  status?: 200 | 201 | 202;
  answer: z.ZodType;
  /** Beyond those that every endpoint can answer with. */
  errors?: readonly AppErrorCode[];
}
