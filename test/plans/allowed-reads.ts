/** Reads of many rows that test/plans accepts, each with its reason. */
export interface AllowedRead {
  table: string;
  /** A part of the statement, its white space collapsed. */
  contains: string;
  reason: string;
}

export const ALLOWED_READS: readonly AllowedRead[] = [];
