/**
 * What third parties make of the values that they are sent, and how the same value is recognized in each of
 * its notations: every edit of a world has a number, and each value carries the number of its edit.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../../domain/json';
import type { FieldMapping } from '../../../domain/records/mapping';
import type { Random } from '../../support/random';

/** The edited fields of a record. */
export const FIELDS = ['name', 'amount', 'since', 'seen', 'note', 'tags', 'address'] as const;
export type FieldName = (typeof FIELDS)[number];

const HABITS = {
  name: ['as_is', 'lower', 'upper', 'truncated'],
  amount: ['as_is', 'rounded', 'text', 'rounded_text'],
  since: ['as_is', 'with_time'],
  seen: ['as_is', 'no_milliseconds'],
  nulls: ['as_is', 'empty_text', 'absent'],
  tags: ['as_is', 'reversed', 'member_added'],
  address: ['as_is', 'attribute_added'],
  /** What the answer to a write shows. */
  answers: ['none', 'sparse', 'full'],
  paging: ['stable', 'shifting'],
  commits: ['at_once', 'late'],
  /** Whether one record can be read alone. */
  single: ['readable', 'not_readable'],
} as const;
export type Habits = { [Name in keyof typeof HABITS]: (typeof HABITS)[Name][number] };

export function randomHabits(random: Random): Habits {
  const habits = Object.entries(HABITS).map(([name, kinds]) => [
    name,
    random.chance(0.4) ? kinds[0] : random.pick<string>(kinds),
  ]);
  return Object.fromEntries(habits) as Habits;
}

/** The habits that differ from those of a third party that keeps everything as it is. */
export function describeHabits(habits: Habits): string {
  return Object.entries(habits)
    .filter(([name, kind]) => kind !== HABITS[name as keyof Habits][0])
    .map(([name, kind]) => `${name}: ${kind}`)
    .join(', ');
}

/** What the third party keeps of a payload. */
export function stored(habits: Habits, payload: JsonObject): JsonObject {
  const kept: JsonObject = {};
  for (const [name, value] of Object.entries(payload)) {
    const shown = value === null ? storedNull(habits) : storedValue(habits, name, value);
    if (shown === undefined) delete kept[name];
    else kept[name] = shown;
  }
  return kept;
}

/** The fields that the payload removes. */
export const removedBy = (habits: Habits, payload: JsonObject): string[] =>
  habits.nulls === 'absent' ? Object.keys(payload).filter((name) => payload[name] === null) : [];

function storedNull({ nulls }: Habits): JsonValue | undefined {
  return { as_is: null, empty_text: '', absent: undefined }[nulls];
}

function storedValue(habits: Habits, name: string, value: JsonValue): JsonValue {
  switch (name) {
    case 'name':
      return storedName(habits.name, textOf(value));
    case 'amount':
      return storedAmount(habits.amount, value);
    case 'since':
      return habits.since === 'with_time' && /^\d{4}-\d\d-\d\d$/.test(textOf(value))
        ? `${textOf(value)}T00:00:00Z`
        : value;
    case 'seen':
      return habits.seen === 'no_milliseconds' ? textOf(value).replace(/\.\d+Z$/, 'Z') : value;
    case 'tags':
      return storedTags(habits.tags, value);
    case 'address':
      return habits.address === 'attribute_added' && isJsonObject(value)
        ? { country: 'BE', ...value }
        : value;
    default:
      return value;
  }
}

const textOf = (value: JsonValue): string => (typeof value === 'string' ? value : JSON.stringify(value));

const TRUNCATED_TO = 10;

function storedName(habit: Habits['name'], value: string): string {
  if (habit === 'lower') return value.toLowerCase();
  if (habit === 'upper') return value.toUpperCase();
  return habit === 'truncated' ? value.slice(0, TRUNCATED_TO) : value;
}

function storedAmount(habit: Habits['amount'], value: JsonValue): JsonValue {
  if (value === '') return value;
  const number = Number(value);
  if (habit === 'rounded') return Math.round(number * 100) / 100;
  if (habit === 'rounded_text') return number.toFixed(2);
  return habit === 'text' ? String(number) : value;
}

function storedTags(habit: Habits['tags'], value: JsonValue): JsonValue {
  if (!Array.isArray(value)) return value;
  if (habit === 'reversed') return value.toReversed();
  return habit === 'member_added' && !value.includes('auto') ? [...value, 'auto'] : value;
}

const FIRST_DAY = Date.UTC(2000, 0, 1);
const DAY = 86_400_000;
const MINUTE = 60_000;

/** The value of the edit with this number; null = the field is emptied. */
export function valueOf(field: FieldName, edit: number): JsonValue {
  switch (field) {
    case 'name':
      return `E${edit} Ann Äbel`;
    case 'amount':
      return edit + 0.2519;
    case 'since':
      return new Date(FIRST_DAY + edit * DAY).toISOString().slice(0, 10);
    case 'seen':
      return new Date(FIRST_DAY + edit * MINUTE + 123).toISOString();
    case 'note':
      return `E${edit} note`;
    case 'tags':
      return [`E${edit}`, 'b', 'c'];
    case 'address':
      return { street: `E${edit} street`, city: 'Ghent' };
  }
}

/** The number of the edit that made a value, in whatever notation; null = the field is empty. */
export function editOf(field: FieldName, value: JsonValue | undefined): number | null {
  if (value === undefined || value === null || value === '') return null;
  switch (field) {
    case 'amount':
      return Math.floor(Number(value));
    case 'since':
      return Math.round((Date.parse(textOf(value).slice(0, 10)) - FIRST_DAY) / DAY);
    case 'seen':
      return Math.floor((Date.parse(textOf(value)) - FIRST_DAY) / MINUTE);
    default: {
      const found = /E(\d+)/i.exec(JSON.stringify(value))?.[1];
      return found === undefined ? null : Number(found);
    }
  }
}

/** The mapping of the edited fields. Typed fields are converted, others are sent as they are. */
export function fieldMappings(isTyped: boolean): FieldMapping[] {
  const types = {
    name: 'string',
    amount: 'number',
    since: 'date',
    seen: 'datetime',
    note: 'string',
  } as const;
  return [
    { name: 'key', to: 'key' },
    ...FIELDS.map((name): FieldMapping => {
      const type = isTyped && name in types ? types[name as keyof typeof types] : undefined;
      return { name, to: name, ...(type === undefined ? {} : { type }) };
    }),
  ];
}
