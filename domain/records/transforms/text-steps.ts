/** Steps on texts and lists of texts. */
import type { JsonValue } from '../../json';
import { type Converted, refuse } from '../converted';
import { type CompiledStep, done, type TransformStep } from './step';

type StepOf<Type extends TransformStep['type']> = Extract<TransformStep, { type: Type }>;

/** Cleans in both directions: what is read is cleaned too. */
function cleaning(clean: (text: string) => string): CompiledStep {
  const convert = (value: JsonValue) =>
    typeof value === 'string' ? done(clean(value)) : refuse(value, 'is not a text');
  return { takes: 'text', gives: 'text', keepsBlank: true, send: convert, read: convert };
}

export const trimStep = (): CompiledStep => cleaning((text) => text.trim());

export const caseStep = ({ to }: StepOf<'case'>): CompiledStep =>
  cleaning((text) => (to === 'upper' ? text.toUpperCase() : text.toLowerCase()));

const splitText =
  (separator: string) =>
  (value: JsonValue): Converted => {
    if (typeof value !== 'string') return refuse(value, 'is not a text');
    return done(value === '' ? [] : value.split(separator));
  };

/** `isExact`: the text must say which list it was made of. */
const joinTexts =
  (separator: string, { isExact }: { isExact: boolean }) =>
  (value: JsonValue): Converted => {
    if (!Array.isArray(value)) return refuse(value, 'is not a list');
    const members = isExact ? value : value.filter((member) => member !== null && member !== '');
    const texts = members.filter((member) => typeof member === 'string');
    const other = members.find((member) => typeof member !== 'string');
    if (other !== undefined) return refuse(other, 'in a list is not a text');
    const unclear = isExact
      ? texts.find((text) => text.includes(separator) || (texts.length === 1 && text === ''))
      : undefined;
    if (unclear !== undefined)
      return refuse(unclear, `cannot be joined by ${JSON.stringify(separator)}, because it would be split`);
    return done(texts.join(separator));
  };

export const splitStep = ({ separator }: StepOf<'split'>): CompiledStep => ({
  takes: 'text',
  gives: 'list',
  keepsBlank: true,
  send: splitText(separator),
  read: joinTexts(separator, { isExact: true }),
});

export const joinStep = ({ separator }: StepOf<'join'>, options: { isExact: boolean }): CompiledStep => ({
  takes: 'list',
  gives: 'text',
  send: joinTexts(separator, options),
  read: splitText(separator),
});

export const partStep = ({ separator, at }: StepOf<'part'>): CompiledStep => ({
  takes: 'text',
  gives: 'text',
  keepsBlank: true,
  send: (value) =>
    typeof value === 'string' ? done(value.split(separator).at(at) ?? null) : refuse(value, 'is not a text'),
  whyNotRead: 'a part of a text does not say the rest of it',
});

export const lookupStep = ({ values, otherwise }: StepOf<'lookup'>): CompiledStep => {
  const known = new Map(Object.entries(values));
  const back = new Map([...known].map(([ours, theirs]) => [keyOf(theirs), ours]));
  // Some third parties show numbers and booleans as texts.
  const asText = new Map([...known].map(([ours, theirs]) => [String(theirs), ours]));
  const isTwice = back.size < known.size;
  const whyNotRead = isTwice
    ? 'two of our values are sent as the same value'
    : 'the value of "otherwise" stands for several values';
  const step = {
    takes: 'text',
    gives: 'any',
    keepsBlank: known.has(''),
    problem: known.size === 0 ? 'List at least one value.' : undefined,
    send: (value: JsonValue) => {
      const theirs = typeof value === 'string' ? (known.get(value) ?? otherwise) : undefined;
      return theirs === undefined
        ? refuse(value, `is not one of ${listOf([...known.keys()])}`)
        : done(theirs);
    },
  } as const;
  if (isTwice || otherwise !== undefined) return { ...step, whyNotRead };
  const read = (value: JsonValue): Converted => {
    const ours =
      back.get(keyOf(value)) ?? (typeof value === 'object' ? undefined : asText.get(String(value)));
    return ours === undefined
      ? refuse(value, `of the app is not one of ${listOf([...known.values()])}`)
      : done(ours);
  };
  return { ...step, read };
};

const keyOf = (value: JsonValue): string =>
  typeof value === 'string' ? `text ${value}` : JSON.stringify(value);

const LISTED_MAX = 20;
const listOf = (values: readonly (string | number | boolean)[]): string =>
  values.slice(0, LISTED_MAX).join(', ') + (values.length > LISTED_MAX ? ', …' : '');
