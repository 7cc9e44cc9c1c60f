/** What a conversion of a value makes of it. `message` is for users. */
import type { JsonValue } from '../json';

export type Converted = { ok: true; value: JsonValue } | { ok: false; message: string };

export const shortened = (value: JsonValue): string => {
  const text = JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
};

export const refuse = (value: JsonValue, what: string): Converted => ({
  ok: false,
  message: `The value ${shortened(value)} ${what}.`,
});
