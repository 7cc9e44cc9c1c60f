/**
 * SCIM 2.0 (RFC 7643, RFC 7644): employees as Users of an identity provider, an HR system or a directory.
 * Reads page by startIndex and count, which are not stable while users are created and deleted.
 *
 * A push creates no duplicate: a resource without a known id is searched by `externalId` (the Syncline id)
 * before it is created, and again after a conflict. A push loses no change of the third party: an update
 * reads the resource, merges, and writes only the differences under the version it read.
 */
import type { Connector, ConnectorContext } from '../connector';
import { errorFromCheck, isSuccess } from '../http-errors';
import { ScimCalls } from './calls';
import { type ScimConfig, type ScimCredentials, scimConfigSchema, scimCredentialsSchema } from './config';
import { describeResourceTypes, toRecordType } from './description';
import { EMPLOYEES_MAPPING, FIELDS_BY_SCHEMA, isUserType } from './fields';
import { findScimProblems } from './mapping-problems';
import { pushBatch } from './push/push-batch';
import { countResources, readResourcePage } from './reading';
import { readList } from './responses';
import { memoryOf } from './service-memory';

type Context = ConnectorContext<ScimConfig, ScimCredentials>;

/** Enough for a few full bulk requests. */
const BATCH_SIZE = 200;

const callsOf = (context: Context) => new ScimCalls(context, memoryOf(context.http));

export const scim: Connector<ScimConfig, ScimCredentials> = {
  kind: 'scim',
  title: 'SCIM 2.0',
  description: 'Employees as users of an identity provider, directory or HR system with SCIM 2.0.',
  configSchema: scimConfigSchema,
  credentialsSchema: scimCredentialsSchema,
  batchSize: BATCH_SIZE,
  callsAtOnce: ({ concurrency }) => concurrency ?? 8,
  onDelete: ['deactivate', 'delete', 'leave'],

  recordTypes: (config) =>
    Object.entries(config.record_types).map(([name, { schemas }]) =>
      toRecordType(name, schemas, FIELDS_BY_SCHEMA),
    ),

  defaultMappings(config) {
    const users = Object.entries(config.record_types).filter(([, type]) => isUserType(type));
    return Object.fromEntries(users.map(([name]) => [name, EMPLOYEES_MAPPING]));
  },

  validate: findScimProblems,

  origins: ({ base_url: baseUrl }) => ({ '/config/base_url': new URL(baseUrl).origin }),

  hosts: (config) => [new URL(config.base_url).host],

  push: pushBatch,

  readSignature: ({ base_url: baseUrl, record_types: types, filter_modified: isFiltered }, recordType) => ({
    baseUrl,
    isFiltered,
    type: types[recordType],
  }),

  readAbilities({ record_types: types, filter_modified: canFilterByModified }, recordType) {
    if (!Object.hasOwn(types, recordType)) return null;
    return { canFilterByModified, isPagingStable: false, declaredAt: { filter: '/config/filter_modified' } };
  },

  readPage: (request, context) => readResourcePage(request, callsOf(context), context.config),

  count: (recordType, context) => countResources(recordType, callsOf(context), context.config),

  describeRecordTypes: (context) => describeResourceTypes(callsOf(context), context.config),

  /**
   * Lists one resource. ServiceProviderConfig would be cheaper, but many servers show it without
   * authentication.
   */
  async check(context: Context): Promise<void> {
    const [type] = Object.values(context.config.record_types);
    if (!type) return;
    const calls = callsOf(context);
    const response = await calls.probe(type);
    if (!isSuccess(response)) throw errorFromCheck(response);
    readList(response, calls.namesOf(type));
  },
};
