/**
 * Connectors: the kinds of apps that can be linked, and the schemas of their configuration and credentials.
 */
import { z } from 'zod';
import type { RecordType } from '../../domain/records/record-type';
import type { DescribedConnector } from './connector-catalogue';
import { HttpError } from '../http/http-error';
import { defineRoute, type Route } from '../routing/define-route';
import { orNull, jsonObject } from '../routing/common-schemas';
import { recordTypeMappingsView } from './mapping-schema';
import { toWireMappings } from './mappings/wire-mappings';

const summary = z
  .object({ kind: z.string().meta({ example: 'scim' }), title: z.string(), description: z.string() })
  .meta({ id: 'ConnectorSummary' });
export const recordType = z
  .object({
    name: z.string(),
    label: z.string(),
    fields: z.array(
      z.object({
        name: z.string(),
        label: z.string(),
        type: z.string(),
        is_required: z.boolean(),
        values: z.array(z.string()).optional(),
      }),
    ),
  })
  .meta({ id: 'RecordType' });
const connector = summary
  .extend({
    config_schema: jsonObject.meta({ description: 'JSON Schema of `config`.' }),
    credentials_schema: jsonObject.meta({ description: 'JSON Schema of `credentials`.' }),
    on_delete: z.array(z.enum(['deactivate', 'delete', 'leave'])).meta({
      description: 'What can happen in the app when a record is deleted; the first is the default.',
    }),
    record_types: z.array(recordType).meta({
      description: 'The record types known without a configuration. An integration shows its own.',
    }),
    default_mappings: orNull(recordTypeMappingsView).meta({
      description: 'The mappings used if the integration has none; null = they depend on the configuration.',
    }),
  })
  .meta({ id: 'Connector' });

export const connectorRoutes: readonly Route[] = [
  defineRoute({
    scope: 'plain',
    method: 'get',
    path: '/v1/connectors',
    operationId: 'listConnectors',
    tag: 'Connectors',
    summary: 'List the connectors',
    responses: {
      200: {
        description: 'All connectors.',
        schema: z.object({ data: z.array(summary), next_cursor: z.null() }),
      },
    },
    async run(_input, { services }) {
      const data = Object.values(services.connectors).map(({ kind, title, description }) => ({
        kind,
        title,
        description,
      }));
      return { status: 200, body: { data, next_cursor: null } };
    },
  }),

  defineRoute({
    scope: 'plain',
    method: 'get',
    path: '/v1/connectors/{kind}',
    operationId: 'showConnector',
    tag: 'Connectors',
    summary: 'Show a connector with the schemas of its configuration and credentials',
    params: z.strictObject({ kind: z.string() }),
    responses: { 200: { description: 'The connector.', schema: connector } },
    problems: ['connector_not_found'],
    async run({ params }, { services: { connectors } }) {
      const found = Object.hasOwn(connectors, params.kind) ? connectors[params.kind] : undefined;
      if (found === undefined) throw new HttpError('connector_not_found');
      return { status: 200, body: describe(found) };
    },
  }),
];

function describe(found: DescribedConnector): z.output<typeof connector> {
  // Minimal configurations. A connector that needs more, such as `rest`, derives its record types from the
  // configuration.
  const known = [{}, { base_url: 'https://third-party.example' }]
    .map((config) => found.configSchema.safeParse(config))
    .find(({ success }) => success)?.data;
  const mappings = known === undefined ? undefined : found.defaultMappings?.(known);
  return {
    kind: found.kind,
    title: found.title,
    description: found.description,
    config_schema: jsonSchemaOf(found.configSchema),
    credentials_schema: jsonSchemaOf(found.credentialsSchema),
    on_delete: [...found.onDelete],
    record_types: known === undefined ? [] : found.recordTypes(known).map(toWireRecordType),
    default_mappings: mappings === undefined ? null : toWireMappings(mappings),
  };
}

function jsonSchemaOf(schema: z.ZodType) {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as z.output<typeof jsonObject>;
}

export function toWireRecordType({ name, label, fields }: RecordType): z.output<typeof recordType> {
  return {
    name,
    label,
    fields: fields.map((field) => ({
      name: field.name,
      label: field.label,
      type: field.type,
      is_required: field.isRequired,
      ...(field.values === undefined ? {} : { values: field.values }),
    })),
  };
}
