/**
 * Calls by the AWS SDK over the platform's own transport. The SDK signs, writes and reads the wire format; budget,
 * time-outs, redirects, watching and the classification of failures are those of every other connector. It tries nothing
 * twice, and nothing that it throws leaves this file: its errors quote the vendor's words.
 */
import type { AxiosInstance } from 'axios';
import type { z } from 'zod';
import type { CallContext, ConnectorRuntime, VendorReceipt } from '../kit/contract.ts';
import { ConnectorError, type ConnectorErrorCode } from '../kit/errors.ts';
import { headerOf, requestIdOf, type VendorDialect } from '../kit/http.ts';
import { noReceipt } from '../kit/target-steps.ts';
import { awsDialect, type AwsService } from './refusal.ts';

export interface AwsReply<T> {
  data: T;
  receipt: VendorReceipt;
}

/** Travels through the SDK with one call, and brings back what its errors would hide. */
interface Carrier {
  operation: string;
  isRead: boolean;
  signal: AbortSignal | undefined;
  receipt: VendorReceipt;
  failure: ConnectorError | null;
}

/** Second argument of an SDK client's `send`. */
export interface SendOptions {
  usherCall: Carrier;
}

interface Request<T> {
  /** Usher's name of the operation. */
  operation: string;
  /** What is used of the output. The SDK itself lets through what lacks required parts. */
  schema: z.ZodType<T>;
}

type Send = (options: SendOptions) => Promise<unknown>;

export interface AwsCaller {
  read<T>(request: Request<T>, send: Send, ctx: CallContext): Promise<AwsReply<T>>;
  /** Null where AWS says that the thing does not exist. */
  readOrNull<T>(request: Request<T>, send: Send, ctx: CallContext): Promise<AwsReply<T> | null>;
  write<T>(request: Request<T>, send: Send, ctx: CallContext): Promise<AwsReply<T>>;
  fail(code: ConnectorErrorCode, operation: string, message: string, detail?: FailDetail): ConnectorError;
  systemId: string;
  /** For the configuration of an SDK client; one service each, for their words differ. */
  transport(service: AwsService): SdkTransport;
}

export interface FailDetail {
  vendorCode?: string;
  retryAfterMs?: number;
}

/** What the SDK hands to a request handler, as far as it is used. */
interface SdkRequest {
  protocol: string;
  hostname: string;
  port?: number;
  path: string;
  headers: Record<string, string>;
  body?: unknown;
}

interface SdkResponse {
  statusCode: number;
  headers: Record<string, string>;
  body: Uint8Array;
}

export interface SdkTransport {
  maxAttempts: 1;
  retryMode: 'standard';
  defaultsMode: 'standard';
  requestHandler: {
    handle(request: SdkRequest, options?: Partial<SendOptions>): Promise<{ response: SdkResponse }>;
    updateHttpClientConfig(): void;
    httpHandlerConfigs(): Record<string, never>;
  };
}

export function createAwsCaller(runtime: ConnectorRuntime<unknown>): AwsCaller {
  const { systemId } = runtime;
  const fail: AwsCaller['fail'] = (code, operation, message, detail = {}) =>
    new ConnectorError(code, message, { systemId, operation, ...detail });

  async function call<T>({ operation, schema }: Request<T>, isRead: boolean, send: Send, ctx: CallContext) {
    const carrier: Carrier = { operation, isRead, signal: ctx.signal, receipt: noReceipt, failure: null };
    let output: unknown;
    try {
      output = await send({ usherCall: carrier });
    } catch (error) {
      throw carrier.failure ?? sdkFailure(carrier, error, fail);
    }
    const parsed = schema.safeParse(output);
    if (!parsed.success) throw fail('transient', operation, 'the answer does not have the expected shape');
    return { data: parsed.data, receipt: carrier.receipt };
  }

  const caller: AwsCaller = {
    read: (request, send, ctx) => call(request, true, send, ctx),
    write: (request, send, ctx) => call(request, false, send, ctx),
    async readOrNull(request, send, ctx) {
      try {
        return await call(request, true, send, ctx);
      } catch (error) {
        if (error instanceof ConnectorError && error.code === 'notFound') return null;
        throw error;
      }
    },
    fail,
    systemId,
    transport: (service) => createTransport(runtime, awsDialect(service)),
  };
  return caller;
}

/** The SDK failed before it sent (no credentials, input that cannot be written) or could not read the answer. */
function sdkFailure({ operation, receipt }: Carrier, error: unknown, fail: AwsCaller['fail']): ConnectorError {
  if (receipt.status !== null) return fail('transient', operation, 'the answer does not have the expected shape');
  const name = error instanceof Error ? error.name : '';
  if (/Credentials|Token/.test(name)) return fail('auth', operation, 'no AWS credentials were found');
  return fail('validation', operation, 'the call could not be built');
}

function createTransport(runtime: ConnectorRuntime<unknown>, dialect: VendorDialect): SdkTransport {
  const clients = new Map<string, AxiosInstance>();
  // The endpoint comes from configuration and the SDK's rules for regions, never from an answer.
  const clientFor = ({ protocol, hostname, port }: SdkRequest): AxiosInstance => {
    const origin = `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`;
    const known = clients.get(origin) ?? runtime.createHttp({ baseUrl: origin });
    clients.set(origin, known);
    return known;
  };
  return {
    maxAttempts: 1,
    retryMode: 'standard',
    defaultsMode: 'standard',
    requestHandler: {
      async handle(request, { usherCall: carrier } = {}) {
        if (carrier === undefined) throw new Error('calls go through the caller of this file');
        try {
          return { response: await exchange(clientFor(request), request, { carrier, dialect }, runtime.systemId) };
        } catch (error) {
          if (error instanceof ConnectorError) carrier.failure = error;
          throw error;
        }
      },
      updateHttpClientConfig: () => undefined,
      httpHandlerConfigs: () => ({}),
    },
  };
}

async function exchange(
  http: AxiosInstance,
  { path, headers, body }: SdkRequest,
  { carrier, dialect }: { carrier: Carrier; dialect: VendorDialect },
  systemId: string,
): Promise<SdkResponse> {
  const { operation, isRead, signal } = carrier;
  const response = await http.request<Buffer>({
    url: path,
    method: 'POST',
    headers,
    data: body instanceof Uint8Array ? Buffer.copyBytesFrom(body) : body,
    // As it was signed.
    transformRequest: [(data: unknown) => data],
    responseType: 'arraybuffer',
    usher: { operation, dialect, isRead },
    ...(signal === undefined ? {} : { signal }),
  });
  carrier.receipt = { requestId: requestIdOf(response), status: response.status };
  // The SDK's XML reader takes half a document for a whole one: half a listing would take access away.
  const isXml = headerOf(response, 'content-type')?.includes('xml') === true;
  if (isXml && !/<\/\w+Response>\s*$/.test(response.data.toString('utf8', response.data.length - 200))) {
    throw new ConnectorError('transient', 'the answer is not whole', { systemId, operation });
  }
  const contentType = headerOf(response, 'content-type');
  return {
    statusCode: response.status,
    headers: contentType === null ? {} : { 'content-type': contentType },
    body: new Uint8Array(response.data),
  };
}
