import { withoutCreateOnly } from '../domain/records/create-only';
import type { PushItem } from './connector';

/** The item without the values that only a creation sends, for a record that exists in the third party. */
export function forUpdate(item: PushItem): PushItem {
  return item.createOnly === undefined
    ? item
    : { ...item, payload: withoutCreateOnly(item.payload, item.createOnly) };
}
