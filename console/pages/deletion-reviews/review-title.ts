import type { Schemas } from '../../api/client';
import { plural, toWords } from '../../common/formatting';

/** `25 deletions of contacts`. */
export const reviewTitle = (review: Schemas['DeletionReview']): string =>
  `${plural(review.records_missing, 'deletion')} of ${toWords(review.record_type).toLowerCase()}`;
