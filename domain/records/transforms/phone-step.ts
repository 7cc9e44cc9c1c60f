/** Telephone numbers. Ours are read as E.164, or as dialled in the country. */
import { isSupportedCountry, parsePhoneNumberFromString, type PhoneNumber } from 'libphonenumber-js';
import type { JsonValue } from '../../json';
import { refuse } from '../converted';
import { type CompiledStep, done, type PhoneFormat, type TransformStep } from './step';

export function phoneStep({ country, format }: Extract<TransformStep, { type: 'phone' }>): CompiledStep {
  const convert = (to: PhoneFormat, from: PhoneFormat, whose: string) => (value: JsonValue) => {
    const number = parse(value, country, from);
    if (number === undefined)
      return refuse(value, `${whose} not a telephone number without extension (${country})`);
    const text = write(number, to);
    // A national number is dialled in its country only.
    if (to === 'national' && parse(text, country, to)?.number !== number.number)
      return refuse(value, `${whose} not a number of the country ${country}`);
    return done(text);
  };
  return {
    takes: 'text',
    gives: 'text',
    send: convert(format, 'e164', 'is'),
    read: convert('e164', format, 'of the app is'),
    problem: isSupportedCountry(country) ? undefined : 'The country is not known. Use a code such as DE.',
  };
}

function parse(value: JsonValue, country: string, format: PhoneFormat): PhoneNumber | undefined {
  if (typeof value !== 'string' || !isSupportedCountry(country)) return undefined;
  const text = format === 'digits' && /^\d/.test(value.trim()) ? `+${value.trim()}` : value;
  const number = parsePhoneNumberFromString(text, { defaultCountry: country, extract: false });
  return number?.isPossible() === true && number.ext === undefined ? number : undefined;
}

function write(number: PhoneNumber, format: PhoneFormat): string {
  switch (format) {
    case 'e164':
      return number.number;
    case 'digits':
      return number.number.slice(1);
    case 'international':
      return number.formatInternational();
    case 'national':
      return number.formatNational();
  }
}
