/**
 * The settings of a record type of an integration. They are not part of the mapping: changing them reads and
 * pushes nothing by itself.
 */

/** What happens to a value that was changed at the third party after it was pushed. */
export const DRIFT_REACTIONS = ['report', 'repair', 'accept'] as const;
type DriftReaction = (typeof DRIFT_REACTIONS)[number];

export interface RecordTypeSettings {
  onDrift: DriftReaction;
  /** How much earlier incremental runs read; null = as late as changes were so far. */
  overlapMinutes: number | null;
}

/** As stored: members that were never set are absent. */
export type StoredTypeSettings = Readonly<Record<string, Partial<RecordTypeSettings>>>;

const DEFAULTS: RecordTypeSettings = { onDrift: 'report', overlapMinutes: null };

export const settingsOf = (stored: StoredTypeSettings, recordType: string): RecordTypeSettings => ({
  ...DEFAULTS,
  ...stored[recordType],
});
