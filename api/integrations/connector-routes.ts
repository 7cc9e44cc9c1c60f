/** Connectors: what can be linked, and what its configuration and credentials look like. */
import { z } from 'zod';
import type { RecordType } from '../../domain/records/record-type';
import type { DescribedConnector } from './connector-catalogue';
import type { ApiDependencies } from '../dependencies';
import { HttpError } from '../http/http-error';
import { plainRoute, type Route } from '../routing/define-route';
import { orNull, jsonObject } from '../routing/common-schemas';
import { recordTypeMappingsView, toWireMappings } from './mapping-schema';

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
    on_delete: z
      .array(z.enum(['deactivate', 'delete', 'leave']))
      .meta({ description: 'What a deleted record may become there; the first is the default.' }),
    record_types: z.array(recordType).meta({
      description: 'As far as they are known without a configuration; an integration shows its own.',
    }),
    default_mappings: orNull(recordTypeMappingsView).meta({
      description: 'Used for what the integration does not map itself; null = depends on the configuration.',
    }),
  })
  .meta({ id: 'Connector' });

export function connectorRoutes({ connectors }: Pick<ApiDependencies, 'connectors'>): readonly Route[] {
  return [
    plainRoute({
      method: 'get',
      path: '/v1/connectors',
      operationId: 'listConnectors',
      tag: 'Connectors',
      summary: 'List the connectors',
      answers: {
        200: {
          description: 'All connectors.',
          schema: z.object({ data: z.array(summary), next_cursor: z.null() }),
        },
      },
      async run() {
        const listed = Object.values(connectors).map(({ kind, title, description }) => ({
          kind,
          title,
          description,
        }));
        return { status: 200, body: { data: listed, next_cursor: null } };
      },
    }),

    plainRoute({
      method: 'get',
      path: '/v1/connectors/{kind}',
      operationId: 'showConnector',
      tag: 'Connectors',
      summary: 'Show a connector with the schemas of its configuration and credentials',
      params: z.strictObject({ kind: z.string() }),
      answers: { 200: { description: 'The connector.', schema: connector } },
      problems: ['connector_not_found'],
      async run({ params }) {
        const found = Object.hasOwn(connectors, params.kind) ? connectors[params.kind] : undefined;
        if (found === undefined) throw new HttpError('connector_not_found');
        return { status: 200, body: describe(found) };
      },
    }),
  ];
}

function describe(found: DescribedConnector): z.output<typeof connector> {
  // The least that a connector may ask for. One that needs more (a declarative one) knows its record types from its configuration only.
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
