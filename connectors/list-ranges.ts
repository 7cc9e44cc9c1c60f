/** How a connector divides a list into ranges that are read at the same time (rule 60). */
export interface RangesRequest {
  recordType: string;
  /** How many ranges are read at the same time, at most. */
  atMost: number;
  /** A list with fewer records is not worth dividing. */
  fromRecords: number;
}

/**
 * No two ranges share a record, and together they hold every record, also those that are created while they
 * are read. Each text describes one range for `ReadRequest` and is stored. null or a single range: the list
 * is read in one piece. A few cheap requests. Errors as in `readPage`.
 */
export type ListRanges = readonly string[] | null;
