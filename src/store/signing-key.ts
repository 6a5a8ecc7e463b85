/**
 * Ed25519 keys of the installation. The server alone holds `signing/`; everybody may read `public/`. Old public keys
 * stay, so that what was signed before a rotation can still be verified.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomUUID,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import canonicalize from 'canonicalize';

/** What a signature is over: a purpose that keeps kinds of documents apart, and the document in canonical JSON. */
export type SignaturePurpose =
  | 'snapshot'
  | 'policy'
  | 'decision'
  | 'authorisation'
  | 'departure'
  | 'checkpoint'
  | 'export'
  | 'archive'
  | 'policyProposal'
  | 'policyActivation'
  | 'mandate';

export interface Signature {
  keyId: string;
  signature: string;
}

export interface Signer {
  keyId: string;
  sign(purpose: SignaturePurpose, document: unknown): Signature;
}

export interface Verifier {
  /** False for an unknown key id, another purpose, a changed document or a malformed signature; never throws. */
  verify(purpose: SignaturePurpose, document: unknown, signature: Signature): boolean;
}

/** Bytes that are signed. Throws on what JSON cannot say (functions, cycles). */
export function signedBytes(purpose: SignaturePurpose, document: unknown): Buffer {
  const json = canonicalize(document);
  if (json === undefined) throw new TypeError('a signed document must be JSON');
  return Buffer.from(`usher/1/${purpose}\n${json}`, 'utf8');
}

/**
 * Opens the signing key, making one on first use. Server only: `signingDir` may lie where no other process reads, while
 * public keys go to the folder that all share.
 */
export function openSigner(keysDir: string, signingDir = join(keysDir, 'signing')): Signer {
  mkdirSync(signingDir, { recursive: true, mode: 0o700 });
  const currentFile = join(signingDir, 'current');
  if (!existsSync(currentFile)) createSigningKey(keysDir, signingDir);
  const keyId = readFileSync(currentFile, 'utf8').trim();
  const key = createPrivateKey(readFileSync(join(signingDir, `${keyId}.pem`)));
  return {
    keyId,
    sign: (purpose, document) => ({
      keyId,
      signature: sign(null, signedBytes(purpose, document), key).toString('base64url'),
    }),
  };
}

function createSigningKey(keysDir: string, signingDir: string): void {
  const publicDir = join(keysDir, 'public');
  mkdirSync(publicDir, { recursive: true });
  const pair = generateKeyPairSync('ed25519');
  const keyId = `k-${randomUUID().slice(0, 8)}`;
  writeFileSync(join(signingDir, `${keyId}.pem`), pair.privateKey.export({ type: 'pkcs8', format: 'pem' }), {
    mode: 0o600,
  });
  writeFileSync(join(publicDir, `${keyId}.pem`), pair.publicKey.export({ type: 'spki', format: 'pem' }));
  writeFileSync(join(signingDir, 'current'), keyId, { mode: 0o600 });
}

/** Reads all public keys of the folder; new keys are picked up when an unknown key id is met. */
export function openVerifier(keysDir: string): Verifier {
  const publicDir = join(keysDir, 'public');
  let keys = readPublicKeys(publicDir);
  return {
    verify(purpose, document, { keyId, signature }) {
      if (!keys.has(keyId)) keys = readPublicKeys(publicDir);
      const key = keys.get(keyId);
      if (!key) return false;
      try {
        return verify(null, signedBytes(purpose, document), key, Buffer.from(signature, 'base64url'));
      } catch {
        return false;
      }
    },
  };
}

function readPublicKeys(publicDir: string): Map<string, KeyObject> {
  if (!existsSync(publicDir)) return new Map();
  const names = readdirSync(publicDir).filter((name) => name.endsWith('.pem'));
  return new Map(names.map((name) => [name.slice(0, -4), createPublicKey(readFileSync(join(publicDir, name)))]));
}
