/**
 * The one HTTP factory. It sends no call twice, follows no redirect, leaves no base URL, and turns every failure into
 * a ConnectorError at once: an AxiosError carries the Authorization header and the URL, and never leaves this file.
 */
import axios, { AxiosError, type AxiosInstance, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import type { ConnectorRuntime, HttpOptions } from './contract.ts';
import { ConnectorError, type ConnectorErrorCode, type ConnectorErrorDetail } from './errors.ts';
import { createCallOver } from './call-over.ts';
import { type CallDeps, timeoutMsOf } from './call-deps.ts';
import type { CallEnd } from './call-watcher.ts';
import { readRetryAfterMs } from './retry-after.ts';

/** A vendor's refusal, as far as a dialect may look at it. */
export interface VendorAnswer {
  status: number;
  header: (name: string) => string | null;
  body: unknown;
}

/** What a dialect knows better than the status; each field left out keeps the default. */
export interface DialectVerdict {
  code?: ConnectorErrorCode;
  vendorCode?: string;
  retryAfterMs?: number;
}

/** Reads one vendor's way of refusing; pure. */
export type VendorDialect = (answer: VendorAnswer) => DialectVerdict | null;

declare module 'axios' {
  interface AxiosRequestConfig {
    /** Name of the operation for errors, how the vendor words its refusals, and that a POST only reads. */
    usher?: { operation: string; dialect?: VendorDialect; isRead?: boolean };
  }
}

const maxResponseBytes = 16 * 1024 * 1024;
const maxRequestBytes = 1024 * 1024;

/** Makes `createHttp` for one system: all its instances share the rate limiter. */
export function createHttpFactory(deps: CallDeps): (options: HttpOptions) => AxiosInstance {
  return (options) => {
    const timeoutMs = timeoutMsOf(deps, options.timeoutMs);
    const instance = axios.create({
      baseURL: options.baseUrl,
      headers: { accept: 'application/json', 'user-agent': 'usher', ...options.headers },
      ...(options.auth === undefined ? {} : { auth: options.auth }),
      maxRedirects: 0,
      allowAbsoluteUrls: false,
      maxContentLength: maxResponseBytes,
      maxBodyLength: maxRequestBytes,
      withXSRFToken: false,
      redact: ['authorization', 'auth', 'password', 'token'],
    });
    const timeouts = new WeakMap<object, AbortSignal>();
    const watched = new WeakMap<object, (end: Omit<CallEnd, 'durationMs'>) => void>();
    instance.interceptors.request.use(async (config) => {
      const end = beginWatch(config, deps);
      try {
        const prepared = await prepare(config, deps, timeoutMs, timeouts);
        if (prepared.signal) watched.set(prepared.signal, end);
        return prepared;
      } catch (error) {
        end({
          outcome: error instanceof ConnectorError ? error.code : 'validation',
          status: null,
          vendorRequestId: null,
        });
        throw error;
      }
    });
    instance.interceptors.response.use(
      (response) => {
        const { signal } = response.config;
        const vendorRequestId = requestIdOf(response);
        if (signal) watched.get(signal)?.({ outcome: 'ok', status: response.status, vendorRequestId });
        return response;
      },
      (error: unknown) => {
        const failure = toConnectorError(error, deps, timeouts);
        const { config, response } = error instanceof AxiosError ? error : {};
        const status = response?.status ?? null;
        const vendorRequestId = failure.detail.vendorRequestId ?? null;
        if (config?.signal) watched.get(config.signal)?.({ outcome: failure.code, status, vendorRequestId });
        throw failure;
      },
    );
    return instance;
  };
}

/** The runtime of one connector instance over the factory. */
export function createConnectorRuntime<Config>(deps: CallDeps & { config: Config }): ConnectorRuntime<Config> {
  const { systemId, config, now } = deps;
  return { systemId, config, now, createHttp: createHttpFactory(deps), callOver: createCallOver(deps) };
}

/** Begins to watch one call. */
function beginWatch(
  config: InternalAxiosRequestConfig,
  { systemId, watchCall }: CallDeps,
): (end: Omit<CallEnd, 'durationMs'>) => void {
  if (watchCall === undefined) return () => undefined;
  const startedAtMs = performance.now();
  const method = (config.method ?? 'get').toUpperCase();
  const finish = watchCall({ systemId, operation: operationOf(config), method });
  return (end) => finish({ ...end, durationMs: performance.now() - startedAtMs });
}

async function prepare(
  config: InternalAxiosRequestConfig,
  deps: CallDeps,
  timeoutMs: number,
  timeouts: WeakMap<object, AbortSignal>,
): Promise<InternalAxiosRequestConfig> {
  const detail = { systemId: deps.systemId, operation: operationOf(config) };
  const caller = config.signal as AbortSignal | undefined;
  const taken = await deps.rateLimiter.take();
  if (caller?.aborted === true) throw new ConnectorError('transient', 'cancelled before the call was sent', detail);
  if (!taken.ok) {
    throw new ConnectorError('throttled', 'own rate limit reached', { ...detail, retryAfterMs: taken.retryAfterMs });
  }
  // axios' own time-out restarts with every byte, so that a slow body could outlive the activity.
  const timeout = AbortSignal.timeout(timeoutMs);
  config.signal = caller === undefined ? timeout : AbortSignal.any([caller, timeout]);
  timeouts.set(config.signal, timeout);
  return config;
}

function toConnectorError(error: unknown, deps: CallDeps, timeouts: WeakMap<object, AbortSignal>): ConnectorError {
  if (error instanceof ConnectorError) return error;
  if (!(error instanceof AxiosError)) {
    return new ConnectorError('validation', 'the call could not be built', {
      systemId: deps.systemId,
      operation: 'http',
    });
  }
  const operation = operationOf(error.config);
  if (error.response !== undefined) return refusal(error.response, deps, operation);
  const signal = error.config?.signal as AbortSignal | undefined;
  const isOwnTimeout = signal !== undefined && timeouts.get(signal)?.aborted === true;
  return noAnswer(error, isOwnTimeout, { systemId: deps.systemId, operation });
}

/** No usable answer arrived. What a write did is then unknown, unless it cannot have been sent. */
function noAnswer(error: AxiosError, isOwnTimeout: boolean, detail: ConnectorErrorDetail): ConnectorError {
  if (error.code === 'ERR_BAD_REQUEST' || error.message.includes('maxBodyLength')) {
    return new ConnectorError('validation', 'the request is too large', detail);
  }
  const wasNeverSent = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'].includes(
    error.code ?? '',
  );
  const what = isOwnTimeout ? 'time-out' : describe(error.code);
  const isUnknown = isWrite(error.config) && !wasNeverSent;
  return new ConnectorError(isUnknown ? 'unknownOutcome' : 'transient', what, {
    ...detail,
    ...(error.code === undefined ? {} : { vendorCode: error.code }),
  });
}

function describe(code: string | undefined): string {
  if (code === 'ERR_CANCELED') return 'cancelled while the call was under way';
  if (code === 'ECONNABORTED' || code === 'ETIMEDOUT') return 'time-out';
  if (code === 'ECONNREFUSED') return 'connection refused';
  return 'no usable answer';
}

/**
 * The end of a rate-limit window stands on every answer of some vendors. It says how long to wait only when the limit was
 * the reason: read off a passing 503, it would park a cut-off for a minute.
 */
function waitHeaders(
  header: (name: string) => string | null,
  code: ConnectorErrorCode,
): (name: string) => string | null {
  return code === 'throttled' ? header : (name) => (name === 'retry-after' ? header(name) : null);
}

function refusal(response: AxiosResponse, deps: CallDeps, operation: string): ConnectorError {
  const header = (name: string) => headerOf(response, name);
  const answer: VendorAnswer = { status: response.status, header, body: response.data };
  const verdict = response.config.usher?.dialect?.(answer) ?? null;
  const code = verdict?.code ?? classify(answer, isWrite(response.config));
  const retryAfterMs =
    verdict?.retryAfterMs ?? (isWait(code) ? readRetryAfterMs(waitHeaders(header, code), deps.now()) : null);
  const vendorRequestId = requestIdOf(response);
  return new ConnectorError(code, `vendor answered ${response.status}`, {
    systemId: deps.systemId,
    operation,
    vendorCode: verdict?.vendorCode ?? String(response.status),
    ...(vendorRequestId === null ? {} : { vendorRequestId }),
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
  });
}

function isWait(code: ConnectorErrorCode): boolean {
  return code === 'throttled' || code === 'transient';
}

function classify({ status, header }: VendorAnswer, isWriteCall: boolean): ConnectorErrorCode {
  if (status === 403 && (header('retry-after') !== null || header('x-ratelimit-remaining') === '0')) return 'throttled';
  if (status === 401 || status === 403 || status === 407) return 'auth';
  if (status === 404 || status === 410) return 'notFound';
  if (status === 409) return 'conflict';
  if (status === 412 || status === 428) return 'precondition';
  if (status === 429) return 'throttled';
  if (status === 405 || status === 501) return 'unsupported';
  // A redirect is never followed; on a write it may stand for a call that was carried out.
  if (status === 408 || status < 400) return isWriteCall ? 'unknownOutcome' : 'transient';
  return status >= 500 ? 'transient' : 'validation';
}

function isWrite(config: InternalAxiosRequestConfig | undefined): boolean {
  if (config?.usher?.isRead === true) return false;
  return !['get', 'head', 'options'].includes((config?.method ?? 'get').toLowerCase());
}

function operationOf(config: InternalAxiosRequestConfig | undefined): string {
  return config?.usher?.operation ?? 'http';
}

/** One response header as text, or null. */
export function headerOf(response: AxiosResponse, name: string): string | null {
  const value: unknown = response.headers[name.toLowerCase()];
  if (Array.isArray(value)) return value.join(', ');
  return typeof value === 'string' ? value : null;
}

const requestIdHeaders = [
  'x-okta-request-id',
  'x-request-id',
  'request-id',
  'x-transaction-id',
  'x-correlation-id',
  'x-amzn-requestid',
];

/** The vendor's id of the call; anything that does not look like one is dropped, for it goes into logs and tickets. */
export function requestIdOf(response: AxiosResponse): string | null {
  for (const name of requestIdHeaders) {
    const value = headerOf(response, name);
    if (value !== null && /^[\w.:=-]{1,128}$/.test(value)) return value;
  }
  return null;
}
