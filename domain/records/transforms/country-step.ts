/** Countries: their codes and names of ISO 3166-1. */
import * as countries from 'i18n-iso-countries';
import type { JsonValue } from '../../json';
import { refuse } from '../converted';
import { type CompiledStep, type CountryForm, done, type TransformStep } from './step';

export function countryStep({
  ours,
  theirs,
  language = 'en',
}: Extract<TransformStep, { type: 'country' }>): CompiledStep {
  const convert = (from: CountryForm, to: CountryForm, whose: string) => (value: JsonValue) => {
    const code = toAlpha2(value, from, language);
    const converted = code === undefined ? undefined : fromAlpha2(code, to, language);
    return converted === undefined ? refuse(value, `${whose} ${wordsOf(from, language)}`) : done(converted);
  };
  return {
    takes: 'text',
    gives: 'text',
    send: convert(ours, theirs, 'is not'),
    read: convert(theirs, ours, 'of the app is not'),
    problem: countries.getSupportedLanguages().includes(language)
      ? undefined
      : 'Names of countries are not known in this language. Use a code such as en or de.',
  };
}

function toAlpha2(value: JsonValue, form: CountryForm, language: string): string | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string') return undefined;
  const word = text.trim();
  if (form === 'name')
    return countries.getAlpha2Code(word, language) ?? countries.getSimpleAlpha2Code(word, language);
  // The library reads the last three characters of any text.
  if (form === 'numeric')
    return /^\d{1,3}$/.test(word) ? countries.numericToAlpha2(word.padStart(3, '0')) : undefined;
  const code = word.toUpperCase();
  if (form === 'alpha3') return countries.alpha3ToAlpha2(code);
  return Object.hasOwn(countries.getAlpha2Codes(), code) ? code : undefined;
}

function fromAlpha2(code: string, form: CountryForm, language: string): string | undefined {
  switch (form) {
    case 'alpha2':
      return code;
    case 'alpha3':
      return countries.alpha2ToAlpha3(code);
    case 'numeric':
      return countries.alpha2ToNumeric(code);
    case 'name':
      return countries.getName(code, language, { select: 'official' });
  }
}

const wordsOf = (form: CountryForm, language: string): string =>
  form === 'name'
    ? `the name of a country (${language})`
    : `a country code (${form === 'numeric' ? 'three digits' : form === 'alpha2' ? 'two letters' : 'three letters'})`;
