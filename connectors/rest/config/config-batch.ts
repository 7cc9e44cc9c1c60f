/** One call for the same call of several records. */
import { z } from 'zod';
import { Headers, Json, JsonObject, JsonPointer, PathTemplate, Text } from './config-values';

export const Batch = z.strictObject({
  method: z.enum(['POST', 'PUT', 'PATCH', 'DELETE']).default('POST'),
  path: PathTemplate,
  headers: Headers.optional(),
  /** Constants around the items. */
  body: JsonObject.default({}),
  /** The list of items in the body. */
  items_at: JsonPointer,
  /**
   * An item. Beside the variables of a record it knows the single call: `{method}`, `{path}` with its query,
   * `{headers}` (its own, with preconditions and idempotency key) and `{body}`.
   */
  item: Json.default('{body}'),
  /** Items of one call. */
  max: z.int().min(2).max(1000),
  /** The list of results in the response. */
  results_at: JsonPointer,
  /** How the result of an item is found: by its position, or by a value of the record that it repeats. */
  match: z.union([z.literal('position'), z.strictObject({ at: JsonPointer, value: Text })]),
  /** The status of a result. Without it `error_at` or `answers.failed` tells a failure. */
  status_at: JsonPointer.optional(),
  /** The headers of a result, such as its version. */
  headers_at: JsonPointer.optional(),
  /** What a single call would have answered. */
  answer_at: JsonPointer.default(''),
  /** What a single call would have answered if it was refused: there is something for refused items only. */
  error_at: JsonPointer.optional(),
});

export type BatchConfig = z.output<typeof Batch>;
