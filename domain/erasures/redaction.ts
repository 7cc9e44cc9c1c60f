/** Removes the names and values of erased records from texts and JSON of other rows (rules.md 62). */
import type { JsonObject, JsonValue } from '../json';
import { folded, READERS, type Reading } from './readings';
import {
  formsOf,
  isLong,
  isShortName,
  longestFirst,
  replaceWhole,
  type Searched,
  searchedIn,
} from './written-forms';

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
  /** Names and values that are long enough to be told apart. */
  readonly #long: { names: ReadonlySet<string>; words: ReadonlySet<string> };
  readonly #names: readonly Searched[];
  /** Names and values, by which words are replaced. */
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
    this.#long = {
      names: new Set(names.filter(isLong)),
      words: new Set([...names, ...values].filter(isLong)),
    };
    this.#names = longestFirst(this.#long.names).map((text) => searchedIn(text, asItIs));
    this.#words = longestFirst(this.#long.words).map((text) => searchedIn(text, inAnyCase));
    this.#values = new Set(values);
    this.#shortValues = longestFirst(values.filter(isShortName)).map((text) => searchedIn(text, inThisCase));
    this.#ids = new Set(records.map(({ id }) => id));
    this.#typedNames = new Set(records.map(nameOf));
  }

  /**
   * A column has to be examined if its text in PostgreSQL contains one of these. In words, case is ignored,
   * and those with escapes (readings.ts) have to be examined too.
   * There may be many, and each column of a table asks for them.
   */
  searched(kind: RedactedColumn): readonly string[] {
    const searched = this.#searched.get(kind) ?? this.#searchedIn(kind);
    this.#searched.set(kind, searched);
    return searched;
  }

  #searchedIn(kind: RedactedColumn): readonly string[] {
    const { names, words } = this.#long;
    const texts = kind === 'ids' ? [...names] : [...words].flatMap(formsOf);
    const escaped = texts.map((text) => JSON.stringify(text).slice(1, -1));
    const shortNames = [...this.#typedNames].map((name) => name.slice(name.indexOf('/') + 1));
    const members = shortNames.map((externalId) => `"external_id": ${JSON.stringify(externalId)}`);
    return [...new Set([...texts, ...escaped, ...this.#ids, ...this.#typedNames, ...members])];
  }

  text(text: string, kind: RedactedColumn): string {
    if (this.#typedNames.has(text)) return ERASED;
    if (kind === 'ids')
      return replaceWhole(text, this.#names, { by: ERASED, read: (one) => ({ text: one }), areIds: true });
    const valued = replaceWords(text, this.#words, inAnyCase);
    return valued === text ? text : replaceWords(valued, this.#shortValues, inThisCase);
  }

  /** @param text of a jsonb value. Its other numbers are kept to the digit. */
  jsonText(text: string, kind: RedactedColumn): string {
    const value = JSON.parse(text.replace(TOKENS, keepDigits)) as JsonValue;
    const before = JSON.stringify(value);
    const after = JSON.stringify(this.json(value, kind));
    return after === before ? text : after.replace(KEPT_NUMBERS, '$1');
  }

  json(value: JsonValue, kind: RedactedColumn): JsonValue {
    if (typeof value === 'number' || (typeof value === 'string' && value.startsWith(NUL)))
      return kind === 'words' && this.#isValue(value) ? ERASED : value;
    if (typeof value === 'string') return this.text(value, kind);
    if (Array.isArray(value)) return value.map((item) => this.json(item, kind));
    if (value === null || typeof value !== 'object') return value;
    const isNamed = this.#isNamed(value);
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [
        this.text(key, kind),
        NAMES.has(key) ? this.#name(member, kind, isNamed) : this.json(member, kind),
      ]),
    );
  }

  #isValue(number: number | string): boolean {
    const digits = String(number).replace(NUL, '');
    return this.#values.has(digits) || this.#values.has(String(Number(digits)));
  }

  /** The name of another record may contain that of an erased one. */
  #name(name: JsonValue, kind: RedactedColumn, isNamed: boolean): JsonValue {
    if (isNamed) return ERASED;
    if (kind === 'words' || typeof name !== 'string') return this.json(name, kind);
    return this.#long.names.has(name) ? ERASED : name;
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

/** Begins numbers that JavaScript would write otherwise; no text of a jsonb value contains it. */
const NUL = '\u0000';
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/gu;
const KEPT_NUMBERS = /"\\u0000([^"]*)"/gu;

const keepDigits = (token: string) =>
  token.startsWith('"') || JSON.stringify(Number(token)) === token ? token : `"\\u0000${token}"`;

const asItIs = (reading: Reading): Reading => reading;
const inAnyCase = (reading: Reading): Reading => folded(reading);
const inThisCase = (reading: Reading): Reading => folded(reading, true);

function replaceWords(text: string, words: readonly Searched[], fold: (reading: Reading) => Reading): string {
  let rest = text;
  for (const reader of READERS)
    rest = replaceWhole(rest, words, {
      by: ERASED,
      read(one) {
        const reading = reader(one);
        return reading && fold(reading);
      },
    });
  return rest;
}

const NAMES = new Set(['external_id', 'remote_id']);

const nameOf = ({ recordType, externalId }: { recordType: string; externalId: string }) =>
  `${recordType}/${externalId}`;
