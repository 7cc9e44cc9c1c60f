/** The steps of transforms as people choose and fill them. */
import { toWords } from '../../../common/formatting';
import type { Mapping } from './mapping-props';

export type MappedField = NonNullable<Mapping['fields']>[number];
export type TransformStep = NonNullable<MappedField['transform']>[number];

export interface StepSetting {
  name: string;
  label: string;
  /** `json`: any value. `values`: a line per value, `ours = theirs`. */
  kind: 'text' | 'number' | 'choice' | 'json' | 'values';
  options?: readonly string[];
  isOptional?: boolean;
}

interface StepKind {
  label: string;
  /** As it is added. */
  initial: TransformStep;
  settings: readonly StepSetting[];
}

const separator: StepSetting = { name: 'separator', label: 'Separator', kind: 'text' };
const zone: StepSetting = { name: 'zone', label: 'Time zone', kind: 'text' };
const format: StepSetting = { name: 'format', label: 'Format', kind: 'text' };
const COUNTRY_FORMS = ['alpha2', 'alpha3', 'numeric', 'name'];

export const STEP_KINDS: Record<TransformStep['type'], StepKind> = {
  trim: { label: 'Remove spaces around', initial: { type: 'trim' }, settings: [] },
  case: {
    label: 'Upper or lower case',
    initial: { type: 'case', to: 'lower' },
    settings: [{ name: 'to', label: 'Case', kind: 'choice', options: ['lower', 'upper'] }],
  },
  split: {
    label: 'Split a text into a list',
    initial: { type: 'split', separator: ',' },
    settings: [separator],
  },
  join: { label: 'Join a list to a text', initial: { type: 'join', separator: ' ' }, settings: [separator] },
  part: {
    label: 'One part of a text (only sent)',
    initial: { type: 'part', separator: ' ', at: 0 },
    settings: [separator, { name: 'at', label: 'Position (0 first, -1 last)', kind: 'number' }],
  },
  default: {
    label: 'Default for no value',
    initial: { type: 'default', value: '' },
    settings: [{ name: 'value', label: 'Default (JSON)', kind: 'json' }],
  },
  lookup: {
    label: 'Look up in a list',
    initial: { type: 'lookup', values: {} },
    settings: [
      { name: 'values', label: 'Values, one per line: Syncline = app', kind: 'values' },
      { name: 'otherwise', label: 'Otherwise (JSON; only sent)', kind: 'json', isOptional: true },
    ],
  },
  boolean: {
    label: 'Words for yes and no',
    initial: { type: 'boolean', true: 'yes', false: 'no' },
    settings: [
      { name: 'true', label: 'Yes is', kind: 'text' },
      { name: 'false', label: 'No is', kind: 'text' },
    ],
  },
  number: {
    label: 'Format of a number',
    initial: { type: 'number' },
    settings: [
      { name: 'decimals', label: 'Decimals', kind: 'number', isOptional: true },
      { name: 'point', label: 'Decimal point', kind: 'text', isOptional: true },
      { name: 'group', label: 'Between thousands', kind: 'text', isOptional: true },
    ],
  },
  date: { label: 'Format of a date', initial: { type: 'date', format: 'dd.MM.yyyy' }, settings: [format] },
  datetime: {
    label: 'Format and zone of a time',
    initial: { type: 'datetime', format: 'yyyy-MM-dd HH:mm', zone: 'UTC' },
    settings: [format, zone],
  },
  day: {
    label: 'Day of a time in a zone (only sent)',
    initial: { type: 'day', zone: 'UTC' },
    settings: [zone],
  },
  country: {
    label: 'Country',
    initial: { type: 'country', ours: 'alpha2', theirs: 'name', language: 'en' },
    settings: [
      { name: 'ours', label: 'In Syncline', kind: 'choice', options: COUNTRY_FORMS },
      { name: 'theirs', label: 'In the app', kind: 'choice', options: COUNTRY_FORMS },
      { name: 'language', label: 'Language of names', kind: 'text', isOptional: true },
    ],
  },
  phone: {
    label: 'Telephone number',
    initial: { type: 'phone', country: 'US', format: 'international' },
    settings: [
      { name: 'country', label: 'Country of numbers without a code', kind: 'text' },
      {
        name: 'format',
        label: 'Format in the app',
        kind: 'choice',
        options: ['e164', 'international', 'national', 'digits'],
      },
    ],
  },
};

/** What a setting shows in a text field. */
export function textOf({ name, kind }: StepSetting, step: TransformStep): string {
  const value = (step as Record<string, unknown>)[name];
  if (value === undefined) return '';
  if (typeof value === 'string' && kind !== 'json') return value;
  if (kind === 'values')
    return Object.entries(value as object)
      .map(([ours, theirs]) => `${ours} = ${isPlain(theirs) ? theirs : JSON.stringify(theirs)}`)
      .join('\n');
  return JSON.stringify(value);
}

/** False for a text such as `7`, which would become a number. */
const isPlain = (value: unknown): value is string =>
  typeof value === 'string' && value === value.trim() && parsed(value) === value;

/** The step with what was entered. JSON that is not complete yet is a text. */
export function withSetting(step: TransformStep, setting: StepSetting, text: string): TransformStep {
  const { [setting.name]: _before, ...rest } = step as Record<string, unknown>;
  if (text === '' && setting.isOptional === true) return rest as TransformStep;
  return { ...rest, [setting.name]: valueOf(setting, text) } as TransformStep;
}

function valueOf({ kind }: StepSetting, text: string): unknown {
  switch (kind) {
    case 'number':
      return Number.isNaN(Number(text)) ? text : Number(text);
    case 'json':
      return parsed(text);
    case 'values':
      return Object.fromEntries(
        text
          .split('\n')
          .filter((line) => line.includes('='))
          .map((line) => {
            const at = line.indexOf('=');
            return [line.slice(0, at).trim(), parsed(line.slice(at + 1).trim())];
          }),
      );
    default:
      return text;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** For a row of the table. */
export function summaryOf(field: MappedField): string {
  const { transform = [], ref, direction, on_conflict, only_on_create } = field;
  return [
    ...(ref === undefined ? [] : [`refers to ${toWords(ref.record_type).toLowerCase()}`]),
    ...transform.map(({ type }) => STEP_KINDS[type].label.replace(' (only sent)', '')),
    ...(direction === 'push' ? ['only sent'] : direction === 'pull' ? ['only read'] : []),
    ...(only_on_create === true ? ['only when created'] : []),
    ...(on_conflict === undefined ? [] : [on_conflict === 'ours' ? 'Syncline wins' : 'the app wins']),
  ].join(', ');
}
