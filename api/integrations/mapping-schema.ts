/** The JSON of mappings; domain/records/problems/ checks them (rules.md 13 to 15). */
import { z } from 'zod';
import { byRecordType, jsonValue } from '../routing/common-schemas';
import { reference } from './mappings/reference-schema';
import { transform } from './mappings/transform-schema';

const having = (...keys: string[]) => ({
  properties: Object.fromEntries(keys.map((key) => [key, {}])),
  required: keys,
});

/** What no field may have together. */
const ONE_WAY_ONLY = [having('values', 'transform'), having('values', 'ref'), having('transform', 'ref')];

const fieldMapping = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(255)
      .optional()
      .meta({
        description:
          'The Syncline field: a top-level key of the record, without "/". A dot has no special ' +
          'meaning. Absent for a constant, and with `names`.',
      }),
    names: z
      .array(z.string().min(1).max(255))
      .min(2)
      .max(20)
      .optional()
      .meta({
        description:
          'Instead of `name`: several fields, whose values a transform that begins with `join` makes one ' +
          'text of. Only sent.',
      }),
    to: z
      .string()
      .min(1)
      .max(500)
      .meta({
        description:
          "The target: a JSON Pointer into the app's record, a plain key, or a member of a list that is " +
          'selected by its sub-attributes, such as `emails[type eq "work"].value`.',
        example: '/name/givenName',
      }),
    type: z.enum(['string', 'number', 'boolean', 'date', 'datetime']).optional(),
    values: z.record(z.string(), jsonValue).optional().meta({
      description: "Maps Syncline's values to the app's values; `*` is the default for all other values.",
    }),
    ref: reference.optional(),
    constant: jsonValue.optional().meta({ description: 'Always sent, independent of the record.' }),
    transform: transform.optional(),
    direction: z
      .enum(['push', 'pull'])
      .optional()
      .meta({
        description:
          'For the direction `both`: `push`, Syncline owns the field, and it is never read; `pull`, the app ' +
          'owns it, so that it is never sent, and cannot be changed in Syncline.',
      }),
    on_conflict: z
      .enum(['ours', 'theirs'])
      .optional()
      .meta({ description: 'Instead of that of the record type. Only for the direction `both`.' }),
    only_on_create: z
      .literal(true)
      .optional()
      .meta({
        description:
          'Sent when the record is created in the app, and neither sent nor compared afterwards. With the ' +
          'direction `both`, the field needs the direction `push`.',
      }),
  })
  .refine(
    ({ transform: steps, values, ref }) =>
      [steps, values, ref].filter((way) => way !== undefined).length <= 1,
    'give only one of "values", "transform" and "ref"',
  )
  .meta({ not: { anyOf: ONE_WAY_ONLY }, id: 'FieldMapping' });

const recordTypeMapping = z
  .strictObject({
    direction: z.enum(['push', 'pull', 'both']).default('push'),
    fields: z
      .array(fieldMapping)
      .max(500)
      .default([])
      .meta({
        description:
          'At least one, except for the direction `pull`: an empty list then copies every ' +
          'top-level field under its own name.',
      }),
    filter: z
      .record(z.string(), z.array(jsonValue).min(1).max(100))
      .optional()
      .meta({ description: 'Sync only records whose fields have one of these values.' }),
    on_delete: z
      .enum(['deactivate', 'delete', 'leave'])
      .optional()
      .meta({ description: 'The default of the connector unless given.' }),
    on_conflict: z
      .enum(['ours', 'theirs'])
      .optional()
      .meta({
        description:
          "Which side wins if a field was changed on both sides: `ours` is Syncline's value (the " +
          "default), `theirs` the app's. Only for the direction `both`.",
      }),
    match_by: z
      .string()
      .min(1)
      .max(255)
      .optional()
      .meta({ description: 'A mapped field by which existing records in the app are matched.' }),
    match_ignore_case: z.boolean().optional().meta({
      description:
        'Values of `match_by` match regardless of upper and lower case. E-mail addresses always do.',
    }),
  })
  .meta({ id: 'RecordTypeMapping' });

export const recordTypeMappings = byRecordType(recordTypeMapping)
  .refine((mappings) => Object.keys(mappings).length <= 100, 'at most 100 record types')
  .meta({ maxProperties: 100, id: 'RecordTypeMappings' });
export type WireMappings = z.output<typeof recordTypeMappings>;
export const recordTypeMappingsView = z
  .record(z.string(), recordTypeMapping.extend({ on_delete: z.enum(['deactivate', 'delete', 'leave']) }))
  .meta({ id: 'RecordTypeMappingsView' });
export type WireMappingsView = z.output<typeof recordTypeMappingsView>;
