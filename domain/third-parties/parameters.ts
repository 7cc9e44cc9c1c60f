/**
 * What differs from one account of a third party to another, such as its sub-domain. A value is put in place
 * of `${name}` in any text of a definition, so each format excludes what could change the meaning of an
 * address: a slash, a colon, a percent sign, `..`.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../json';

export const PARAMETER_FORMATS = ['subdomain', 'host', 'origin', 'identifier', 'choice'] as const;

export interface Parameter {
  format: (typeof PARAMETER_FORMATS)[number];
  /** A valid value, for checks of the definition and as a hint. */
  example: string;
  default?: string | undefined;
  /** Of the format `choice`. */
  options?: readonly { value: string; label: string }[] | undefined;
}

const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
const HOST = `${LABEL}(?:\\.${LABEL})*`;

const VALID: Record<Exclude<Parameter['format'], 'choice'>, { pattern: RegExp; words: string }> = {
  subdomain: {
    pattern: new RegExp(`^${LABEL}$`),
    words: 'Enter the part before the first dot of the address: letters, digits and hyphens.',
  },
  host: {
    pattern: new RegExp(`^(?=.{1,253}$)${HOST}$`),
    words: 'Enter a host name, without https:// and without a path.',
  },
  origin: {
    pattern: new RegExp(`^https?://${HOST}(?::[0-9]{1,5})?$`),
    words: 'Enter the address up to the host, such as https://app.example.com, without a path.',
  },
  identifier: {
    pattern: /^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._~-]{0,99}$/,
    words: 'Enter an id: letters, digits, dots, hyphens and underscores, at most 100.',
  },
};

/** What is wrong with a value, for people; undefined = it is valid. */
export function problemOfParameter({ format, options }: Parameter, value: string): string | undefined {
  if (format === 'choice')
    return options?.some((option) => option.value === value) === true
      ? undefined
      : `Choose one of: ${(options ?? []).map((option) => option.value).join(', ')}.`;
  return VALID[format].pattern.test(value) ? undefined : VALID[format].words;
}

const PLACE = /\$\{([a-z][a-z0-9_]*)\}/g;

/** The names of the parameters in all texts. */
export function parametersIn(value: JsonValue): string[] {
  if (typeof value === 'string') return [...value.matchAll(PLACE)].map(([, name]) => name as string);
  if (Array.isArray(value)) return value.flatMap(parametersIn);
  return isJsonObject(value) ? Object.values(value).flatMap(parametersIn) : [];
}

/** Up to the path: an integration may use another version of the API below the same host. */
const HOST_OF_TEXT = /^(?:[a-z][a-z0-9+.-]*:\/\/)?[^/?#]*/i;

/**
 * The parameter values with which `template` becomes `text`, or else those with which their hosts become
 * equal. A value ends at the text that follows its parameter in the template. The values are not checked.
 */
export function valuesFrom(template: string, text: string): [name: string, value: string][] {
  const [wanted, given] = [template, text].map((one) => one.replace(/\/$/, '')) as [string, string];
  const hostOf = (one: string): string => HOST_OF_TEXT.exec(one)?.[0] ?? '';
  return readValues(wanted, given) ?? readValues(hostOf(wanted), hostOf(given)) ?? [];
}

function readValues(template: string, text: string): [string, string][] | undefined {
  // Texts and names in turn.
  const [start = '', ...parts] = template.split(PLACE);
  if (parts.length === 0 || !text.startsWith(start)) return undefined;
  const values: [string, string][] = [];
  let rest = text.slice(start.length);
  for (let index = 0; index < parts.length; index += 2) {
    const [name = '', next = ''] = parts.slice(index, index + 2);
    const isLast = index + 2 === parts.length;
    const end = isLast ? rest.length - next.length : rest.indexOf(next);
    if (end < 1 || !rest.startsWith(next, end)) return undefined;
    values.push([name, rest.slice(0, end)]);
    rest = rest.slice(end + next.length);
  }
  return values;
}

/** For checks of a definition, and where no integration has set its parameters. */
export const examplesOf = (
  parameters: Readonly<Record<string, Pick<Parameter, 'example'>>>,
): Record<string, string> =>
  Object.fromEntries(Object.entries(parameters).map(([name, { example }]) => [name, example]));

/** `values` has each parameter; they were checked. */
export function fillParameters<Value extends JsonValue>(
  value: Value,
  values: Readonly<Record<string, string>>,
): Value {
  return fill(value, values) as Value;
}

function fill(value: JsonValue, values: Readonly<Record<string, string>>): JsonValue {
  if (typeof value === 'string')
    return value.replaceAll(PLACE, (place, name: string) =>
      Object.hasOwn(values, name) ? (values[name] as string) : place,
    );
  if (Array.isArray(value)) return value.map((item) => fill(item, values));
  if (!isJsonObject(value)) return value;
  const filled: JsonObject = {};
  for (const [key, member] of Object.entries(value)) filled[key] = fill(member, values);
  return filled;
}
