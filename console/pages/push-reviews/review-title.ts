import type { Schemas } from '../../api/client';
import { plural, toWords } from '../../common/formatting';

const EFFECTS: Record<Schemas['PushReview']['effect'], string> = {
  create: 'new record',
  overwrite: 'overwritten record',
  deactivate: 'deactivation',
  delete: 'deletion',
};

/** `30 deactivations of employees`. */
export const reviewTitle = (review: Schemas['PushReview']): string => {
  const records = review.records_waiting + review.records_approved + review.records_discarded;
  return `${plural(records, EFFECTS[review.effect])} of ${toWords(review.record_type).toLowerCase()}`;
};
