/**
 * What a connector calls its vendor through: an operation's name, an escaped path, and a schema that the answer must
 * fit. The platform's `createHttp` does the transport; this adds nothing but parsing and the receipt.
 */
import type { z } from 'zod';
import type { CallContext, ConnectorRuntime, HttpOptions, VendorReceipt } from './contract.ts';
import { ConnectorError, type ConnectorErrorCode } from './errors.ts';
import { EscapeError, queryString } from './escape.ts';
import type { TokenSource } from './token-source.ts';
import { headerOf, requestIdOf, type VendorDialect } from './http.ts';

export interface VendorCall<T> {
  /** Stable name of the operation, for errors and tickets. */
  operation: string;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Relative path, made by `pathOf`; a function, so that a refused value becomes a ConnectorError of this operation. */
  path: () => string;
  params?: () => Record<string, string | number | boolean>;
  body?: unknown;
  contentType?: string;
  /** A POST that changes nothing (queries, tokens): where its answer is lost, nothing can have happened. */
  isRead?: boolean;
  /** Further headers of this call: consistency levels, versions. */
  headers?: Record<string, string>;
  /** What the body must look like; `z.unknown()` where nothing of it is used. */
  schema: z.ZodType<T>;
}

export interface VendorReply<T> {
  data: T;
  status: number;
  receipt: VendorReceipt;
  header: (name: string) => string | null;
}

export interface VendorClient {
  call<T>(call: VendorCall<T>, ctx: CallContext): Promise<VendorReply<T>>;
  /** Null where the vendor says that the thing does not exist; every other failure is thrown. */
  callOrNull<T>(call: VendorCall<T>, ctx: CallContext): Promise<VendorReply<T> | null>;
  /** An error of this system, for what a connector finds out itself. */
  fail(code: ConnectorErrorCode, operation: string, message: string): ConnectorError;
  systemId: string;
}

export interface VendorManners {
  /** Reads the vendor's own way of refusing. */
  dialect?: VendorDialect;
  /** Where calls carry a token that the vendor issues for a while. */
  tokens?: TokenSource;
}

/** Makes the client. */
export function createVendorClient(
  runtime: ConnectorRuntime<unknown>,
  options: HttpOptions,
  { dialect, tokens }: VendorManners = {},
): VendorClient {
  const http = runtime.createHttp(options);
  const { systemId } = runtime;
  const fail = (code: ConnectorErrorCode, operation: string, message: string) =>
    new ConnectorError(code, message, { systemId, operation });

  async function call<T>(request: VendorCall<T>, ctx: CallContext): Promise<VendorReply<T>> {
    const { operation } = request;
    const url = escaped(() => urlOf(request), operation, fail);
    const response = await withToken(tokens, (token) =>
      http.request<unknown>({
        url,
        method: request.method,
        usher: { operation, isRead: request.isRead === true, ...(dialect === undefined ? {} : { dialect }) },
        ...(request.body === undefined ? {} : { data: request.body }),
        headers: {
          ...request.headers,
          ...(request.contentType === undefined ? {} : { 'content-type': request.contentType }),
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        },
        ...(ctx.signal === undefined ? {} : { signal: ctx.signal }),
      }),
    );
    const parsed = request.schema.safeParse(response.data);
    // The issues of zod quote values; only the fact goes on.
    if (!parsed.success) throw fail('transient', operation, 'the answer does not have the expected shape');
    const receipt = { requestId: requestIdOf(response), status: response.status };
    return { data: parsed.data, status: response.status, receipt, header: (name) => headerOf(response, name) };
  }

  async function callOrNull<T>(request: VendorCall<T>, ctx: CallContext): Promise<VendorReply<T> | null> {
    try {
      return await call(request, ctx);
    } catch (error) {
      if (error instanceof ConnectorError && error.code === 'notFound') return null;
      throw error;
    }
  }

  return { call, callOrNull, fail, systemId };
}

/** A refused token is forgotten, so that the next attempt comes with a new one. */
async function withToken<T>(tokens: TokenSource | undefined, send: (token: string | null) => Promise<T>): Promise<T> {
  if (tokens === undefined) return send(null);
  const token = await tokens.get();
  try {
    return await send(token);
  } catch (error) {
    if (isConnectorError(error, 'auth')) tokens.forget(token);
    throw error;
  }
}

function urlOf({ path, params }: VendorCall<unknown>): string {
  const query = params === undefined ? '' : queryString(params());
  return query === '' ? path() : `${path()}?${query}`;
}

function escaped<T>(
  build: () => T,
  operation: string,
  fail: (code: ConnectorErrorCode, operation: string, message: string) => ConnectorError,
): T {
  try {
    return build();
  } catch (error) {
    if (error instanceof EscapeError) throw fail('validation', operation, error.message);
    throw error;
  }
}

/** True for a ConnectorError with one of the codes. */
export function isConnectorError(error: unknown, ...codes: ConnectorErrorCode[]): error is ConnectorError {
  return error instanceof ConnectorError && codes.includes(error.code);
}
