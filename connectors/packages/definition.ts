/** What a package with a connector exports by default, and what is checked of it at the start. */
import { z } from 'zod';
import type { Connector } from '../connector';

/** The version of the interface of connectors. A change that a package has to follow makes it one more. */
export const CONNECTOR_INTERFACE = 1;

export interface ConnectorDefinition {
  /** The version that the package is written for. */
  interface: typeof CONNECTOR_INTERFACE;
  connector: Connector;
}

/** Returns what a package exports by default; infers the types of configuration and credentials. */
export function defineConnector<Config, Credentials>(definition: {
  interface: typeof CONNECTOR_INTERFACE;
  connector: Connector<Config, Credentials>;
}): ConnectorDefinition {
  return definition;
}

const SECRET = /(^|[_-])(password|passphrase|secret|token|(api|private)[_-]?key)$/i;

const method = z.custom<() => unknown>((value) => typeof value === 'function', 'must be a function');
const schema = z.custom<z.ZodType>(
  isObjectSchema,
  'must be an object schema of zod 4, which `syncline/connector` exports as `z`',
);
const text = (max: number) => z.string('must be a text').min(1).max(max);

const members: Record<keyof Connector, z.ZodType> = {
  kind: z
    .string('must be a text')
    .regex(/^[a-z][a-z0-9_-]{1,39}$/, 'must have 2 to 40 of the characters a-z, 0-9, "-" and "_"'),
  title: text(100),
  description: text(1_000),
  configSchema: schema,
  credentialsSchema: schema,
  batchSize: z.int('must be a whole number').min(1).max(1_000),
  onDelete: z
    .array(z.enum(['deactivate', 'delete', 'leave'], 'must be deactivate, delete or leave'), 'must be a list')
    .min(1),
  recordTypes: method,
  hosts: method,
  push: method,
  check: method,
  appName: method.optional(),
  callsAtOnce: method.optional(),
  defaultMappings: method.optional(),
  clientIdentity: method.optional(),
  validate: method.optional(),
  origins: method.optional(),
  oauth: method.optional(),
  credentialNames: method.optional(),
  readAbilities: method.optional(),
  readSignature: method.optional(),
  readPage: method.optional(),
  canReadNamed: method.optional(),
  readNamed: method.optional(),
  incoming: method.optional(),
  subscribe: method.optional(),
  unsubscribe: method.optional(),
  ranges: method.optional(),
  count: method.optional(),
  describeRecordTypes: method.optional(),
  checkRecordType: method.optional(),
};
const connector = z
  .strictObject(members, 'must be an object')
  .refine(
    ({ readAbilities, readPage }) => (readAbilities === undefined) === (readPage === undefined),
    'needs both `readAbilities` and `readPage` to read, or neither',
  )
  .refine(
    ({ canReadNamed, readNamed }) => (canReadNamed === undefined) === (readNamed === undefined),
    'needs both `canReadNamed` and `readNamed` to read single records, or neither',
  );

/** undefined if it can be used; otherwise what has to be corrected. */
export function problemOfDefinition(exported: unknown): string | undefined {
  const { interface: written, connector: given } = (
    typeof exported === 'object' && exported !== null ? exported : {}
  ) as Partial<Record<keyof ConnectorDefinition, unknown>>;
  if (written === undefined)
    return 'has no connector as its default export: `export default defineConnector({ interface: 1, connector })`';
  if (written !== CONNECTOR_INTERFACE)
    return (
      `is written for version ${JSON.stringify(written)} of the interface of connectors, ` +
      `but this release of Syncline has version ${CONNECTOR_INTERFACE}`
    );
  const { error, data } = connector.safeParse(given);
  const [issue] = error?.issues ?? [];
  if (issue === undefined) return problemOfSecrets(data?.configSchema as z.ZodType);
  const place = ['connector', ...issue.path].join('.');
  return issue.code === 'unrecognized_keys'
    ? `has unknown members in ${place}: ${issue.keys.join(', ')}`
    : `has a faulty ${place}: ${issue.message}`;
}

/** Everyone who may see an integration sees its configuration. */
function problemOfSecrets(configSchema: z.ZodType): string | undefined {
  const secret = namesIn(describe(configSchema)).find((name) => SECRET.test(inSnakeCase(name)));
  if (secret === undefined) return undefined;
  return `asks for the secret "${secret}" in connector.configSchema, which is shown: move it to credentialsSchema`;
}

const inSnakeCase = (name: string): string => name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '_');

/** Of each alternative. */
const namesIn = ({ properties = {}, anyOf, oneOf }: z.core.JSONSchema.BaseSchema): string[] => [
  ...Object.keys(properties),
  ...(anyOf ?? oneOf ?? []).flatMap(namesIn),
];

const describe = (given: z.ZodType): z.core.JSONSchema.BaseSchema =>
  z.toJSONSchema(given, { io: 'input', unrepresentable: 'any' });

function isObjectSchema(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('_zod' in value)) return false;
  try {
    return isOfObjects(describe(value as z.ZodType));
  } catch {
    return false;
  }
}

function isOfObjects(described: z.core.JSONSchema.BaseSchema): boolean {
  const { type, anyOf, oneOf } = described;
  return type === 'object' || ((anyOf ?? oneOf)?.every(isOfObjects) ?? false);
}
