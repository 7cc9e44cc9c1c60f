/** Third-party definitions, for the team that runs Syncline. */
import { z } from 'zod';
import {
  addDefinitionVersion,
  findDefinition,
  findDefinitionVersion,
  listDefinitionHeads,
  listDefinitionVersions,
  listUsingIntegrations,
  setCurrentVersion,
} from '../../db/third-parties/definitions';
import { toTypeId } from '../../db/sql/ids';
import { HttpError } from '../http/http-error';
import { instant, jsonObject, toInstant, typeId } from '../routing/common-schemas';
import { defineRoute, type Route } from '../routing/define-route';
import { listOf, listParams, readPage, toPage } from '../routing/pagination';
import { compileDefinition, toStoredDocument } from './compile-definition';
import { definitionParams, definitionView, toWireDefinition, versionNumber } from './definition-routes';
import { definitionDocument, definitionKey } from './definition-schema';

const tag = 'Third-party definitions';
const base = '/v1/platform/third-party-definitions';

const addedView = definitionView
  .extend({
    is_current: z.boolean().meta({
      description:
        'New integrations use it: the first version at once, each further one when it is published.',
    }),
  })
  .meta({ id: 'AddedThirdPartyDefinition' });

const use = z
  .object({ tenant_id: typeId('ten'), integration_id: typeId('int'), version: z.int() })
  .meta({ id: 'ThirdPartyDefinitionUse' });

const versionSummary = z
  .object({
    version: z.int(),
    origin: z.enum(['shipped', 'platform']),
    is_current: z.boolean(),
    created_at: instant,
  })
  .meta({ id: 'ThirdPartyDefinitionVersion' });

const headView = z
  .object({
    key: z.string(),
    current_version: z
      .int()
      .nullable()
      .meta({ description: 'Of new integrations; null = none was published.' }),
    latest_version: z.int(),
    rollout_id: typeId('rol').nullable().meta({ description: 'The rollout that is under way.' }),
    rollout_paused_because: z
      .enum(['requested', 'failures'])
      .nullable()
      .meta({ description: 'Why that rollout is paused; `failures`: it stopped by itself.' }),
    updated_at: instant,
  })
  .meta({ id: 'ThirdPartyDefinitionHead' });

export const platformDefinitionRoutes: readonly Route[] = [
  defineRoute({
    scope: 'platform',
    method: 'get',
    path: base,
    operationId: 'listDefinitionsOfPlatform',
    tag,
    summary: 'List all definitions with their versions',
    query: z.strictObject(listParams),
    responses: { 200: { description: 'By key.', schema: listOf(headView) } },
    problems: ['invalid_cursor'],
    async run(work, { query }) {
      const scope = ['platform-definitions'];
      const { limit, after } = readPage(query, scope, definitionKey);
      const rows = await listDefinitionHeads(work, { limit: limit + 1, after });
      const body = toPage(
        rows,
        limit,
        scope,
        (row) => row.definitionKey,
        (row) => ({
          key: row.definitionKey,
          current_version: row.currentVersion,
          latest_version: row.latestVersion,
          rollout_id: row.rolloutId === null ? null : toTypeId('rol', row.rolloutId),
          rollout_paused_because: row.pausedBecause,
          updated_at: toInstant(row.updatedAt),
        }),
      );
      return { status: 200, body };
    },
  }),

  defineRoute({
    scope: 'platform',
    method: 'post',
    path: base,
    operationId: 'addThirdPartyDefinition',
    tag,
    summary: 'Add a definition, or a version of one',
    description:
      'A version changes no integration until it is published. A document that a version has already adds none.',
    body: definitionDocument,
    responses: { 201: { description: 'The version.', schema: addedView } },
    problems: ['invalid_definition'],
    action: 'third_party_definition.added',
    async run(work, { body }, { services, caller }) {
      const rules = compileDefinition(body, services.connectors);
      const { version } = await addDefinitionVersion(work, {
        key: body.key,
        document: toStoredDocument(body),
        rules,
        origin: 'platform',
        createdBy: caller.actor,
      });
      const head = await findDefinition(work, { key: body.key });
      const isFirst = head?.currentVersion === null;
      if (isFirst) await setCurrentVersion(work, { key: body.key, version: version.version });
      const isCurrent = isFirst || head?.currentVersion === version.version;
      const audit = { target: body.key, detail: { version: version.version } };
      return { status: 201, body: { ...toWireDefinition(version), is_current: isCurrent }, audit };
    },
  }),

  defineRoute({
    scope: 'platform',
    method: 'get',
    path: `${base}/{definition_key}/versions`,
    operationId: 'listThirdPartyDefinitionVersions',
    tag,
    summary: 'List the versions of a definition',
    params: definitionParams,
    query: z.strictObject(listParams),
    responses: { 200: { description: 'The newest first.', schema: listOf(versionSummary) } },
    problems: ['definition_not_found', 'invalid_cursor'],
    async run(work, { params, query }) {
      const key = params.definition_key;
      const head = await findDefinition(work, { key });
      if (head === undefined) throw new HttpError('definition_not_found');
      const scope = ['third-party-definition-versions', key];
      const { limit, after } = readPage(query, scope, z.int32());
      const rows = await listDefinitionVersions(work, { key, limit: limit + 1, before: after });
      const body = toPage(
        rows,
        limit,
        scope,
        ({ version }) => version,
        ({ version, origin, createdAt }) => ({
          version,
          origin,
          is_current: version === head.currentVersion,
          created_at: toInstant(createdAt),
        }),
      );
      return { status: 200, body };
    },
  }),

  defineRoute({
    scope: 'platform',
    method: 'get',
    path: `${base}/{definition_key}/versions/{version}`,
    operationId: 'showThirdPartyDefinitionVersion',
    tag,
    summary: 'Show a version of a definition',
    params: definitionParams.extend({ version: versionNumber }),
    responses: { 200: { description: 'The version.', schema: definitionView } },
    problems: ['definition_not_found'],
    async run(work, { params: { definition_key: key, version } }) {
      const found = await findDefinitionVersion(work, { key, version });
      if (found === undefined) throw new HttpError('definition_not_found');
      return { status: 200, body: toWireDefinition(found) };
    },
  }),

  defineRoute({
    scope: 'all_tenants',
    method: 'get',
    path: `${base}/{definition_key}/integrations`,
    operationId: 'listIntegrationsOfDefinition',
    tag,
    summary: 'List the integrations that use a definition',
    params: definitionParams,
    query: z.strictObject({
      ...listParams,
      version: z
        .string()
        .regex(/^[1-9][0-9]{0,8}$/, 'must be a number')
        .transform(Number)
        .optional()
        .meta({ description: 'Only those of this version.', example: '1' }),
    }),
    responses: { 200: { description: 'Of all tenants, with their versions.', schema: listOf(use) } },
    problems: ['invalid_cursor'],
    async run(work, { params, query }) {
      const key = params.definition_key;
      const scope = ['integrations-of-definition', key, String(query.version ?? 'all')];
      const position = z.tuple([z.uuid(), z.uuid()]);
      const { limit, after } = readPage(query, scope, position);
      const [tenantId, integrationId] = after ?? [];
      const rows = await listUsingIntegrations(work, {
        key,
        version: query.version,
        limit: limit + 1,
        after:
          tenantId === undefined || integrationId === undefined ? undefined : { tenantId, integrationId },
      });
      const body = toPage(
        rows,
        limit,
        scope,
        (row) => [row.tenantId, row.integrationId],
        (row) => ({
          tenant_id: toTypeId('ten', row.tenantId),
          integration_id: toTypeId('int', row.integrationId),
          version: row.definitionVersion,
        }),
      );
      return { status: 200, body };
    },
  }),

  defineRoute({
    scope: 'plain',
    method: 'get',
    path: '/v1/third-party-definition-schema',
    operationId: 'getThirdPartyDefinitionSchema',
    tag,
    summary: 'Show the JSON Schema of a definition',
    responses: { 200: { description: 'JSON Schema, draft 2020-12.', schema: jsonObject } },
    async run() {
      return { status: 200, body: definitionJsonSchema() };
    },
  }),
];

export function definitionJsonSchema(): z.output<typeof jsonObject> {
  return z.toJSONSchema(definitionDocument, { io: 'input', unrepresentable: 'any' }) as z.output<
    typeof jsonObject
  >;
}
