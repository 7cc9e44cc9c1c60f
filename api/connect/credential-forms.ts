/** The forms in which a person gives credentials: several where an app accepts them in several ways. */
import { z } from 'zod';
import type { JsonObject } from '../../domain/json';
import type { DescribedConnector } from '../integrations/connector-catalogue';

export interface CredentialField {
  name: string;
  label: string;
  help: string | null;
  isSecret: boolean;
}

interface Shape {
  anyOf?: Shape[];
  oneOf?: Shape[];
  properties?: Record<string, { description?: string }>;
}

/** Each form has at least one field. None: the app needs no credentials. */
export function credentialForms(connector: DescribedConnector, config: JsonObject): CredentialField[][] {
  const names = connector.credentialNames?.(config);
  const forms =
    names === undefined
      ? formsOf(z.toJSONSchema(connector.credentialsSchema, { io: 'input', unrepresentable: 'any' }) as Shape)
      : [names.map((name) => fieldOf(name))];
  return forms.filter((fields) => fields.length > 0);
}

const formsOf = (shape: Shape): CredentialField[][] =>
  (shape.anyOf ?? shape.oneOf)?.flatMap(formsOf) ?? [
    Object.entries(shape.properties ?? {}).map(([name, { description }]) => fieldOf(name, description)),
  ];

const fieldOf = (name: string, help?: string): CredentialField => {
  const words = name.replaceAll('_', ' ');
  return {
    name,
    label: words.charAt(0).toUpperCase() + words.slice(1),
    help: help ?? null,
    isSecret: !/(^|_)(user|username|client_id|account|email|domain|subdomain)$/.test(name),
  };
};
