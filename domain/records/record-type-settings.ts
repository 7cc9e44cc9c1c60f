/**
 * The settings of a record type of an integration. They are not part of the mapping: changing them reads and
 * pushes nothing by itself.
 */
import { BRAKE_DEFAULTS, type BrakeKind, type BrakeSetting } from '../brakes/brake';

/** What happens to a value that was changed at the third party after it was pushed. */
export const DRIFT_REACTIONS = ['report', 'repair', 'accept'] as const;
export type DriftReaction = (typeof DRIFT_REACTIONS)[number];

export interface RecordTypeSettings {
  onDrift: DriftReaction;
  /** How much earlier incremental runs read; null = as late as changes were so far. */
  overlapMinutes: number | null;
  /** The safety thresholds: which changes wait for approval. */
  brakes: Readonly<Record<BrakeKind, BrakeSetting>>;
}

/** As stored: members that were never set are absent. */
export type TypeSettingsRow = Partial<Omit<RecordTypeSettings, 'brakes'>> & {
  brakes?: Readonly<Partial<RecordTypeSettings['brakes']>>;
};
export type StoredTypeSettings = Readonly<Record<string, TypeSettingsRow>>;

export function settingsOf(stored: StoredTypeSettings, recordType: string): RecordTypeSettings {
  const row = stored[recordType];
  return { onDrift: 'report', overlapMinutes: null, ...row, brakes: { ...BRAKE_DEFAULTS, ...row?.brakes } };
}

export const brakeOf = (stored: StoredTypeSettings, recordType: string, kind: BrakeKind): BrakeSetting =>
  settingsOf(stored, recordType).brakes[kind];
