/** Removes the names and values of erased records from texts and JSON of other rows (rules.md 62). */
import type { JsonObject, JsonValue } from '../json';

const ERASED = '[erased]';

/** Shorter texts occur everywhere, so they are only erased where a row names the record itself. */
const TEXT_LENGTH_MIN = 5;

export interface ErasedRecord {
  /** As the API shows it. */
  id: string;
  recordType: string;
  externalId: string;
  remoteIds: readonly string[];
  /** Values of the record. */
  texts: readonly string[];
}

/** `ids`: columns that name records. `words`: texts of people, third parties and receivers. */
export type RedactedColumn = 'ids' | 'words';

export class Redaction {
  readonly #texts: Record<RedactedColumn, string[]>;
  readonly #ids: ReadonlySet<string>;
  readonly #names: ReadonlySet<string>;

  constructor(records: readonly ErasedRecord[]) {
    const long = (texts: readonly string[]) =>
      [...new Set(texts)].filter((text) => text.length >= TEXT_LENGTH_MIN).toSorted(byLength);
    const names = records.flatMap(({ externalId, remoteIds }) => [externalId, ...remoteIds]);
    this.#texts = {
      ids: long(names),
      words: long([...names, ...records.flatMap(({ texts }) => texts)]),
    };
    this.#ids = new Set(records.map(({ id }) => id));
    this.#names = new Set(records.map(nameOf));
  }

  /** What a column contains, as PostgreSQL writes it as text, if it may have to be changed. */
  searched(kind: RedactedColumn): string[] {
    const texts = this.#texts[kind];
    const escaped = texts.map((text) => JSON.stringify(text).slice(1, -1));
    const shortNames = [...this.#names].map((name) => name.slice(name.indexOf('/') + 1));
    const members = shortNames.map((externalId) => `"external_id": ${JSON.stringify(externalId)}`);
    return [...new Set([...texts, ...escaped, ...this.#ids, ...this.#names, ...members])];
  }

  text(text: string, kind: RedactedColumn): string {
    if (this.#names.has(text)) return ERASED;
    return this.#texts[kind].reduce((rest, erased) => replaceWhole(rest, erased), text);
  }

  json(value: JsonValue, kind: RedactedColumn): JsonValue {
    if (typeof value === 'string') return this.text(value, kind);
    if (Array.isArray(value)) return value.map((item) => this.json(item, kind));
    if (value === null || typeof value !== 'object') return value;
    const isNamed = this.#isNamed(value);
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [
        this.text(key, kind),
        isNamed && NAMES.has(key) ? ERASED : this.json(member, kind),
      ]),
    );
  }

  #isNamed({ id, record_id, record_type, external_id }: JsonObject): boolean {
    if ([id, record_id].some((one) => typeof one === 'string' && this.#ids.has(one))) return true;
    return (
      typeof record_type === 'string' &&
      typeof external_id === 'string' &&
      this.#names.has(nameOf({ recordType: record_type, externalId: external_id }))
    );
  }
}

/** Not as a part of a longer name: `emp-1` is no part of `emp-10`. */
function replaceWhole(text: string, erased: string): string {
  if (!text.includes(erased)) return text;
  const escaped = erased.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
  const whole = new RegExp(String.raw`(?<![\p{L}\p{N}_-])${escaped}(?![\p{L}\p{N}_-])`, 'gu');
  return text.replaceAll(whole, ERASED);
}

const NAMES = new Set(['external_id', 'remote_id']);

const nameOf = ({ recordType, externalId }: { recordType: string; externalId: string }) =>
  `${recordType}/${externalId}`;

/** The longest first, so that no part of a longer one is left. */
const byLength = (one: string, other: string) => other.length - one.length;

/** The strings in a value, at any depth, that are long enough to be told apart. */
export function textsIn(value: JsonValue | undefined): string[] {
  if (typeof value === 'string') return value.length >= TEXT_LENGTH_MIN ? [value] : [];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  if (value === null || value === undefined || typeof value !== 'object') return [];
  return Object.values(value).flatMap(textsIn);
}
