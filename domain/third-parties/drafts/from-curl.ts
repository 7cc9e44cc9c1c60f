/** A draft from a curl command, as API documentations show it. Its secrets are dropped, not repeated. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import {
  decisionOfName,
  decisionOfWrites,
  decisionsOfList,
  type Draft,
  draftHead,
  type ListParameters,
  listParametersOf,
  mediaSettings,
  toLabel,
  toName,
  UnusableStart,
} from './draft';
import { shellWords } from './shell-words';

interface Command {
  method: string;
  url: URL;
  headers: [name: string, value: string][];
  user: boolean;
  data: string | undefined;
}

export function draftFromCurl(line: string): Draft {
  const command = readCommand(shellWords(line));
  const { url, method } = command;
  const segments = url.pathname.split('/').filter((segment) => segment !== '');
  const hasId = segments.length > 1 && looksLikeId(segments.at(-1) as string);
  const collection = (hasId ? segments.slice(0, -1) : segments).map(safeSegment);
  const last = collection.at(-1) ?? '';
  const path = `/${last}`;
  const recordType = toName(last);
  const fields = fieldsOf(command.data);
  const query = [...url.searchParams].filter(([name]) => !isSecretName(name));
  const list = listParametersOf(query.map(([name, value]) => ({ name, size: sizeIn(value) })));
  const items = isJsonApi(command) ? '/data' : '';
  const signIn = signInOf(command);
  const base = `${url.origin}${collection
    .slice(0, -1)
    .map((segment) => `/${segment}`)
    .join('')}`;
  const definition: JsonObject = {
    ...draftHead(appOf(url)),
    sign_in: [signIn.signIn],
    config: {
      app: appOf(url),
      base_url: base,
      ...mediaSettings(valueOf(command, 'accept'), valueOf(command, 'content-type')),
      check: { path },
      record_types: {
        [recordType]: {
          label: toLabel(last),
          id: '/id',
          list: { path, items, ...modifiedSince(list.since), paging: list.paging },
        },
      },
    },
    record_types: {
      [recordType]: {
        direction: 'pull',
        on_delete: 'leave',
        fields: fields.map((to) => ({ name: toName(to.split('/').at(-1) ?? to), to })),
      },
    },
  };
  return { definition, decisions: [...signIn.decisions, ...decisionsOf(recordType, path, method, list)] };
}

function decisionsOf(
  recordType: string,
  path: string,
  method: string,
  list: ListParameters,
): Draft['decisions'] {
  const at = `/config/record_types/${recordType}`;
  return [
    decisionOfName(recordType),
    {
      pointer: `${at}/list/items`,
      message: 'Say where the answer has the list of records. Empty means that the answer is the list.',
    },
    ...decisionsOfList(`${at}/list`, list),
    { pointer: `${at}/id`, message: 'Say where a record has its id. /id is a guess.' },
    {
      pointer: `/record_types/${recordType}/fields`,
      message: 'Choose the fields. A try of the list shows what the records have.',
    },
    ...(method === 'GET' ? [] : [decisionOfWrites(at, { create: `POST ${path}` })]),
    {
      pointer: '/config/check',
      message: 'Name a cheap call that needs the credentials. It is made before each run.',
    },
  ];
}

export function modifiedSince(parameter: string | undefined): JsonObject {
  if (parameter === undefined) return {};
  return { modified_since: { format: 'iso', parameters: { [parameter]: '{modified_since}' } } };
}

function sizeIn(value: string): number | undefined {
  return /^[1-9]\d{0,4}$/.test(value) ? Number(value) : undefined;
}

const valueOf = ({ headers }: Command, wanted: string): string | undefined =>
  headers.find(([name]) => name === wanted)?.[1];

const isJsonApi = (command: Command): boolean =>
  ['accept', 'content-type'].some((name) => valueOf(command, name)?.includes('vnd.api+json'));

/** `api.acme.example` is Acme. An address of numbers has no name. */
function appOf({ hostname }: URL): string {
  const [name = ''] = hostname.replace(/^(api|www)\./, '').split('.');
  return /^[a-z]/i.test(name) && name !== 'localhost' ? toLabel(name) : 'My product';
}

function looksLikeId(segment: string): boolean {
  return /\d/.test(segment) && !/^v\d+(\.\d+)*$/.test(segment);
}

const safeSegment = (segment: string): string => segment.replaceAll(/[{}]/g, '');

const TAKES_VALUE: Readonly<Record<string, string>> = {
  '-X': 'method',
  '--request': 'method',
  '-H': 'header',
  '--header': 'header',
  '-d': 'data',
  '--data': 'data',
  '--data-raw': 'data',
  '--data-binary': 'data',
  '--data-urlencode': 'data',
  '--json': 'data',
  '-u': 'user',
  '--user': 'user',
  '--url': 'url',
  '--oauth2-bearer': 'bearer',
  '-A': '',
  '--user-agent': '',
  '-m': '',
  '--max-time': '',
  '-o': '',
  '--output': '',
};
const PLAIN =
  /^(-[sSiLvgf]+|--silent|--show-error|--include|--location|--verbose|--globoff|--fail|--compressed|--http1\.1|--http2)$/;
const ATTACHED = /^(-[XHdu])(.+)$/s;

function readCommand(words: readonly string[]): Command {
  if (words[0] !== 'curl') throw new UnusableStart('Enter a command that begins with curl.');
  const found: Record<string, string[]> = {};
  let isGet = false;
  for (let index = 1; index < words.length; index += 1) {
    const word = words[index] as string;
    const [, short, attached] = ATTACHED.exec(word) ?? [];
    const [option, assigned] = /^--[^=]+=/.test(word) ? splitAt(word, '=') : [word, undefined];
    const name = TAKES_VALUE[short ?? option];
    if (word === '-G' || word === '--get') isGet = true;
    else if (word === '-I' || word === '--head') (found['method'] ??= []).push('GET');
    else if (name !== undefined) {
      const value = attached ?? assigned ?? words[(index += 1)];
      if (value === undefined) throw new UnusableStart(`${word} has no value.`);
      (found[name] ??= []).push(value);
    } else if (PLAIN.test(word)) continue;
    else if (word.startsWith('-'))
      throw new UnusableStart(`The option ${option.slice(0, 30)} is not understood. Leave it out.`);
    else (found['url'] ??= []).push(word);
  }
  const urls = found['url'] ?? [];
  if (urls.length !== 1) throw new UnusableStart('Enter a command with exactly one address.');
  const url = readUrl(urls[0] as string);
  const data = found['data']?.join('&');
  if (isGet && data !== undefined)
    for (const [name, value] of new URLSearchParams(data)) url.searchParams.append(name, value);
  const body = isGet ? undefined : data;
  const headers = (found['header'] ?? []).map((header): [string, string] => {
    const [name, value = ''] = splitAt(header, ':');
    return [name.trim().toLowerCase(), value.trim()];
  });
  if (found['bearer'] !== undefined) headers.push(['authorization', 'Bearer x']);
  const method = (found['method']?.at(-1) ?? (body === undefined ? 'GET' : 'POST')).toUpperCase();
  const user = found['user'] !== undefined || url.username !== '';
  return { method, url, headers, user, data: body };
}

function splitAt(text: string, separator: string): [string, string | undefined] {
  const position = text.indexOf(separator);
  return position < 0 ? [text, undefined] : [text.slice(0, position), text.slice(position + 1)];
}

function readUrl(text: string): URL {
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`;
  if (!URL.canParse(address)) throw new UnusableStart('The address of the command cannot be read.');
  const url = new URL(address);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new UnusableStart('The address must begin with https:// or http://.');
  return url;
}

const SECRET_NAME =
  /^(api[_-]?key|access[_-]?token|api[_-]?token|auth[_-]?token|token|key|hapikey|auth|apikey)$/i;
const isSecretName = (name: string): boolean => SECRET_NAME.test(name);
/** Headers that say nothing about the sign-in. */
const USUAL = /^(accept|content-type|user-agent|cookie|accept-.*|content-length|host|origin|referer|sec-.*)$/;

function signInOf({ headers, user, url }: Command): { signIn: JsonObject; decisions: Draft['decisions'] } {
  const authorization = headers.find(([name]) => name === 'authorization')?.[1];
  const [scheme, ...rest] = (authorization ?? '').split(' ');
  const key = { token: { label: 'API key' } };
  const password = { username: { label: 'User name' }, password: { label: 'Password' } };
  const made = (name: string, label: string, auth: JsonObject, credentials: JsonObject) => ({
    signIn: { key: name, label, config: { auth }, credentials },
    decisions: [
      { pointer: '/sign_in/0/help', message: 'Say where people find these credentials, step by step.' },
    ],
  });
  if (/^bearer$/i.test(scheme ?? '')) return made('token', 'Token', { type: 'bearer' }, key);
  if (user || /^basic$/i.test(scheme ?? ''))
    return made('password', 'User name and password', { type: 'basic' }, password);
  if (authorization !== undefined) {
    const words = /^[A-Za-z-]{1,40}$/.test(scheme ?? '') && rest.length > 0 ? `${scheme} {token}` : '{token}';
    return made('api_key', 'API key', { type: 'header', headers: { Authorization: words } }, key);
  }
  const header = headers.find(([name]) => !USUAL.test(name) && /key|token|auth|secret/.test(name))?.[0];
  if (header !== undefined)
    return made('api_key', 'API key', { type: 'header', headers: { [header]: '{token}' } }, key);
  const parameter = [...url.searchParams.keys()].find(isSecretName);
  if (parameter !== undefined)
    return made('api_key', 'API key', { type: 'query', parameters: { [parameter]: '{token}' } }, key);
  return {
    signIn: { key: 'none', label: 'No sign-in', config: { auth: { type: 'none' } } },
    decisions: [
      { pointer: '/sign_in/0', message: 'The command has no credentials. Say how people sign in.' },
    ],
  };
}

/** The names of the fields in a JSON body; nothing of their values. */
function fieldsOf(data: string | undefined): string[] {
  const body = parsed(data);
  if (!isJsonObject(body)) return [];
  const [only, ...others] = Object.entries(body);
  const record = only !== undefined && others.length === 0 && isJsonObject(only[1]) ? only[1] : body;
  const { attributes, type } = record;
  if (isJsonObject(attributes) && typeof type === 'string')
    return fieldNames(attributes).map((name) => `/attributes/${name}`);
  return fieldNames(record);
}

const fieldNames = (record: JsonObject): string[] =>
  Object.keys(record)
    .filter((name) => /^[A-Za-z_][A-Za-z0-9_-]{0,62}$/.test(name) && name !== '__proto__')
    .filter((name) => name !== 'constructor' && name !== 'prototype')
    .slice(0, 100);

function parsed(data: string | undefined): JsonValue | undefined {
  try {
    return data === undefined ? undefined : (JSON.parse(data) as JsonValue);
  } catch {
    return undefined;
  }
}
