/** Tries of single calls of a definition: the request, and what was understood of the answers. */
import { z } from 'zod';
import { TRIES, type TryResult } from '../../domain/third-parties/tries';
import { externalId, jsonObject, recordTypeName } from '../routing/common-schemas';

const tryName = z.enum(TRIES);

const definitionParts = jsonObject.meta({
  description:
    'A definition, or a part of it: `config` is needed. Without `sign_in` the calls have no credentials, and ' +
    'without `record_types` every record type with a list is read as it is.',
});

export const wantedTries = z
  .strictObject({
    definition: definitionParts,
    sign_in: z
      .string()
      .max(63)
      .optional()
      .meta({ description: 'The first way to sign in by default.', example: 'api_key' }),
    parameters: z
      .record(z.string().max(63), z.string().max(200))
      .refine((values) => Object.keys(values).length <= 20, 'at most 20 parameters')
      .default({})
      .meta({ maxProperties: 20, propertyNames: { type: 'string', maxLength: 63 } }),
    credentials: jsonObject
      .optional()
      .meta({ description: 'Used for the tries alone: neither stored, nor logged, nor answered.' }),
    record_type: recordTypeName.optional().meta({ description: 'The first one by default.' }),
    tries: z
      .union([z.literal('suite'), z.array(tryName).min(1).max(TRIES.length)])
      .default('suite')
      .meta({ description: '`suite`: all, one after the other.' }),
    may_write: z.boolean().default(false).meta({
      description: 'Allows tries that write a test record. It is removed at the end.',
    }),
    modified_since: z.iso
      .datetime({ offset: true })
      .optional()
      .meta({ description: 'By default a time between the records of the first page.' }),
    external_id: externalId.optional().meta({ description: 'Of a record that is there, for `find`.' }),
    record: jsonObject
      .optional()
      .meta({ description: 'The fields of the test record, by the names of Syncline.' }),
    change: jsonObject.optional().meta({ description: 'What `update` changes of the test record.' }),
    wrong: jsonObject.optional().meta({ description: 'A record that the product must refuse, for `error`.' }),
  })
  .meta({ id: 'WantedTries' });

const call = z.object({
  method: z.string(),
  url: z.string(),
  status: z.int().nullable().meta({ description: 'Null: there was no complete answer.' }),
  duration_ms: z.int(),
  sent: z.string().nullable().meta({ description: 'The body, shortened and without credentials.' }),
  answer: z.string().nullable().meta({ description: 'The body, shortened and without credentials.' }),
});

const found = z.object({
  records: z.int(),
  ids: z.array(z.string()).meta({ description: 'At most ten.' }),
  has_next_page: z.boolean(),
  fields: z.array(
    z.object({
      at: z.string().meta({ description: 'JSON Pointer into a record.', example: '/name/first' }),
      kinds: z.array(z.string()),
      count: z.int().meta({ description: 'How many of the records have it.' }),
    }),
  ),
  modified: z.array(z.string()).meta({ description: 'When records were modified, at most ten.' }),
});

export const triesView = z
  .object({
    ok: z.boolean().meta({ description: 'No try has failed. `summary` says what was not proved.' }),
    record_type: z.string(),
    message: z
      .string()
      .nullable()
      .meta({ description: 'Why nothing could be tried; null if something was.' }),
    summary: z.string().meta({
      description: 'How many have passed and failed, and which prove nothing, in words.',
      example: '8 passed, 0 failed. Not proved: create, find again, update, no op update, error, remove.',
    }),
    results: z.array(
      z.object({
        try: z.enum([...TRIES, 'clean_up']),
        outcome: z.enum(['passed', 'failed', 'not_possible', 'not_tried']).meta({
          description:
            '`not_possible`: the definition, the data or the request does not allow it. `not_tried`: there was ' +
            'no time, something before it has failed, or the product limits the rate of requests.',
        }),
        message: z.string().meta({ description: 'What was found, in words.' }),
        duration_ms: z.int(),
        calls: z.array(call).meta({ description: 'At most ten.' }),
        found: found.nullable(),
        problems: z.array(
          z.object({
            pointer: z.string().meta({ description: 'Into the definition.' }),
            code: z.string(),
            message: z.string(),
          }),
        ),
      }),
    ),
  })
  .meta({ id: 'DefinitionTries' });

type WireResult = z.output<typeof triesView>['results'][number];

export function toWireResult({ durationMs, calls, found: seen, ...result }: TryResult): WireResult {
  return {
    ...result,
    duration_ms: durationMs,
    calls: calls.map(({ durationMs: ms, ...one }) => ({ ...one, duration_ms: ms })),
    found: seen === undefined ? null : withoutCase(seen),
  };
}

const withoutCase = ({
  hasNextPage,
  ...seen
}: NonNullable<TryResult['found']>): NonNullable<WireResult['found']> => ({
  ...seen,
  has_next_page: hasNextPage,
});
