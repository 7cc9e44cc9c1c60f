/**
 * A simple model of what Syncline guarantees: the expected records, what each third party should hold of
 * them, and from when on a push may go out. Shares no code with the product.
 */
export interface Settings {
  /** Field of Syncline to remote field. */
  fields: Record<string, string>;
  country: string | null;
  onDelete: 'deactivate' | 'delete' | 'leave';
  graceMs: number;
  maxWaitMs: number | null;
}

export interface ModelRecord {
  version: number;
  fields: Record<string, string | null>;
  isDeleted: boolean;
  /** The version that last changed a field; `others` of the fields that are not named. */
  fieldVersions: { others: number; named: Record<string, number> };
}

const versionOf = ({ fieldVersions: { others, named } }: ModelRecord, field: string): number =>
  named[field] ?? others;

/** A patch that is older than the record changes the fields that nothing newer has changed (rules.md 55). */
export function afterLatePatch(
  before: ModelRecord,
  fields: Record<string, string | null>,
  version: number,
): ModelRecord | undefined {
  const late = Object.entries(fields).filter(([field]) => version >= versionOf(before, field));
  const isReused = late.some(
    ([field, value]) => version === versionOf(before, field) && before.fields[field] !== value,
  );
  if (late.length === 0 || isReused) return undefined;
  const named = Object.fromEntries(late.map(([field]) => [field, version]));
  return {
    ...before,
    fields: { ...before.fields, ...Object.fromEntries(late) },
    fieldVersions: { ...before.fieldVersions, named: { ...before.fieldVersions.named, ...named } },
  };
}

/** `gone`: deactivated or deleted there, or never sent. Otherwise the payload as sorted text. */
export type Wanted = string;
export const GONE: Wanted = 'gone';

/** A field that a record no longer has is sent as null (rules.md 47), so null and absent are the same. */
export function payloadText(payload: object): Wanted {
  const set = Object.entries(payload).filter(([, value]) => value !== null);
  return JSON.stringify(set.sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function wantedOf(settings: Settings, record: ModelRecord | undefined): Wanted {
  if (record === undefined || record.isDeleted) return GONE;
  if (settings.country !== null && record.fields.country !== settings.country) return GONE;
  const entries = Object.entries(settings.fields).filter(([local]) => Object.hasOwn(record.fields, local));
  return payloadText(Object.fromEntries(entries.map(([local, remote]) => [remote, record.fields[local]])));
}

/** One state of a record, and the earliest instant at which it may reach the third party. */
interface Step {
  wanted: Wanted;
  mayGoAt: number;
}

/** One record sync: a record and an integration. */
export class ModelRecordSync {
  /** States since the last call, the newest last; the first is what was current when it was made. */
  private steps: Step[];
  private firstUnsentAt: number | null = null;
  /** What a person discarded, until something newer makes it count again. */
  discarded: Wanted | null = null;

  constructor(wanted: Wanted, at: number) {
    this.steps = [{ wanted, mayGoAt: at }];
  }

  get wanted(): Wanted {
    return this.steps.at(-1)?.wanted ?? GONE;
  }

  /** A relevant change (rules.md 1, 2): the newest state has to wait for quiet, at most the maximum wait. */
  changed(wanted: Wanted, at: number, { graceMs, maxWaitMs }: Settings): void {
    this.firstUnsentAt ??= at;
    const latest =
      maxWaitMs === null ? Number.POSITIVE_INFINITY : Math.max(this.firstUnsentAt + maxWaitMs, at);
    this.steps.push({ wanted, mayGoAt: Math.min(at + graceMs, latest) });
    this.discarded = null;
  }

  /** The current values may be pushed from `at` on: a person asked for it, or a mapping changed. */
  released(wanted: Wanted, at: number): void {
    this.firstUnsentAt ??= at;
    const newest = this.steps.at(-1) as Step;
    if (newest.wanted === wanted) newest.mayGoAt = Math.min(newest.mayGoAt, at);
    else this.steps.push({ wanted, mayGoAt: at });
    this.discarded = null;
  }

  /** It may go, and it need not. */
  perhapsDiscarded(wanted: Wanted, at: number): void {
    this.released(wanted, at);
    this.discarded = 'perhaps';
  }

  /** A new mapping says the same record in another way; its quiet time stays. */
  reworded(wanted: Wanted): void {
    const newest = this.steps.at(-1) as Step;
    this.steps.push({ wanted, mayGoAt: newest.mayGoAt });
  }

  /**
   * The instant from which this content may go, or null if the record has not had this content since the
   * last call.
   */
  mayGoAt(wanted: Wanted): number | null {
    const known = this.steps.filter((step) => step.wanted === wanted).map((step) => step.mayGoAt);
    return known.length === 0 ? null : Math.min(...known);
  }

  /** A call with this content began: earlier contents no longer count. */
  called(wanted: Wanted): void {
    const position = this.steps.findIndex((step) => step.wanted === wanted);
    if (position > 0) this.steps = this.steps.slice(position);
    this.firstUnsentAt = null;
  }
}
