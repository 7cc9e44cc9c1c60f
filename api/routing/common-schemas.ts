/** Schemas that many routes share. JSON uses snake_case, times as RFC 3339 in UTC, and ids as TypeIDs. */
import { z } from 'zod';
import { fromTypeId, type IdPrefix, toTypeId } from '../../db/sql/ids';
import { isEmailAddress } from '../../db/tenants/email-address';
import type { JsonObject, JsonValue } from '../../domain/json';
import { isJsonObject } from '../../domain/json';
import type { ErrorCode } from '../errors/error-codes';
import { HttpError } from '../http/http-error';
import { NOT_AN_OBJECT } from '../http/parse';

/** An id in a response. */
export const typeId = (prefix: IdPrefix) =>
  z.string().meta({ example: toTypeId(prefix, '01980f5c-0000-7000-8000-000000000001') });

/** An id in a request, converted to its uuid. A malformed id gets the same error as an unknown one. */
export const idParam = (prefix: IdPrefix, notFound: ErrorCode) =>
  z
    .string()
    .meta({
      pattern: `^${prefix}_[0-7][0-9a-hjkmnp-tv-z]{25}$`,
      example: toTypeId(prefix, '01980f5c-0000-7000-8000-000000000001'),
    })
    .transform((text) => {
      const uuid = fromTypeId(prefix, text);
      if (uuid === undefined) throw new HttpError(notFound);
      return uuid;
    });

// Without flags, because the API description shows the pattern and JSON Schema has no flags.
// oxlint-disable-next-line no-control-regex -- the pattern refuses control characters
const WITHOUT_CONTROL_CHARACTERS = /^[^\u0000-\u001f\u007f-\u009f]*$/;

/** The description has one pattern for a text: both conditions of `lineOfText`. */
const LINE_OF_TEXT =
  '^[^\\s\\u0000-\\u001f\\u007f-\\u009f](?:[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]*' +
  '[^\\s\\u0000-\\u001f\\u007f-\\u009f])?$';

/** One line of text for people: no control characters, no spaces around it. */
export const lineOfText = (lengthMax: number) =>
  z
    .string()
    .min(1)
    .max(lengthMax)
    .regex(WITHOUT_CONTROL_CHARACTERS, 'may not contain control characters')
    .regex(/^\S(.*\S)?$/, 'may not begin or end with a space')
    .meta({ pattern: LINE_OF_TEXT });

export const emailAddress = z
  .string()
  .max(254)
  .refine(isEmailAddress, 'must be an e-mail address, without full-width letters or invisible characters')
  .meta({ format: 'idn-email' });

/** PostgreSQL formats earlier times as BC, which the API cannot read. */
const FIRST_INSTANT = new Date('0001-01-01T00:00:00Z');
export const isStorableInstant = (at: Date | string): boolean => new Date(at) >= FIRST_INSTANT;

export const instant = z.string().meta({ format: 'date-time', example: '2026-11-21T09:30:00.000Z' });
const RECORD_TYPE = /^[a-z][a-z0-9_]{0,62}$/;
export const recordTypeName = z
  .string()
  .regex(RECORD_TYPE, 'must begin with a letter and contain only a-z, 0-9 and "_", at most 63 characters')
  .refine((name) => name !== 'batch', '"batch" is reserved for /v1/records/batch')
  .meta({ example: 'employees' });

/**
 * An object with a value per record type. The generator of the API description leaves out what a record's
 * names may be.
 */
export const byRecordType = <Value extends z.ZodType>(value: Value) =>
  z.record(recordTypeName, value).meta({ propertyNames: { pattern: RECORD_TYPE.source } });

/** Of a caller, or made by a pull of the id in the app, which a caller could not have chosen. */
const EXTERNAL_ID =
  // oxlint-disable-next-line no-control-regex -- the pattern refuses control characters
  /^([^\u0000-\u001f\u007f-\u009f]{1,255}|int_[0-7][0-9a-hjkmnp-tv-z]{25}:[^\u0000]{1,500})$/;

/** The id of a record. It is a path segment, so "." and ".." are not allowed. */
export const externalId = z
  .string()
  .min(1)
  .max(531)
  .regex(EXTERNAL_ID, 'may have at most 255 characters, none of them a control character')
  .refine((text) => text !== '.' && text !== '..', 'may not be "." or ".."')
  .meta({ example: 'e-1001' });

/** Any JSON object; the JSON guard has already checked its content. */
export const jsonObject = z
  .custom<JsonObject>(isJsonObject, { error: 'must be an object', params: { code: NOT_AN_OBJECT } })
  .meta({ type: 'object', additionalProperties: true });
export const jsonValue: z.ZodType<JsonValue> = z.any().meta({ description: 'Any JSON value.' });

/**
 * A named schema or null. `.nullable()` would make the named schema itself nullable everywhere in the API
 * description.
 */
export const orNull = <Schema extends z.ZodType>(schema: Schema) => z.union([schema, z.null()]);

export const toInstant = (date: Date): string => date.toISOString();
export const toInstantOrNull = (date: Date | null): string | null => date?.toISOString() ?? null;

/** A time in a query. */
export const instantParam = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .refine(isStorableInstant, 'must not be before the year 1');

/** A list of names in a query, separated by commas. */
export const namesParam = <const Names extends readonly [string, ...string[]]>(
  names: Names,
  example: Names[number],
) =>
  z
    .string()
    .max(500)
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(names)))
    .meta({
      type: 'string',
      pattern: `^(${names.join('|')})(,(${names.join('|')}))*$`,
      description: `Separated by commas: ${names.join(', ')}.`,
      example,
    });

/** `true` or `false` in a query. */
export const booleanParam = z.enum(['true', 'false']).transform((text) => text === 'true');

export const syncError = z
  .object({
    category: z.enum(['config', 'credentials', 'rejected_record', 'rate_limited', 'transient', 'internal']),
    origin: z
      .enum(['app', 'us'])
      .meta({ description: '`app`: the app reported the error. `us`: Syncline did.' }),
    code: z.string(),
    field: z.string().nullable(),
    remote_field: z.string().nullable(),
    message: z.string().meta({ description: 'The original message.' }),
    explanation: z.string().meta({ description: 'What the error means and what to do next.' }),
  })
  .meta({ id: 'SyncError' });

export const statusName = z.enum(['synced', 'sync_failed', 'syncing', 'sync_pending']).meta({
  id: 'SyncStatus',
  description: [
    '- `synced`: the app has the last pushed state, and nothing relevant has changed since.',
    '- `sync_failed`: the last push failed. `errors` tells why, and `next_attempt_at` when ' +
      'it is retried, if at all.',
    '- `syncing`: a push is in progress, or was interrupted by a transient error and will be retried soon.',
    '- `sync_pending`: a change waits for its debounce window to end, or is on hold.',
  ].join('\n'),
});
export const startedBecause = z
  .enum(['quiet', 'max_wait', 'manual', 'retry', 'initial', 'mapping_changed'])
  .meta({
    id: 'StartedBecause',
    description: [
      'The reason for a push:',
      '- `quiet`: the record did not change for the grace period.',
      '- `max_wait`: the record kept changing until the maximum wait had passed.',
      '- `manual`: a user chose "push now".',
      '- `retry`: a user retried a failed push.',
      '- `initial`: the record existed when the integration was linked.',
      '- `mapping_changed`: a mapping change alters the data that is pushed.',
    ].join('\n'),
  });
