/**
 * The state that a record should have at the third party. Relevance, "no net change" and the push itself all
 * depend on it (rules.md 4, 5, 14).
 */
import { canonicalJson, type JsonObject } from '../json';
import { isEligible, mapRecord, type MappingError, type RecordTypeMapping } from '../records/mapping';

export type PushTarget =
  | { operation: 'upsert'; payload: JsonObject }
  | { operation: 'deactivate' | 'delete' | 'leave' }
  /** The mapping cannot express this record: an error for people, found without a call. */
  | { operation: 'invalid'; errors: MappingError[] };

export interface RecordState {
  fields: JsonObject;
  isDeleted: boolean;
}

export function pushTarget(mapping: RecordTypeMapping | undefined, record: RecordState): PushTarget {
  if (mapping === undefined) return { operation: 'leave' };
  if (!isEligible(mapping, record)) return { operation: mapping.onDelete };
  const mapped = mapRecord(mapping, record.fields);
  return mapped.ok
    ? { operation: 'upsert', payload: mapped.payload }
    : { operation: 'invalid', errors: mapped.errors };
}

/**
 * Equal texts mean that there is nothing to push. Hash it before storing it. null for a record that cannot be
 * mapped: it was never sent, so it equals no result.
 */
export function targetText(target: PushTarget): string | null {
  switch (target.operation) {
    case 'upsert':
      return `upsert ${canonicalJson(target.payload)}`;
    case 'invalid':
      return null;
    default:
      return target.operation;
  }
}
