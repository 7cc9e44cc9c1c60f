/**
 * The steps of a transform: a closed set of total functions with types. A step turns a value of ours into one
 * of the third party's, and back where that is possible. It never throws: what it cannot convert is refused
 * in words.
 */
import type { JsonValue } from '../../json';
import type { Converted } from '../converted';

export const PHONE_FORMATS = ['e164', 'international', 'national', 'digits'] as const;
export const COUNTRY_FORMS = ['alpha2', 'alpha3', 'numeric', 'name'] as const;
export type PhoneFormat = (typeof PHONE_FORMATS)[number];
export type CountryForm = (typeof COUNTRY_FORMS)[number];
type Word = string | number;

export type TransformStep =
  | { type: 'trim' }
  | { type: 'case'; to: 'upper' | 'lower' }
  /** Our text, their list of texts. */
  | { type: 'split'; separator: string }
  /** Our list of texts, their text. */
  | { type: 'join'; separator: string }
  /** One part of our text; negative positions count from the end. */
  | { type: 'part'; separator: string; at: number }
  /** Stands for null and for an absent field. */
  | { type: 'default'; value: JsonValue }
  | { type: 'lookup'; values: Record<string, Word | boolean>; otherwise?: Word | boolean | undefined }
  | { type: 'boolean'; true: Word; false: Word }
  /** Our number, their text. */
  | { type: 'number'; decimals?: number | undefined; point?: string | undefined; group?: string | undefined }
  | { type: 'date'; format: string }
  | { type: 'datetime'; format: string; zone: string }
  /** The day of our instant in a zone. */
  | { type: 'day'; zone: string }
  | { type: 'country'; ours: CountryForm; theirs: CountryForm; language?: string | undefined }
  | { type: 'phone'; country: string; format: PhoneFormat };

/** `null`: it takes every value, and null as well. */
export type ValueKind = 'text' | 'number' | 'boolean' | 'list' | 'null' | 'any';

/** Both functions get no null, unless `takes` says so, and no empty text without `keepsBlank`. */
export interface CompiledStep {
  takes: ValueKind;
  /** What is sent. */
  gives: ValueKind;
  keepsBlank?: boolean;
  send(value: JsonValue): Converted;
  /** Absent: what is sent does not say what was here. `whyNotRead` says it in words. */
  read?: (value: JsonValue) => Converted;
  whyNotRead?: string;
  /** What is wrong with the settings of the step. */
  problem?: string | undefined;
}

export const done = (value: JsonValue): Converted => ({ ok: true, value });
