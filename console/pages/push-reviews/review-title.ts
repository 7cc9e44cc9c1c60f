import type { Schemas } from '../../api/client';
import { plural, toWords } from '../../common/formatting';

const EFFECTS: Record<Schemas['PushReview']['effect'], string> = {
  create: 'new record',
  overwrite: 'overwritten record',
  deactivate: 'deactivation',
  delete: 'deletion',
};

type Counted = Pick<Schemas['PushReview'], 'is_lower_bound'>;

/** `30 deactivations`, or `30+ deactivations` if there are more. */
export const atLeast = ({ is_lower_bound: isLowerBound }: Counted, count: string): string =>
  isLowerBound ? count.replace(/^[\d,]+/, '$&+') : count;

/** `30 deactivations of employees`. */
export const reviewTitle = (review: Schemas['PushReview']): string => {
  const records = review.records_waiting + review.records_approved + review.records_discarded;
  return `${atLeast(review, plural(records, EFFECTS[review.effect]))} of ${toWords(review.record_type).toLowerCase()}`;
};
