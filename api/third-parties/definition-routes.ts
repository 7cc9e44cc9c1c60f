/** The catalogue of third-party definitions, for tenants. */
import { z } from 'zod';
import {
  type DefinitionVersion,
  findDefinition,
  findDefinitionVersion,
  listDefinitions,
} from '../../db/third-parties/definitions';
import type { JsonValue } from '../../domain/json';
import { ownDifferences } from '../../domain/third-parties/definition';
import { pointerOf } from '../../domain/third-parties/differences';
import { HttpError } from '../http/http-error';
import { integrationParams } from '../integrations/integration-schema';
import { requireIntegration } from '../integrations/integration-views';
import { toWireFields, toWireMappings } from '../integrations/mappings/wire-mappings';
import { instant, jsonValue, toInstant } from '../routing/common-schemas';
import { defineRoute, type Route } from '../routing/define-route';
import { listOf, listParams, readPage, toPage } from '../routing/pagination';
import { CATEGORIES, definitionDocument, definitionKey } from './definition-schema';
import { documentOf, readingConfig, useOf } from './definition-use';

const tag = 'Third-party definitions';

const summary = z
  .object({
    key: definitionKey,
    name: z.string(),
    category: z.enum(CATEGORIES),
    description: z.string(),
    proof: z.enum(['live', 'simulator', 'none']),
    version: z.int(),
    sign_in: z.array(z.object({ key: z.string(), label: z.string() })),
    record_types: z.array(z.string()),
  })
  .meta({ id: 'ThirdPartyDefinitionSummary' });

export const definitionView = z
  .object({
    key: definitionKey,
    version: z.int(),
    document: definitionDocument,
    origin: z.enum(['shipped', 'platform']).meta({ description: '`shipped`: it came with Syncline.' }),
    created_at: instant,
  })
  .meta({ id: 'ThirdPartyDefinition' });

const differences = z
  .object({
    differences: z.array(
      z.object({
        pointer: z.string().meta({ description: 'Into the integration.', example: '/config/base_url' }),
        is_removed: z
          .boolean()
          .meta({ description: 'The integration does not have what the definition has.' }),
        value: jsonValue.nullable(),
      }),
    ),
  })
  .meta({ id: 'DefinitionDifferences' });

export const versionNumber = z
  .string()
  .regex(/^[1-9][0-9]{0,8}$/, 'must be a number')
  .transform(Number)
  .meta({ example: '1' });

export const definitionParams = z.strictObject({ definition_key: definitionKey });

export const definitionRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/third-party-definitions',
    operationId: 'listThirdPartyDefinitions',
    tag,
    summary: 'List the products that can be linked by a definition',
    query: z.strictObject(listParams),
    responses: { 200: { description: 'The current versions, by key.', schema: listOf(summary) } },
    problems: ['invalid_cursor'],
    async run(work, { query }) {
      const scope = ['third-party-definitions'];
      const { limit, after } = readPage(query, scope, definitionKey);
      const rows = await listDefinitions(work, { limit: limit + 1, after });
      return { status: 200, body: toPage(rows, limit, scope, (row) => row.definitionKey, toSummary) };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/third-party-definitions/{definition_key}',
    operationId: 'showThirdPartyDefinition',
    tag,
    summary: 'Show a definition',
    params: definitionParams,
    query: z.strictObject({
      version: versionNumber
        .optional()
        .meta({ description: 'The current version by default.', example: '1' }),
    }),
    responses: { 200: { description: 'The definition.', schema: definitionView } },
    problems: ['definition_not_found'],
    async run(work, { params, query }) {
      const key = params.definition_key;
      const version = query.version ?? (await findDefinition(work, { key }))?.currentVersion ?? undefined;
      const found = version === undefined ? undefined : await findDefinitionVersion(work, { key, version });
      if (found === undefined) throw new HttpError('definition_not_found');
      return { status: 200, body: toWireDefinition(found) };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/integrations/{integration_id}/differences',
    operationId: 'showDefinitionDifferences',
    tag,
    summary: 'Show how an integration differs from its definition',
    description:
      'They stay when the integration moves to another version. Without a definition there are none.',
    params: integrationParams,
    responses: { 200: { description: 'The differences.', schema: differences } },
    problems: ['integration_not_found'],
    async run(work, { params }, { services }) {
      const integration = await requireIntegration(work, params.integration_id);
      const use = useOf(integration);
      const version = use === null ? undefined : await findDefinitionVersion(work, use);
      if (use === null || version === undefined) return { status: 200, body: { differences: [] } };
      const readConfig = readingConfig(version.rules, { ...services, whyUrlIsRefused: () => undefined });
      const found = ownDifferences(version.rules, use, integration, readConfig);
      return {
        status: 200,
        body: {
          differences: found.map(({ path, value }) => ({
            pointer: pointerOf(path),
            is_removed: value === undefined,
            value: wireValue(path, value ?? null),
          })),
        },
      };
    },
  }),
];

export function toWireDefinition(version: DefinitionVersion): z.output<typeof definitionView> {
  return {
    key: version.definitionKey,
    version: version.version,
    document: documentOf(version),
    origin: version.origin,
    created_at: toInstant(version.createdAt),
  };
}

function toSummary(version: DefinitionVersion): z.output<typeof summary> {
  const document = documentOf(version);
  const { key, name, category, description, proof } = document;
  return {
    key,
    name,
    category,
    description,
    proof,
    version: version.version,
    sign_in: document.sign_in.map((one) => ({ key: one.key, label: one.label })),
    record_types: Object.keys(version.rules.mappings),
  };
}

/** Mapped fields as the API shows them. */
function wireValue([root, name, member]: readonly string[], value: JsonValue): JsonValue {
  if (root !== 'recordTypes' || name === undefined || value === null) return value;
  if (member === 'fields') return toWireFields(value as never) as never;
  return member === undefined ? (toWireMappings({ [name]: value } as never)[name] as never) : value;
}
