/** The address of an OpenAPI document, with parameters for what differs between accounts. */
import { isJsonObject, type JsonObject, memberOf } from '../../json';
import { type Draft, toLabel, toName } from './draft';
import { type OpenApiDocument, textAt } from './openapi-document';

const UNKNOWN = 'https://api.example.com';
const ADDRESS_LENGTH_MAX = 2_000;
const CHOICES_MAX = 100;
const VARIABLE = /\{([^{}]{1,60})\}/g;

interface Server {
  url: string;
  parameters?: JsonObject;
  decisions: Draft['decisions'];
}

export function serverOf(document: OpenApiDocument): Server {
  const pointer = '/config/base_url';
  const [server] = document.objects(document.root, 'servers');
  const template = textAt(server, 'url');
  const unknown = {
    url: UNKNOWN,
    decisions: [{ pointer, message: 'Enter the address of the API. The document does not say it.' }],
  };
  if (server === undefined || template === undefined || template.length > ADDRESS_LENGTH_MAX) return unknown;
  const variables = document.at(server, 'variables') ?? {};
  const parameters: JsonObject = {};
  const url = template.replaceAll(VARIABLE, (_place, name: string) => {
    const key = toName(name);
    parameters[key] = parameterOf(name, document.at(variables, name), template);
    return `\${${key}}`;
  });
  const example = url.replaceAll(/\$\{([a-z0-9_]+)\}/g, (_place, key: string) => {
    const parameter = parameters[key];
    return isJsonObject(parameter) ? (textAt(parameter, 'example') ?? 'a') : 'a';
  });
  if (!isAddress(example)) return unknown;
  return {
    url: url.replace(/\/$/, ''),
    ...(Object.keys(parameters).length > 0 && { parameters }),
    decisions: Object.keys(parameters).map((key) => ({
      pointer: `/parameters/${key}`,
      message: 'Check the format and the help text of this parameter.',
    })),
  };
}

function isAddress(text: string): boolean {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return false;
  const { username, password, search, hash } = new URL(text);
  return `${username}${password}${search}${hash}` === '';
}

const PART = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;
const ID = /^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._~-]{0,99}$/;

function parameterOf(name: string, variable: JsonObject | undefined, template: string): JsonObject {
  const label = toLabel(name).slice(0, 100);
  const values = variable === undefined ? null : memberOf(variable, 'enum');
  const offered = Array.isArray(values) ? values.slice(0, CHOICES_MAX) : [];
  const choices = offered.flatMap((value) => (typeof value === 'string' && ID.test(value) ? [value] : []));
  const fallback = textAt(variable, 'default');
  const [first] = choices;
  if (first !== undefined) {
    const example = fallback !== undefined && choices.includes(fallback) ? fallback : first;
    const options = choices.map((value) => ({ value, label: value }));
    return { label, format: 'choice', example, options };
  }
  const isInHost = (template.split('/')[2] ?? '').includes(`{${name}}`);
  const isWholeHost = template.split('/')[2] === `{${name}}`;
  const valid = fallback !== undefined && (isInHost && !isWholeHost ? PART : ID).test(fallback);
  if (isWholeHost) return { label, format: 'host', example: valid ? fallback : 'acme.example.com' };
  return { label, format: isInHost ? 'subdomain' : 'identifier', example: valid ? fallback : 'acme' };
}
