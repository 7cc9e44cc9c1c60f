/** The common parts of all calls, and the conditions that classify responses. */
import { z } from 'zod';
import type { JsonValue } from '../../../domain/json';
import type { BatchConfig } from './config-batch';
import { CharacterSet, Headers, Json, JsonPointer, NAME, PathTemplate, Status, Text } from './config-values';

/** Applied to the whole text. It is percent-encoded afterwards like all others. */
const Encoding = z.enum(['base64', 'base64url']);

/**
 * A value for a variable of a path: a constant, one placeholder, or a text with rules that keep a value from
 * changing its meaning.
 */
const Parameter = z.union([
  Text,
  z.number(),
  z.boolean(),
  z.strictObject({
    template: Text,
    escape: z
      .record(
        z.string().refine((key) => Array.from(key).length === 1, 'One character.'),
        z.string().max(10),
      )
      .optional(),
    refuse: z.string().min(1).max(200).optional(),
    allow: CharacterSet.optional(),
    encode: Encoding.optional(),
  }),
  /** JSON in a query, such as `{"email": "{payload.email}"}`. */
  z.strictObject({ json: Json, encode: Encoding.optional() }),
]);

/**
 * True of an answer or a record when the value at the pointer equals `is`, or without `is`, when there is
 * something other than null, false, "" or [].
 */
export const Condition = z.strictObject({ at: JsonPointer, is: Json.optional() });

/** A status, a code (found through `errors`), or a condition on the body. */
export const AnswerSign = z.union([Status, z.string().min(1).max(200), Condition]);

export const callShape = {
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).optional(),
  path: PathTemplate,
  parameters: z.record(z.string().regex(NAME, 'A name of letters, digits and _.'), Parameter).optional(),
  headers: Headers.optional(),
};

/** The call that reads one record by `{remote_id}`, and where its answer has the record. */
export const DetailCall = z.strictObject({ ...callShape, record_at: JsonPointer.default('') });

export type AnswerSignConfig = z.output<typeof AnswerSign>;
export type ConditionConfig = z.output<typeof Condition>;
export type ParameterConfig = z.output<typeof Parameter>;

/** What all calls have in common. */
export interface CallConfig {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | undefined;
  path: string;
  parameters?: Record<string, ParameterConfig> | undefined;
  headers?: Record<string, string> | undefined;
  body?: Record<string, JsonValue> | undefined;
  body_at?: string | undefined;
  batch?: BatchConfig | undefined;
}
