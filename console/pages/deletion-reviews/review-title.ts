import type { Schemas } from '../../api/client';
import { plural, toWords } from '../../common/formatting';

/** `25 deletions of contacts`, `25 records of contacts without email`, `25 new records …`. */
export function reviewTitle({ kind, fields, records_missing: count, record_type: type }: Review): string {
  const types = toWords(type).toLowerCase();
  if (kind === 'grow') return `${plural(count, 'new record')} of ${types} or more`;
  return kind === 'delete'
    ? `${plural(count, 'deletion')} of ${types}`
    : `${plural(count, 'record')} of ${types} without ${fields.join(', ')}`;
}

type Review = Schemas['DeletionReview'];
