/** Removes the names and values of erased records from texts and JSON of other rows (rules.md 62). */
import type { JsonObject, JsonValue } from '../json';
import { formsOf, inOneCase, isLong, isShortName, longestFirst, replaceWhole } from './written-forms';

const ERASED = '[erased]';

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
  readonly #names: readonly Searched[];
  /** Forms of names and values, by which words are replaced. */
  readonly #words: readonly Searched[];
  /** By which numbers are replaced. */
  readonly #values: ReadonlySet<string>;
  /** Only replaced in a text in which another name or value was replaced. */
  readonly #shortValues: readonly Searched[];
  readonly #ids: ReadonlySet<string>;
  readonly #typedNames: ReadonlySet<string>;
  readonly #searched = new Map<RedactedColumn, readonly string[]>();

  /** @param more texts that belong to no record. */
  constructor(records: readonly ErasedRecord[], more: readonly string[] = []) {
    const names = records.flatMap(({ externalId, remoteIds }) => [externalId, ...remoteIds]);
    const values = [...records.flatMap(({ texts }) => texts), ...more];
    this.#names = exactly(longestFirst(names.filter(isLong)));
    const written = new Set([...names, ...values].filter(isLong));
    this.#words = longestFirst([...written].flatMap(formsOf)).map((text) => ({
      text,
      folded: inOneCase(text),
    }));
    this.#values = new Set(values);
    this.#shortValues = exactly(longestFirst(values.filter(isShortName)));
    this.#ids = new Set(records.map(({ id }) => id));
    this.#typedNames = new Set(records.map(nameOf));
  }

  /**
   * A column has to be examined if its text in PostgreSQL contains one of these. In words, case is ignored.
   * There may be many, and each column of a table asks for them.
   */
  searched(kind: RedactedColumn): readonly string[] {
    const searched = this.#searched.get(kind) ?? this.#searchedIn(kind);
    this.#searched.set(kind, searched);
    return searched;
  }

  #searchedIn(kind: RedactedColumn): readonly string[] {
    const texts = (kind === 'ids' ? this.#names : this.#words).map(({ text }) => text);
    const escaped = texts.map((text) => JSON.stringify(text).slice(1, -1));
    const shortNames = [...this.#typedNames].map((name) => name.slice(name.indexOf('/') + 1));
    const members = shortNames.map((externalId) => `"external_id": ${JSON.stringify(externalId)}`);
    return [...new Set([...texts, ...escaped, ...this.#ids, ...this.#typedNames, ...members])];
  }

  text(text: string, kind: RedactedColumn): string {
    if (this.#typedNames.has(text)) return ERASED;
    const named = replaceAll(text, this.#names);
    if (kind === 'ids') return named;
    const valued = replaceAll(named, this.#words, inOneCase);
    return valued === text ? text : replaceAll(valued, this.#shortValues);
  }

  json(value: JsonValue, kind: RedactedColumn): JsonValue {
    if (typeof value === 'string') return this.text(value, kind);
    if (typeof value === 'number') {
      return kind === 'words' && this.#values.has(String(value)) ? ERASED : value;
    }
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
      this.#typedNames.has(nameOf({ recordType: record_type, externalId: external_id }))
    );
  }
}

interface Searched {
  text: string;
  folded: string;
}

const exactly = (texts: readonly string[]): Searched[] => texts.map((text) => ({ text, folded: text }));

/** @param fold brings the text into one case, as the searched ones; absent = case counts. */
function replaceAll(text: string, texts: readonly Searched[], fold?: (text: string) => string): string {
  let rest = text;
  let folded = fold?.(rest) ?? rest;
  for (const { text: erased, folded: part } of texts) {
    if (!folded.includes(part)) continue;
    rest = replaceWhole(rest, { erased, by: ERASED, isCaseIgnored: fold !== undefined });
    folded = fold?.(rest) ?? rest;
  }
  return rest;
}

const NAMES = new Set(['external_id', 'remote_id']);

const nameOf = ({ recordType, externalId }: { recordType: string; externalId: string }) =>
  `${recordType}/${externalId}`;
