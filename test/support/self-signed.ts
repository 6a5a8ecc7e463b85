/** A key with a certificate of its own, as an administrator would make one for a test: RSA, X.509 version 1. */
import { createSign, generateKeyPairSync } from 'node:crypto';

export interface SelfSigned {
  /** PEM, PKCS #8. */
  privateKey: string;
  /** PEM. */
  certificate: string;
}

const tag = { integer: 0x02, bitString: 0x03, sequence: 0x30, set: 0x31, utf8: 0x0c, utcTime: 0x17 };
const sha256WithRsa = Buffer.from('300d06092a864886f70d01010b0500', 'hex');
const commonName = Buffer.from('0603550403', 'hex');

function der(type: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([type, ...size]), content]);
}

export function createSelfSigned(name: string): SelfSigned {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const attribute = der(tag.sequence, commonName, der(tag.utf8, Buffer.from(name)));
  const subject = der(tag.sequence, der(tag.set, attribute));
  const time = (text: string): Buffer => der(tag.utcTime, Buffer.from(text));
  const toBeSigned = der(
    tag.sequence,
    der(tag.integer, Buffer.from([1])),
    sha256WithRsa,
    subject,
    der(tag.sequence, time('200101000000Z'), time('491231235959Z')),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = createSign('sha256').update(toBeSigned).sign(privateKey);
  const whole = der(tag.sequence, toBeSigned, sha256WithRsa, der(tag.bitString, Buffer.from([0]), signature));
  const lines =
    whole
      .toString('base64')
      .match(/.{1,64}/g)
      ?.join('\n') ?? '';
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
  };
}
