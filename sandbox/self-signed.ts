/** A key and a self-signed certificate: for servers that talk TLS or not at all, and for clients that prove themselves by one. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { element } from './ldap-wire.ts';

export interface SelfSigned {
  /** PEM, PKCS #8. */
  key: string;
  /** PEM; also what a client must trust. */
  cert: string;
}

const oid = (...bytes: number[]): Buffer => element(0x06, Buffer.from(bytes));
const ecdsaWithSha256 = element(0x30, oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
const rsaWithSha256 = element(
  0x30,
  oid(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b),
  element(0x05, Buffer.from([])),
);
const commonName = oid(0x55, 0x04, 0x03);
const subjectAltName = oid(0x55, 0x1d, 0x11);
const basicConstraints = oid(0x55, 0x1d, 0x13);

/** For `localhost` and the addresses (IPv4), from yesterday and for ten years (X.509, RFC 5280). */
export function makeSelfSigned(addresses: string[], now: Date, keyType: 'ec' | 'rsa' = 'ec'): SelfSigned {
  const { privateKey, publicKey } =
    keyType === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  const algorithm = keyType === 'ec' ? ecdsaWithSha256 : rsaWithSha256;
  const name = element(0x30, element(0x31, element(0x30, commonName, element(0x0c, Buffer.from('localhost')))));
  const day = 86_400_000;
  const validity = element(0x30, utcTime(now.getTime() - day), utcTime(now.getTime() + 3650 * day));
  const certificate = element(
    0x30,
    element(0xa0, element(0x02, Buffer.from([2]))),
    element(0x02, Buffer.from([1, ...Buffer.from(now.getTime().toString(16).padStart(12, '0'), 'hex')])),
    algorithm,
    name,
    validity,
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    element(0xa3, element(0x30, authority(), alternativeNames(addresses))),
  );
  const signature = sign('sha256', certificate, privateKey);
  const der = element(0x30, certificate, algorithm, element(0x03, Buffer.from([0]), signature));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n'),
  };
}

function authority(): Buffer {
  const isAuthority = element(0x30, element(0x01, Buffer.from([0xff])));
  return element(0x30, basicConstraints, element(0x01, Buffer.from([0xff])), element(0x04, isAuthority));
}

function alternativeNames(addresses: string[]): Buffer {
  const names = addresses.map((address) => element(0x87, Buffer.from(address.split('.').map(Number))));
  const all = element(0x30, element(0x82, Buffer.from('localhost')), ...names);
  return element(0x30, subjectAltName, element(0x04, all));
}

function utcTime(ms: number): Buffer {
  const text = `${new Date(ms).toISOString().slice(2, 19).replaceAll(/[-:T]/g, '')}Z`;
  return element(0x17, Buffer.from(text));
}
