/** The values that a third party lists for its fields, by the places of a mapping (rules.md 48). */
import type { JsonObject, JsonValue } from '../json';
import { parsePlace, valueAt } from './place';
import type { RecordType } from './record-type';

export class Picklists {
  private readonly lists = new Map<string, readonly string[]>();

  constructor(fields: RecordType['fields'] = []) {
    for (const { name, values = [] } of fields) if (values.length > 0) this.lists.set(keyOf(name), values);
  }

  has(to: string): boolean {
    return this.lists.has(keyOf(to));
  }

  /** A message for users; undefined if the value is listed, or no list is known for its place. */
  problemOf(to: string, value: JsonValue): string | undefined {
    const listed = this.lists.get(keyOf(to));
    const unlisted = listed && scalarsOf(value).find((one) => !listed.includes(one));
    if (listed === undefined || unlisted === undefined) return undefined;
    const some = listed.slice(0, LISTED_MAX).join(', ') + (listed.length > LISTED_MAX ? ', …' : '');
    return `The third party does not list the value ${JSON.stringify(unlisted)}. It lists: ${some}.`;
  }
}

interface UnlistedValue {
  field: string;
  to: string;
  message: string;
}

/** The mapped values of a payload or of a record there that the third party does not list. */
export function unlistedValues(
  { fields }: { fields: readonly { name?: string | undefined; to: string; ref?: object | undefined }[] },
  there: JsonObject,
  picklists: Picklists | undefined,
): UnlistedValue[] {
  if (picklists === undefined) return [];
  return fields.flatMap(({ name, to, ref }) => {
    const value = picklists.has(to) && ref === undefined ? valueAt(there, parsePlace(to)) : undefined;
    const message = value === undefined ? undefined : picklists.problemOf(to, value);
    return message === undefined ? [] : [{ field: name ?? to, to, message }];
  });
}

const LISTED_MAX = 20;

/** `grade` and `/grade` are the same place. */
const keyOf = (to: string): string => JSON.stringify(parsePlace(to));

/** Nothing is always allowed, and objects are not compared. */
function scalarsOf(value: JsonValue): string[] {
  if (Array.isArray(value)) return value.flatMap(scalarsOf);
  return value === null || value === '' || typeof value === 'object' ? [] : [String(value)];
}
