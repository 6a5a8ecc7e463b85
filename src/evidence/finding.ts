/** What can be wrong with the evidence, as a closed list: alerts, exit codes and the audit guide refer to these codes. */

export const findingCodes = [
  /** The content of a record is not what its leaf hash or content digest says. */
  'recordEdited',
  /** A record was logged at another place. */
  'recordReordered',
  /** A place below the end of the log has no record. */
  'recordMissing',
  /** A record stands at a place that cannot exist. */
  'recordUnexpected',
  /** The log ends before what a signed checkpoint covers. */
  'logCut',
  /** The records, whole in themselves, are not those that a checkpoint signed. */
  'logDiffers',
  /** Values beside a record are not those that it committed to. */
  'valueChanged',
  /** Values are gone although the person was not erased. */
  'valueMissing',
  /** The person's key is gone although the person is not on the list of the erased. */
  'keyMissing',
  /** A checkpoint, in the file or the database, without a valid signature. */
  'checkpointForged',
  /** The database holds a signed checkpoint that the file lacks: the key folder is older than the database. */
  'checkpointFileBehind',
  /** A line of the checkpoint file cannot be read. */
  'checkpointUnreadable',
  /** An exported case differs from what was signed. */
  'exportChanged',
] as const;
export type FindingCode = (typeof findingCodes)[number];

export interface EvidenceFinding {
  code: FindingCode;
  /** First place of the log concerned; null when it concerns no place. */
  seq: number | null;
  /** One sentence for people; no personal data. */
  message: string;
}

/** The findings that several parts make, in the same words. */
export const cutLog = (size: number, signedSize: number): EvidenceFinding => ({
  code: 'logCut',
  seq: size,
  message: `The log ends after ${size} records; a checkpoint signed ${signedSize}.`,
});
export const missingRecord = (from: number, to: number): EvidenceFinding => ({
  code: 'recordMissing',
  seq: from,
  message: from >= to ? `Record ${from} is missing.` : `Records ${from} to ${to} are missing.`,
});
export const editedRecord = (seq: number): EvidenceFinding => ({
  code: 'recordEdited',
  seq,
  message: `Record ${seq} is not what was logged: its content does not match its hash.`,
});
export const differingLog = (from: number, to: number, signedSize: number): EvidenceFinding => ({
  code: 'logDiffers',
  seq: from,
  message: `Records ${from} to ${to} are not those that the checkpoint over ${signedSize} records signed.`,
});
export const forgedEntry = (entry: { treeSize: number }): EvidenceFinding => ({
  code: 'checkpointForged',
  seq: entry.treeSize - 1,
  message: `The checkpoint over ${entry.treeSize} records in the file has no valid signature.`,
});
