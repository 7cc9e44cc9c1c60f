/** The forms in which a person gives credentials: several where an app accepts them in several ways. */
import { z } from 'zod';
import type { JsonObject } from '../../domain/json';
import type { DescribedConnector } from '../integrations/connector-catalogue';

interface CredentialField {
  name: string;
  label: string;
  help: string | null;
  isSecret: boolean;
  /** Of several lines, such as a key. */
  isLong: boolean;
}

/** What a definition says about its credentials, by name. */
type Words = Record<string, { label: string; help?: string | undefined; is_long?: boolean | undefined }>;

const LONG = new Set(['client_certificate', 'client_key', 'private_key']);

interface Shape {
  anyOf?: Shape[];
  oneOf?: Shape[];
  properties?: Record<string, { description?: string }>;
}

/** Each form has at least one field. None: the app needs no credentials. */
export function credentialForms(
  connector: DescribedConnector,
  config: JsonObject,
  words: Words = {},
): CredentialField[][] {
  const names = connector.credentialNames?.(config);
  const forms =
    names === undefined
      ? formsOf(z.toJSONSchema(connector.credentialsSchema, { io: 'input', unrepresentable: 'any' }) as Shape)
      : [names.map((name) => fieldOf(name))];
  return forms
    .filter((fields) => fields.length > 0)
    .map((fields) => fields.map((field) => withWords(field, words)));
}

const formsOf = (shape: Shape): CredentialField[][] =>
  (shape.anyOf ?? shape.oneOf)?.flatMap(formsOf) ?? [
    Object.entries(shape.properties ?? {}).map(([name, { description }]) => fieldOf(name, description)),
  ];

function withWords(field: CredentialField, words: Words): CredentialField {
  const said = Object.hasOwn(words, field.name) ? words[field.name] : undefined;
  if (said === undefined) return field;
  return {
    ...field,
    label: said.label,
    help: said.help ?? field.help,
    isLong: said.is_long ?? field.isLong,
  };
}

const fieldOf = (name: string, help?: string): CredentialField => {
  const words = name.replaceAll('_', ' ');
  return {
    name,
    label: words.charAt(0).toUpperCase() + words.slice(1),
    help: help ?? null,
    isSecret: !/(^|_)(user|username|client_id|account|email|domain|subdomain)$/.test(name),
    isLong: LONG.has(name),
  };
};
