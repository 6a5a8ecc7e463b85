/** An AWS account inside moto, arranged and looked at behind the connector's back. */
import { parseXml, type XmlElement } from '../../conformance/small-xml.ts';
import { openSyncHttp } from './sync-http.ts';

export interface MotoAccount {
  /** A call of IAM; null where the entity does not exist. */
  iam(operation: string, fields?: Record<string, string>): XmlElement | null;
  /** A call of a JSON service, its prefix and the operation: `AWSIdentityStore.CreateUser`. */
  json(target: string, input: object): Record<string, unknown>;
  /** Empties moto. */
  reset(): void;
  close(): Promise<void>;
}

export function openMotoAccount(url: string): MotoAccount {
  const http = openSyncHttp();
  // moto does not verify: it reads service and region from here.
  const authorization = (service: string): string =>
    `AWS4-HMAC-SHA256 Credential=AKIATEST/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`;
  return {
    iam(operation, fields = {}) {
      const headers = { 'content-type': 'application/x-www-form-urlencoded', authorization: authorization('iam') };
      const body = new URLSearchParams({ Action: operation, Version: '2010-05-08', ...fields }).toString();
      const answer = http.call({ method: 'POST', url: `${url}/`, headers, body });
      if (answer.status === 404) return null;
      if (answer.status !== 200) throw new Error(`${operation}: ${answer.status} ${String(answer.body)}`);
      return parseXml(String(answer.body));
    },
    json(target, input) {
      const service = target.startsWith('AWSIdentityStore') ? 'identitystore' : 'sso';
      const headers = {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': target,
        authorization: authorization(service),
      };
      const answer = http.call({ method: 'POST', url: `${url}/`, headers, body: JSON.stringify(input) });
      if (answer.status !== 200) throw new Error(`${target}: ${answer.status} ${JSON.stringify(answer.body)}`);
      return answer.body as Record<string, unknown>;
    },
    reset: () => void http.call({ method: 'POST', url: `${url}/moto-api/reset` }),
    close: () => http.close(),
  };
}

/** Texts of all elements of that name, in order, wherever they stand. */
export function textsOf(element: XmlElement | null, name: string): string[] {
  if (element === null) return [];
  const own = element.name === name ? [element.text] : [];
  return [...own, ...element.children.flatMap((child) => textsOf(child, name))];
}
