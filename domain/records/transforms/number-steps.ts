/** Steps on numbers and booleans: how the third party writes them. */
import type { JsonValue } from '../../json';
import { type Converted, refuse } from '../converted';
import { type CompiledStep, done, type TransformStep } from './step';

type StepOf<Type extends TransformStep['type']> = Extract<TransformStep, { type: Type }>;

/** From here on, a number in JavaScript is written with an exponent, or not exact. */
const NUMBER_MAX = 1e15;

export function numberStep({ decimals, point = '.', group = '' }: StepOf<'number'>): CompiledStep {
  return {
    takes: 'number',
    gives: 'text',
    problem:
      point === group || /[-\d]/.test(point + group)
        ? 'The decimal point and the group separator differ, and are no digits and no "-".'
        : undefined,
    send(value) {
      if (typeof value !== 'number') return refuse(value, 'is not a number');
      const rounded = decimals === undefined ? String(value) : value.toFixed(decimals);
      const text = /^-0(?:\.0*)?$/.test(rounded) ? rounded.slice(1) : rounded;
      if (Math.abs(value) >= NUMBER_MAX || text.includes('e'))
        return refuse(value, 'has too many digits to be written as a text');
      const [whole = '', fraction] = text.split('.');
      const grouped = group === '' ? whole : whole.replaceAll(/\B(?=(\d{3})+$)/g, () => group);
      return done(fraction === undefined ? grouped : grouped + point + fraction);
    },
    read: (value) => readNumber(value, point, group),
  };
}

function readNumber(value: JsonValue, point: string, group: string): Converted {
  if (typeof value === 'number') return done(value);
  if (typeof value !== 'string') return refuse(value, 'of the app is not a number');
  const bare = group === '' ? value.trim() : value.trim().replaceAll(group, '');
  const text = point === '.' ? bare : bare.replaceAll('.', ' ').replace(point, '.');
  const number = /^[+-]?(?:\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(number) ? done(number) : refuse(value, 'of the app is not a number in this format');
}

export function booleanStep(words: StepOf<'boolean'>): CompiledStep {
  const [yes, no] = [formOf(words.true), formOf(words.false)];
  return {
    takes: 'boolean',
    gives: typeof words.true === 'number' && typeof words.false === 'number' ? 'number' : 'any',
    problem: yes === no ? 'The words for true and false are the same.' : undefined,
    send: (value) =>
      typeof value === 'boolean'
        ? done(value ? words.true : words.false)
        : refuse(value, 'is not true or false'),
    read(value) {
      const form = typeof value === 'string' || typeof value === 'number' ? formOf(value) : undefined;
      if (form === yes || form === no) return done(form === yes);
      return refuse(value, `of the app is neither ${String(words.true)} nor ${String(words.false)}`);
    },
  };
}

const formOf = (word: string | number): string => String(word).trim().toLowerCase();
