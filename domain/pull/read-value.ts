/**
 * Converts a value of a third party to ours: `type`, `values` or `transform` of a mapping read backwards
 * (rules.md 48). What a push can send comes back as what was sent. A value that does not fit is refused, with
 * a message for users, and replaces nothing.
 */
import type { JsonValue } from '../json';
import { type Converted, refuse as refuseValue } from '../records/converted';
import { convertInstant } from '../records/instant-text';
import { chainOf, type FieldMapping, type FieldType } from '../records/mapping';
import { unknownIdsIn } from '../records/references';

export type ReadValue = (value: JsonValue) => Converted;

export function readerOf(field: FieldMapping): ReadValue {
  const chain = chainOf(field);
  if (chain !== undefined) return chain.toLocal;
  const { type, values, ref } = field;
  if (ref !== undefined) return readReference;
  if (values !== undefined) return readerOfList(values);
  if (type === undefined) return (value) => ({ ok: true, value });
  return (value) => readAs(type, value);
}

const refuse = (value: JsonValue, what: string): Converted =>
  refuseValue(value, `of the third party ${what}`);

/** Our ids have taken the place of those that are known. */
function readReference(value: JsonValue): Converted {
  const [unknown] = unknownIdsIn(value);
  if (unknown !== undefined) return refuse(unknown, 'names a record that is not known here yet');
  if (value === null || isBlank(value)) return { ok: true, value: null };
  const isId = (one: JsonValue) => typeof one === 'string';
  if (isId(value) || (Array.isArray(value) && value.every(isId))) return { ok: true, value };
  return refuse(value, 'is not the id of a record');
}

/**
 * If two of our values are sent as the same remote value, the first one is used. `"*"` is sent for many of
 * ours, so its value cannot be inverted and stays as it is.
 */
function readerOfList(values: Record<string, JsonValue>): ReadValue {
  const exact = new Map<string, string>();
  const asText = new Map<string, string>();
  for (const [ours, theirs] of Object.entries(values)) {
    if (ours === '*') continue;
    if (!exact.has(keyOf(theirs))) exact.set(keyOf(theirs), ours);
    if (!asText.has(textOf(theirs))) asText.set(textOf(theirs), ours);
  }
  const fallback = values['*'];
  return (value) => {
    const ours = exact.get(keyOf(value)) ?? asText.get(textOf(value));
    if (ours !== undefined) return { ok: true, value: ours };
    if (value === null || isBlank(value)) return { ok: true, value: null };
    if (fallback !== undefined && keyOf(fallback) === keyOf(value)) return { ok: true, value };
    return refuse(value, 'has no counterpart in the mapping');
  };
}

const keyOf = (value: JsonValue): string => (typeof value === 'string' ? `s${value}` : JSON.stringify(value));
/** Some third parties show numbers and booleans as texts. */
const textOf = (value: JsonValue): string => (typeof value === 'string' ? value : JSON.stringify(value));
const isBlank = (value: JsonValue): boolean => typeof value === 'string' && value.trim() === '';

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const NO_DAY = /^0000-00-00(?:[T ][0:.]*Z?)?$/i;
const TRUE = new Set(['true', '1', 'yes']);
const FALSE = new Set(['false', '0', 'no']);

function readAs(type: FieldType, value: JsonValue): Converted {
  if (value === null) return { ok: true, value };
  if (typeof value === 'object') return refuse(value, `is not a ${type}`);
  if (type === 'string') return { ok: true, value: String(value) };
  // A third party without null shows an empty text.
  if (isBlank(value)) return { ok: true, value: null };
  switch (type) {
    case 'number': {
      const number = typeof value === 'string' && DECIMAL.test(value.trim()) ? Number(value) : value;
      if (typeof number === 'number' && Number.isFinite(number)) return { ok: true, value: number };
      break;
    }
    case 'boolean': {
      const text = String(value).trim().toLowerCase();
      if (TRUE.has(text) || FALSE.has(text)) return { ok: true, value: TRUE.has(text) };
      break;
    }
    default: {
      const text = typeof value === 'string' ? value.trim() : value;
      if (typeof text === 'string' && NO_DAY.test(text)) return { ok: true, value: null };
      const converted = convertInstant(type, text);
      if (converted !== undefined) return converted;
    }
  }
  return refuse(value, `is not a ${type}`);
}
