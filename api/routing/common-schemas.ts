/** Shapes that many routes share. On the wire: snake_case, instants as RFC 3339 in UTC, ids as TypeIDs. */
import { z } from 'zod';
import { fromTypeId, type IdPrefix, toTypeId } from '../../db/sql/ids';
import type { JsonObject, JsonValue } from '../../domain/json';
import { isJsonObject } from '../../domain/json';
import type { ErrorCode } from '../http/error-codes';
import { HttpError } from '../http/http-error';
import { NOT_AN_OBJECT } from '../http/parse';

/** An id in an answer. */
export const typeId = (prefix: IdPrefix) =>
  z.string().meta({ example: toTypeId(prefix, '01980f5c-0000-7000-8000-000000000001') });

/**
 * An id in a request, as the uuid it stands for. What cannot be an id of ours is answered like one that does not exist:
 * nobody learns from the difference.
 */
export const idParam = (prefix: IdPrefix, notFound: ErrorCode) =>
  z
    .string()
    .meta({ example: toTypeId(prefix, '01980f5c-0000-7000-8000-000000000001') })
    .transform((text) => {
      const uuid = fromTypeId(prefix, text);
      if (uuid === undefined) throw new HttpError(notFound);
      return uuid;
    });

// Without flags, because the API description shows the pattern, and JSON Schema knows none.
// oxlint-disable-next-line no-control-regex -- they are what it refuses
const WITHOUT_CONTROL_CHARACTERS = /^[^\u0000-\u001f\u007f-\u009f]*$/;

/** One line of text for people: no control characters, no spaces around it. */
export const lineOfText = (lengthMax: number) =>
  z
    .string()
    .min(1)
    .max(lengthMax)
    .regex(WITHOUT_CONTROL_CHARACTERS, 'may not hold control characters')
    .regex(/^\S(.*\S)?$/, 'may not begin or end with a space');

/** What lies before is BC to PostgreSQL, which writes it in another way. */
const FIRST_INSTANT = new Date('0001-01-01T00:00:00Z');
export const isStorableInstant = (at: Date | string): boolean => new Date(at) >= FIRST_INSTANT;

export const instant = z.string().meta({ format: 'date-time', example: '2026-11-21T09:30:00.000Z' });
export const recordTypeName = z
  .string()
  .regex(
    /^[a-z][a-z0-9_]{0,62}$/,
    'must begin with a letter and hold only a-z, 0-9 and "_", at most 63 characters',
  )
  .refine((name) => name !== 'batch', '"batch" is reserved: /v1/records/batch takes changes of all types')
  .meta({ example: 'employees' });

/** The caller's own id of a record. A whole path segment, so "." and ".." cannot be told from the path itself. */
export const externalId = z
  .string()
  .min(1)
  .max(255)
  .regex(WITHOUT_CONTROL_CHARACTERS, 'may not hold control characters')
  .refine((text) => text !== '.' && text !== '..', 'may not be "." or ".."')
  .meta({ example: 'e-1001' });

/** Free JSON fields; what is inside was checked by the guard already. */
export const jsonObject = z
  .custom<JsonObject>(isJsonObject, { error: 'must be an object', params: { code: NOT_AN_OBJECT } })
  .meta({ type: 'object', additionalProperties: true });
export const jsonValue: z.ZodType<JsonValue> = z.any().meta({ description: 'Any JSON value.' });

/** A shape with a name of its own, or null. `.nullable()` would make the name itself nullable wherever the API description uses it. */
export const orNull = <Schema extends z.ZodType>(schema: Schema) => z.union([schema, z.null()]);

export const toInstant = (date: Date): string => date.toISOString();
export const toInstantOrNull = (date: Date | null): string | null => date?.toISOString() ?? null;

/** An instant in a query. */
export const instantParam = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .refine(isStorableInstant, 'must not lie before the year 1');

/** Several names in a query, separated by commas. */
export const namesParam = <const Names extends readonly [string, ...string[]]>(
  names: Names,
  example: Names[number],
) =>
  z
    .string()
    .max(500)
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(names)))
    .meta({ type: 'string', description: `Separated by commas: ${names.join(', ')}.`, example });

/** `true` or `false` in a query. */
export const booleanParam = z.enum(['true', 'false']).transform((text) => text === 'true');

export const syncError = z
  .object({
    category: z.enum(['config', 'credentials', 'rejected_record', 'rate_limited', 'transient', 'internal']),
    origin: z
      .enum(['app', 'us'])
      .meta({ description: '`app`: the third party said it. `us`: Syncline did.' }),
    code: z.string(),
    field: z.string().nullable(),
    remote_field: z.string().nullable(),
    message: z.string().meta({ description: 'In the words of who said it.' }),
    explanation: z.string().meta({ description: 'What it means and what to do next.' }),
  })
  .meta({ id: 'SyncError' });

export const statusName = z.enum(['synced', 'sync_failed', 'syncing', 'sync_pending']).meta({
  id: 'SyncStatus',
  description: [
    '- `synced`: the third party has the record as it was when it was last pushed, and nothing relevant has changed since.',
    '- `sync_failed`: the last push failed; `errors` says why, and `next_attempt_at` whether it is repeated by itself.',
    '- `syncing`: a push is under way, or was interrupted through no fault of the record and is about to be repeated.',
    '- `sync_pending`: a change waits for its window to end, or was held.',
  ].join('\n'),
});
export const startedBecause = z
  .enum(['quiet', 'max_wait', 'manual', 'retry', 'initial', 'mapping_changed'])
  .meta({
    id: 'StartedBecause',
    description: [
      'Why a push starts:',
      '- `quiet`: nothing changed for the grace period.',
      '- `max_wait`: it kept changing until the maximum wait was over.',
      '- `manual`: somebody pushed it now.',
      '- `retry`: somebody retried it after a failure.',
      '- `initial`: the record was there when the integration was linked.',
      '- `mapping_changed`: a new mapping makes another payload of it.',
    ].join('\n'),
  });
