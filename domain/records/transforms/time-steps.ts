/** Steps on dates and times. Ours are ISO 8601: a day, or an instant in UTC. */
import { DateTime, IANAZone } from 'luxon';
import type { JsonValue } from '../../json';
import { type Converted, refuse } from '../converted';
import { readInstant } from '../instant-text';
import { type CompiledStep, done, type TransformStep } from './step';

type StepOf<Type extends TransformStep['type']> = Extract<TransformStep, { type: Type }>;

/** Names of months and days are English, independent of the machine. */
const ENGLISH = { locale: 'en' } as const;
const UNKNOWN_ZONE = 'The zone is not known. Use a name such as Europe/Berlin.';
const SHOWS_NOTHING = 'The format shows nothing of the date. Use letters such as yyyy-MM-dd.';
const NOT_COMPLETE = 'the format does not say which date it is';
const REPEATED = 'The format has a letter in two places. Put other texts in single quotes.';
/** No format of a mapping writes longer texts. */
const TEXT_LENGTH_MAX = 500;

export function dateStep({ format }: StepOf<'date'>): CompiledStep {
  if (repeatsLetter(format)) return unusable(REPEATED, 'the format repeats a letter');
  const send = (value: JsonValue): Converted => {
    const day = readInstant('date', value);
    if (day === undefined) return refuse(value, 'is not a date');
    return done(DateTime.fromISO(day, { zone: 'utc' }).toFormat(format, ENGLISH));
  };
  const read = (value: JsonValue): Converted => {
    const at = parse(value, format, 'utc');
    return at === undefined
      ? refuse(value, `of the app is not a date in the format ${format}`)
      : done(at.slice(0, 10));
  };
  const days = ['1931-01-02', '1999-12-31', '2031-11-05', '2032-02-29'];
  return withSamples({ takes: 'text', gives: 'text', send, read }, days);
}

export function datetimeStep({ format, zone }: StepOf<'datetime'>): CompiledStep {
  if (!IANAZone.isValidZone(zone)) return unusable(UNKNOWN_ZONE, ZONE_IS_UNKNOWN);
  if (repeatsLetter(format)) return unusable(REPEATED, 'the format repeats a letter');
  const unit = format === 'unix' ? 1_000 : format === 'unix_ms' ? 1 : undefined;
  const send = (value: JsonValue): Converted => {
    const instant = readInstant('datetime', value);
    if (instant === undefined) return refuse(value, 'is not a date with a time');
    const at = DateTime.fromISO(instant, { zone });
    return done(unit === undefined ? at.toFormat(format, ENGLISH) : Math.floor(at.toMillis() / unit));
  };
  const read = (value: JsonValue): Converted => {
    const at = unit === undefined ? parse(value, format, zone) : instantOf(value, unit);
    return at === undefined ? refuse(value, `of the app is not a time in the format ${format}`) : done(at);
  };
  const kinds = { takes: 'text', gives: unit === undefined ? 'text' : 'number' } as const;
  const times = ['1931-01-02T03:04:00.000Z', '1999-12-31T20:59:00.000Z', '2031-11-05T15:16:00.000Z'];
  return withSamples({ ...kinds, send, read }, times);
}

export function dayStep({ zone }: StepOf<'day'>): CompiledStep {
  if (!IANAZone.isValidZone(zone)) return unusable(UNKNOWN_ZONE, ZONE_IS_UNKNOWN);
  return {
    takes: 'text',
    gives: 'text',
    send(value) {
      const instant = readInstant('datetime', value);
      if (instant === undefined) return refuse(value, 'is not a date with a time');
      return done(DateTime.fromISO(instant, { zone }).toFormat('yyyy-MM-dd'));
    },
    whyNotRead: 'a day does not say the time',
  };
}

/**
 * Luxon reads a format with one regular expression. Where parts of one or two digits follow each other, it
 * tries every way to share the digits out: with many parts it never ends.
 */
function repeatsLetter(format: string): boolean {
  const parts = format.replaceAll(/'[^']*(?:'|$)/g, ' ').match(/([A-Za-z])\1*/g) ?? [];
  return new Set(parts.map((part) => part[0])).size < parts.length;
}

/** A format that lacks a part of the samples cannot be read back. */
function withSamples(step: CompiledStep, samples: readonly string[]): CompiledStep {
  const sent = samples.map((sample) => step.send(sample));
  const texts = sent.flatMap((one) => (one.ok ? [one.value] : []));
  if (new Set(texts).size === 1) return { ...step, problem: SHOWS_NOTHING };
  const isReadBack = samples.every((sample, index) => {
    const back = texts[index] === undefined ? undefined : step.read?.(texts[index]);
    return back?.ok === true && back.value === sample;
  });
  if (isReadBack) return step;
  const { read: _none, ...rest } = step;
  return { ...rest, whyNotRead: NOT_COMPLETE };
}

/** As an instant in UTC. */
function parse(value: JsonValue, format: string, zone: string): string | undefined {
  if (typeof value !== 'string' || value.length > TEXT_LENGTH_MAX) return undefined;
  const at = DateTime.fromFormat(value.trim(), format, { ...ENGLISH, zone });
  return at.isValid ? canonical(firstOf(at, format).toMillis()) : undefined;
}

/**
 * When clocks are put back, an hour comes twice. It is the first one, unless the text tells them apart: Luxon
 * chooses by the season in which the text is read, so that a value would change without an edit.
 */
function firstOf(at: DateTime, format: string): DateTime {
  const both = at.getPossibleOffsets();
  if (both.length < 2) return at;
  const text = at.toFormat(format, ENGLISH);
  return both.find((one) => one.toFormat(format, ENGLISH) === text) ?? at;
}

function instantOf(value: JsonValue, unit: number): string | undefined {
  const number = typeof value === 'string' && /^-?\d+$/.test(value.trim()) ? Number(value) : value;
  return typeof number === 'number' ? canonical(number * unit) : undefined;
}

/** Records hold years of four digits. */
function canonical(ms: number): string | undefined {
  const date = new Date(ms);
  const text = Number.isNaN(date.getTime()) ? '' : date.toISOString();
  return /^\d{4}-/.test(text) ? text : undefined;
}

const ZONE_IS_UNKNOWN = 'the zone is not known';

const unusable = (problem: string, why: string): CompiledStep => ({
  takes: 'text',
  gives: 'text',
  send: (value) => refuse(value, `cannot be converted: ${why}`),
  whyNotRead: why,
  problem,
});
