/**
 * Single calls of a third-party definition that are tried against the real product, and what was understood
 * of the answers.
 */
import type { JsonObject } from '../json';

/** In the order in which they are tried. */
export const TRIES = [
  'check',
  'wrong_credentials',
  'list',
  'next_page',
  'same_order',
  'modified_since',
  'find',
  'unknown_id',
  'create',
  'find_again',
  'update',
  'no_op_update',
  'error',
  'remove',
] as const;

export type TryName = (typeof TRIES)[number];

/** Those that write a test record. */
export const WRITING_TRIES: readonly TryName[] = TRIES.slice(TRIES.indexOf('create'));

export interface TryPlan {
  recordType: string;
  tries: readonly TryName[];
  /** RFC 3339: for `modified_since`; by default a time between the records of the first page. */
  modifiedSince?: string | undefined;
  /** Of the record for `find`. */
  externalId?: string | undefined;
  /** Fields of the test record, by Syncline's names. */
  record?: JsonObject | undefined;
  /** What `update` changes of it. */
  change?: JsonObject | undefined;
  /** What the product must refuse, for `error`. */
  wrong?: JsonObject | undefined;
  /** External ids of test records begin with it. It is chosen before any record is created. */
  testName?: string | undefined;
}

/** `not_possible`: the definition or the data does not allow it. `not_tried`: something before it failed. */
export type TryOutcome = 'passed' | 'failed' | 'not_possible' | 'not_tried';

/** A call as it was sent, without credentials. Bodies are shortened. */
export interface TriedCall {
  method: string;
  url: string;
  /** null = there was no complete answer. */
  status: number | null;
  durationMs: number;
  sent: string | null;
  answer: string | null;
}

export interface FieldSeen {
  /** JSON Pointer into the record, as `to` of a mapping writes it. */
  at: string;
  kinds: string[];
  /** How many of the records have it. */
  count: number;
}

export interface TryResult {
  /** `clean_up`: the test record was removed. */
  try: TryName | 'clean_up';
  outcome: TryOutcome;
  /** For people. */
  message: string;
  durationMs: number;
  calls: TriedCall[];
  /** What a read has found. */
  found?: { records: number; ids: string[]; hasNextPage: boolean; fields: FieldSeen[]; modified: string[] };
  /** Into the definition. */
  problems: { pointer: string; code: string; message: string }[];
}

/** How many have passed and failed, and the names of those that prove nothing. */
export function summaryOf(results: readonly Pick<TryResult, 'try' | 'outcome'>[]): string {
  const named = (wanted: (outcome: TryOutcome) => boolean) =>
    results.filter(({ outcome }) => wanted(outcome)).map((result) => result.try.replaceAll('_', ' '));
  const [passed, failed] = (['passed', 'failed'] as const).map((one) => named((outcome) => outcome === one));
  const unproved = named((outcome) => outcome === 'not_possible' || outcome === 'not_tried');
  const words = `${passed?.length} passed, ${failed?.length} failed.`;
  return unproved.length === 0 ? words : `${words} Not proved: ${unproved.join(', ')}.`;
}
