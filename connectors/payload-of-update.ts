/** What is sent for a record that exists in the third party. */
import { withoutCreateOnly } from '../domain/records/mapping';
import type { PushItem } from './connector';

/** The item without the values that only a creation sends. */
export function forUpdate(item: PushItem): PushItem {
  return item.createOnly === undefined
    ? item
    : { ...item, payload: withoutCreateOnly(item.payload, item.createOnly) };
}
