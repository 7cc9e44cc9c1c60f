/**
 * Errors of a SCIM server about a refused record (RFC 7644 3.12), with an explanation, and the field if the
 * message names one.
 */
import { type JsonObject, isJsonObject } from '../../domain/json';
import type { HttpResponse, PushItem } from '../connector';
import type { FieldError } from '../errors';
import { type Refusal, excerpt } from '../http-errors';
import { parseJson } from '../parse-json';
import { isExtension } from './merge';
import { attributePath, memberNamed } from './names';

const GENERAL = 'The third party refused this record. Correct the record or the mapping.';

const EXPLANATIONS: Record<string, string> = {
  uniqueness: 'Another record in the third party has this value. Change it here, or change the other record.',
  invalidValue:
    'The value is missing or not valid for the third party. Correct it here, or change the mapping.',
  mutability: 'The third party does not allow changes of this attribute. Remove it from the mapping.',
  invalidSyntax: 'The third party could not parse the record. Compare the mapping with its schema.',
  invalidPath: 'The mapping uses an attribute that the third party does not have.',
  noTarget: 'The mapping uses an attribute that the third party does not have.',
  sensitive: 'The third party does not accept this value in a request.',
  tooMany: 'The third party found more than one matching record.',
};

/** Reads the error body for `errorFromResponse`. `item` provides the field names. */
export function describeRefusal(item: Pick<PushItem, 'fieldNames'> | null) {
  return (response: HttpResponse): Refusal => {
    const { detail, scimType, path } = readError(response.text);
    const message = detail ?? (excerpt(response.text) || `The third party answered ${response.status}.`);
    const code = scimType ?? (response.status === 409 ? 'uniqueness' : `http_${response.status}`);
    const named = findNamedField(`${path ?? ''} ${message}`, code, item?.fieldNames ?? {});
    const error: FieldError = {
      field: named?.field ?? null,
      remoteField: named?.attribute ?? path ?? null,
      code,
      message,
      explanation:
        response.status === 403
          ? 'The third party does not allow this change. Check the permissions of the account there.'
          : (EXPLANATIONS[code] ?? GENERAL),
    };
    return { message, errors: [error] };
  };
}

/**
 * `/name/givenName` → `name.givenName`, `/emails/0/value` → `emails.value`, `/urn:…:User/department` →
 * `urn:…:User:department` (RFC 7644 3.10).
 */
export function toAttributePath(pointer: string): string {
  const [first = '', ...rest] = attributePath(pointer);
  return isExtension(first) ? [first, rest.join('.')].join(':') : [first, ...rest].join('.');
}

interface Named {
  field: string;
  attribute: string;
}

/**
 * The mapped attribute that the text names; the longest name wins, so `name.givenName` comes before `name`.
 */
function findNamedField(text: string, code: string, fieldNames: Record<string, string>): Named | undefined {
  const candidates = Object.entries(fieldNames)
    .flatMap(([pointer, field]) =>
      wordsFor(pointer).map((word) => ({ word, field, attribute: toAttributePath(pointer) })),
    )
    .sort((a, b) => b.word.length - a.word.length);
  const named = candidates.find(({ word }) => containsWord(text, word));
  if (named) return named;
  // RFC 7643 4.1.1 requires uniqueness only of userName, and many servers do not name the attribute.
  return code === 'uniqueness' ? candidates.find(({ word }) => word === 'userName') : undefined;
}

/** How servers write an attribute: `name.givenName`, `givenName`, `emails.value`, `emails`, `department`. */
function wordsFor(pointer: string): string[] {
  const parts = attributePath(pointer).filter((part) => !isExtension(part));
  const last = parts.at(-1) ?? '';
  return [
    ...new Set([
      toAttributePath(pointer),
      parts.join('.'),
      last === 'value' || last === 'type' ? (parts[0] ?? '') : last,
    ]),
  ].filter((word) => word !== '');
}

function containsWord(text: string, word: string): boolean {
  const escaped = word.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`(^|[^\\w.])${escaped}($|[^\\w])`, 'i').test(text);
}

export function readError(text: string): { detail?: string; scimType?: string; path?: string } {
  const parsed = parseJson(text);
  const body: JsonObject = isJsonObject(parsed) ? parsed : {};
  const read = (key: string) => {
    const value = memberNamed(body, key);
    return typeof value === 'string' && value !== '' ? { [key]: value } : {};
  };
  return { ...read('detail'), ...read('scimType'), ...read('path') };
}
