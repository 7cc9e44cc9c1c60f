/** The settings per record type of an integration, as JSON. */
import { z } from 'zod';
import type { Integration } from '../../db/integrations/integrations';
import {
  DRIFT_REACTIONS,
  settingsOf,
  type StoredTypeSettings,
  type TypeSettingsRow,
} from '../../domain/records/record-type-settings';
import { HttpError } from '../http/http-error';
import { byRecordType } from '../routing/common-schemas';
import {
  readThresholds,
  thresholdsChange,
  thresholdsView,
  toWireThresholds,
} from './safety-threshold-schema';

const onDrift = z.enum(DRIFT_REACTIONS).meta({
  description: [
    'What happens to a value that was changed in the app after it was pushed:',
    '- `report`: it is shown at the record and listed; nothing is written.',
    '- `repair`: the value of Syncline is pushed again.',
    "- `accept`: the app's value is taken over.",
  ].join('\n'),
});

const overlapMinutes = z
  .int()
  .min(0)
  .max(7 * 24 * 60)
  .nullable()
  .meta({
    description:
      'How many minutes earlier than the last run incremental runs read, for changes that become visible ' +
      'late. null: 2 minutes, or one and a half times as long as a change of the last week was late.',
  });

const typeSettings = z
  .object({ on_drift: onDrift, overlap_minutes: overlapMinutes, safety_thresholds: thresholdsView })
  .meta({ id: 'RecordTypeSettings' });
export const typeSettingsView = byRecordType(typeSettings).meta({
  description: 'The settings of each mapped record type, defaults included.',
});

export const typeSettingsChange = byRecordType(
  z.strictObject({
    on_drift: onDrift.nullable().optional(),
    overlap_minutes: overlapMinutes.optional(),
    safety_thresholds: thresholdsChange.optional(),
  }),
).meta({
  description:
    'Settings per record type. Changes the given members only; null sets one back to its ' +
    'default. Changes no mapping and pushes nothing by itself.',
  example: { employees: { on_drift: 'repair' } },
});

export function toWireTypeSettings({
  recordTypes,
  typeSettings: stored,
}: Pick<Integration, 'recordTypes' | 'typeSettings'>): z.output<typeof typeSettingsView> {
  return Object.fromEntries(
    Object.keys(recordTypes).map((type) => {
      const { onDrift: reaction, overlapMinutes: overlap, brakes } = settingsOf(stored, type);
      return [
        type,
        { on_drift: reaction, overlap_minutes: overlap, safety_thresholds: toWireThresholds(brakes) },
      ];
    }),
  );
}

/** Throws `invalid_settings` for a record type without a mapping. */
export function readTypeSettings(
  before: StoredTypeSettings,
  given: z.output<typeof typeSettingsChange>,
  recordTypes: Readonly<Record<string, unknown>>,
): StoredTypeSettings {
  const after: Record<string, TypeSettingsRow> = { ...before };
  for (const [type, change] of Object.entries(given)) {
    if (!Object.hasOwn(recordTypes, type))
      throw new HttpError('invalid_settings', {
        errors: [
          {
            pointer: `/type_settings/${type}`,
            code: 'unknown_record_type',
            message: `The integration has no mapping for "${type}".`,
          },
        ],
      });
    after[type] = {
      ...merged(before[type] ?? {}, {
        onDrift: change.on_drift,
        overlapMinutes: change.overlap_minutes,
      }),
      brakes: merged(before[type]?.brakes ?? {}, readThresholds(change.safety_thresholds ?? {})),
    };
  }
  return after;
}

/** undefined: stays; null: back to the default. */
function merged<Row extends object>(
  before: Row,
  change: { [Name in keyof Row]?: Row[Name] | null | undefined },
): Row {
  const given = Object.entries(change).filter(([, value]) => value !== undefined);
  const all = Object.entries({ ...before, ...Object.fromEntries(given) });
  return Object.fromEntries(all.filter(([, value]) => value !== null)) as Row;
}
