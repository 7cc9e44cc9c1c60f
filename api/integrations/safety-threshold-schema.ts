/** The safety thresholds of a record type, as JSON (rules.md 53). */
import { z } from 'zod';
import { BRAKE_KINDS, type BrakeKind, type BrakeSetting } from '../../domain/brakes/brake';

const threshold = z
  .strictObject({
    count: z.int().min(0).max(1_000_000_000).meta({ description: 'At most this number of records.' }),
    share: z
      .number()
      .min(0)
      .max(1)
      .meta({ description: 'At most this share of the records; 1 holds nothing back.' }),
    window_hours: z
      .int()
      .min(1)
      .max(720)
      .meta({ description: 'How long earlier changes count, in hours. Approved ones do not count.' }),
  })
  .meta({
    id: 'SafetyThreshold',
    description:
      'Changes wait for approval if they are more than `count` **and** more than `share` within the window. ' +
      'Exactly at one of the two, they are applied.',
    example: { count: 20, share: 0.1, window_hours: 168 },
  });
const growthThreshold = threshold
  .extend({
    share: z.number().min(0).max(1_000).meta({ description: 'At most this many times the records.' }),
  })
  .meta({
    id: 'GrowthThreshold',
    description:
      'New records wait for approval if they are more than `count` **and** more than `share` times the records ' +
      'that the app had. `window_hours` has no effect: each sync that succeeds counts the records again.',
    example: { count: 10_000, share: 10, window_hours: 168 },
  });
const schemaOf = (kind: BrakeKind) => (kind === 'pull_grow' ? growthThreshold : threshold);
const WHAT_COUNTS: Record<BrakeKind, string> = {
  pull_delete: 'Records that a full sync no longer finds in the app: see Deletion reviews.',
  push_create: 'First pushes of records. Their share is that of the records in the app: see Push reviews.',
  push_overwrite:
    'Pushes that replace or empty a value that is not empty. Edits of people in the console do not count.',
  push_deactivate: 'Pushes that deactivate a record in the app.',
  push_delete: 'Pushes that delete a record in the app.',
  pull_empty:
    'Records in which a filled field is suddenly empty in the app, counted per field: see Deletion reviews.',
  pull_grow: 'New records in the app since its records were counted last: see Deletion reviews.',
};
const thresholds = <Schema extends z.ZodType>(toSchema: (schema: typeof threshold) => Schema) =>
  Object.fromEntries(
    BRAKE_KINDS.map((kind) => [kind, toSchema(schemaOf(kind)).meta({ description: WHAT_COUNTS[kind] })]),
  ) as Record<BrakeKind, Schema>;
export const thresholdsView = z
  .object(thresholds((schema) => schema))
  .meta({ description: 'The safety thresholds: how many changes need approval.' });
export const thresholdsChange = z.strictObject(thresholds((schema) => schema.nullable().optional()));

type Thresholds = z.output<typeof thresholdsView>;
const toWireThreshold = ({ count, share, windowHours }: BrakeSetting): z.output<typeof threshold> => ({
  count,
  share,
  window_hours: windowHours,
});

export const toWireThresholds = (brakes: Readonly<Record<BrakeKind, BrakeSetting>>) =>
  Object.fromEntries(BRAKE_KINDS.map((kind) => [kind, toWireThreshold(brakes[kind])])) as Thresholds;

export const readThresholds = (given: z.output<typeof thresholdsChange>) =>
  Object.fromEntries(
    BRAKE_KINDS.map((kind) => {
      const wire = given[kind];
      if (wire === null || wire === undefined) return [kind, wire];
      const { window_hours: windowHours, ...setting } = wire;
      return [kind, { ...setting, windowHours }];
    }),
  ) as Partial<Record<BrakeKind, BrakeSetting | null>>;
