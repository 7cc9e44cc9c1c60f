/**
 * The steps of a mapped field, one after the other: from our value to theirs, and back. Total: a value that
 * does not fit is refused in words, and nothing throws.
 *
 * A chain that can be read back only sends values that stay as they are when they are read and sent again.
 * So no value changes by going back and forth, whatever the steps clean or round.
 */
import { type JsonValue, jsonEquals } from '../../json';
import { type Converted, refuse, shortened } from '../converted';
import { countryStep } from './country-step';
import { booleanStep, numberStep } from './number-steps';
import { phoneStep } from './phone-step';
import { type CompiledStep, done, type TransformStep, type ValueKind } from './step';
import { caseStep, joinStep, lookupStep, partStep, splitStep, trimStep } from './text-steps';
import { dateStep, datetimeStep, dayStep } from './time-steps';

export interface Chain {
  toRemote(value: JsonValue): Converted;
  toLocal(value: JsonValue): Converted;
}

export interface ChainProblem {
  /** Of the step. */
  index: number;
  code: 'unusable_step' | 'kind_mismatch' | 'not_readable';
  message: string;
}

/** @param isRead values are read back; absent: if the steps can be inverted. */
export function compileChain(steps: readonly TransformStep[], isRead?: boolean): Chain {
  const compiled = steps.map((step) => compileStep(step, { isExact: isRead !== false }));
  const oneWay = compiled.find(({ read }) => read === undefined);
  const send = (value: JsonValue) => run(compiled, value, (step) => step.send);
  const read = (value: JsonValue) => run(compiled.toReversed(), value, (step) => step.read);
  const toLocal = oneWay === undefined ? read : (value: JsonValue) => refuseToRead(value, oneWay);
  return {
    toRemote: oneWay === undefined && isRead !== false ? (value) => sendIfStable(value, send, read) : send,
    toLocal,
  };
}

function sendIfStable(
  value: JsonValue,
  send: (value: JsonValue) => Converted,
  read: (value: JsonValue) => Converted,
): Converted {
  const sent = send(value);
  if (!sent.ok) return sent;
  const back = read(sent.value);
  if (!back.ok) return refuse(value, `would be sent as ${shortened(sent.value)}, which cannot be read back`);
  const again = send(back.value);
  return again.ok && jsonEquals(again.value, sent.value)
    ? sent
    : refuse(value, `would be sent as ${shortened(sent.value)}, which would be read as another value`);
}

const refuseToRead = (value: JsonValue, { whyNotRead }: CompiledStep): Converted =>
  refuse(value, `of the app cannot be read, because ${whyNotRead ?? 'the transform works one way'}`);

function run(
  steps: readonly CompiledStep[],
  value: JsonValue,
  directionOf: (step: CompiledStep) => ((value: JsonValue) => Converted) | undefined,
): Converted {
  let current = value;
  for (const step of steps) {
    const converted = runStep(step, current, directionOf(step));
    if (!converted.ok) return converted;
    current = converted.value;
  }
  return done(current);
}

/**
 * Texts and lists of records are not longer. Steps that split and join in turns would multiply a value until
 * the memory is full.
 */
const LENGTH_MAX = 262_144;

const isTooLong = (value: JsonValue): boolean =>
  (typeof value === 'string' || Array.isArray(value)) && value.length > LENGTH_MAX;

/** A third party without null shows an empty text instead. */
const isBlank = (value: JsonValue): boolean => typeof value === 'string' && value.trim() === '';

function runStep(
  step: CompiledStep,
  value: JsonValue,
  convert: ((value: JsonValue) => Converted) | undefined,
): Converted {
  if (convert === undefined || (value === null && step.takes !== 'null')) return done(value);
  if (step.keepsBlank !== true && isBlank(value)) return done(null);
  try {
    const converted = convert(value);
    return converted.ok && isTooLong(converted.value) ? refuse(value, 'becomes too long') : converted;
  } catch {
    return refuse(value, 'cannot be converted');
  }
}

const DEFAULT = (value: JsonValue): CompiledStep => ({
  takes: 'null',
  gives: 'any',
  keepsBlank: true,
  send: (given) => done(given ?? value),
  read: done,
});

function compileStep(step: TransformStep, options: { isExact: boolean }): CompiledStep {
  switch (step.type) {
    case 'trim':
      return trimStep();
    case 'case':
      return caseStep(step);
    case 'split':
      return splitStep(step);
    case 'join':
      return joinStep(step, options);
    case 'part':
      return partStep(step);
    case 'default':
      return DEFAULT(step.value);
    case 'lookup':
      return lookupStep(step);
    case 'boolean':
      return booleanStep(step);
    case 'number':
      return numberStep(step);
    case 'date':
      return dateStep(step);
    case 'datetime':
      return datetimeStep(step);
    case 'day':
      return dayStep(step);
    case 'country':
      return countryStep(step);
    case 'phone':
      return phoneStep(step);
  }
}

const NAMES: Record<ValueKind, string> = {
  text: 'a text',
  number: 'a number',
  boolean: 'true or false',
  list: 'a list',
  null: 'any value',
  any: 'any value',
};

/** What is wrong with the steps of a field whose values are read (`isRead`) or only sent. */
export function problemsOfChain(steps: readonly TransformStep[], isRead: boolean): ChainProblem[] {
  let kind: ValueKind = 'any';
  return steps.flatMap((step, index): ChainProblem[] => {
    const { takes, gives, read, whyNotRead, problem } = compileStep(step, { isExact: isRead });
    const before = kind;
    if (takes !== 'null') kind = gives;
    const isMismatch = ![before, takes].some((one) => one === 'any' || one === 'null') && before !== takes;
    return [
      ...(problem === undefined ? [] : [{ index, code: 'unusable_step' as const, message: problem }]),
      ...(isMismatch
        ? [
            {
              index,
              code: 'kind_mismatch' as const,
              message: `The step "${step.type}" takes ${NAMES[takes]}, but the step before it gives ${NAMES[before]}.`,
            },
          ]
        : []),
      ...(isRead && read === undefined && problem === undefined
        ? [
            {
              index,
              code: 'not_readable' as const,
              message:
                `The field is also read, but ${whyNotRead ?? 'the step works one way'}. ` +
                'Give the field the direction "push".',
            },
          ]
        : []),
    ];
  });
}
