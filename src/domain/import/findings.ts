/**
 * What the check of an imported file says. A finding names lines and ids, never a name or an address: it is shown, logged
 * and hashed.
 */

/** Why a row is not imported. */
export type UnusableCode =
  | 'cellCount'
  | 'missingId'
  | 'invalidId'
  | 'duplicateId'
  | 'missingName'
  | 'missingStartDate'
  | 'impossibleDate'
  | 'ambiguousDate'
  | 'endsBeforeStart'
  | 'unknownEmploymentType'
  | 'unknownStatus'
  | 'tooLong'
  | 'controlCharacter'
  | 'formula';

/** What is imported and worth a look. */
export type WarningCode =
  | 'repeatedRow'
  | 'unknownManager'
  | 'ownManager'
  | 'managerCycle'
  | 'samePerson'
  | 'nearlySamePerson'
  | 'titleSpelling'
  | 'departmentSpelling'
  | 'startsLater'
  | 'endsLater'
  | 'endedSinceImport'
  | 'noEmploymentType';

export interface UnusableRow {
  line: number;
  /** Null where the row has no usable id. */
  sourceKey: string | null;
  code: UnusableCode;
  /** The column at fault, as the file calls it; null where the row as a whole is. */
  column: string | null;
  reason: string;
}

export interface ImportWarning {
  code: WarningCode;
  lines: number[];
  sourceKeys: string[];
  message: string;
}
