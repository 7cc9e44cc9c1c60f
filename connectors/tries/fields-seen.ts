/** The fields of records that were read, for people who write a mapping. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json';
import type { FieldSeen } from '../../domain/third-parties/tries';

const DEPTH_MAX = 4;
const FIELDS_MAX = 100;
const RECORDS_MAX = 50;

export function fieldsSeen(records: readonly JsonObject[]): FieldSeen[] {
  const seen = new Map<string, { kinds: Set<string>; count: number }>();
  for (const record of records.slice(0, RECORDS_MAX)) {
    for (const [at, kind] of placesIn(record, '', 1)) {
      const field = seen.get(at) ?? { kinds: new Set(), count: 0 };
      field.kinds.add(kind);
      field.count += 1;
      if (seen.size < FIELDS_MAX || seen.has(at)) seen.set(at, field);
    }
  }
  return [...seen].map(([at, { kinds, count }]) => ({ at, kinds: [...kinds].sort(), count }));
}

function placesIn(record: JsonObject, base: string, depth: number): [string, string][] {
  return Object.entries(record).flatMap(([name, value]): [string, string][] => {
    const at = `${base}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (isJsonObject(value) && depth < DEPTH_MAX && Object.keys(value).length > 0)
      return placesIn(value, at, depth + 1);
    return [[at, kindOf(value)]];
  });
}

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/;

function kindOf(value: JsonValue): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'list';
  if (typeof value !== 'string') return typeof value;
  if (DATE.test(value)) return 'date';
  return INSTANT.test(value) ? 'time' : 'text';
}
