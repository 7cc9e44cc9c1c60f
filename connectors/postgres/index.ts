/**
 * PostgreSQL: tables or views as record types, read-only, for third parties with access to their database, a
 * replica or a warehouse.
 *
 * Every page is a short read-only transaction on its own connection, under the egress policy. Pages follow
 * the id, so another process can continue a run at any page.
 */
import { createHash } from 'node:crypto';
import type { Connector, ConnectorContext, PushItem, PushResult } from '../connector';
import { RecordRejected, Unauthorized, Unavailable } from '../errors';
import {
  type PostgresConfig,
  type PostgresCredentials,
  findPostgresProblems,
  postgresConfigSchema,
  postgresCredentialsSchema,
} from './config';
import { configuredRecordType, describeTables } from './description';
import { rejection } from './failures';
import { countTable, readTablePage } from './reading';
import { inspectTable } from './inspection';
import { divideTable } from './table-ranges';
import { inSession } from './session';

export const postgres: Connector<PostgresConfig, PostgresCredentials> = {
  kind: 'postgres',
  title: 'PostgreSQL',
  description: 'Tables and views of a PostgreSQL database, read only.',
  configSchema: postgresConfigSchema,
  credentialsSchema: postgresCredentialsSchema,
  batchSize: 1_000,
  onDelete: ['leave'],

  appName: ({ app }) => app,

  recordTypes: (config) =>
    Object.entries(config.record_types).map(([name, table]) => configuredRecordType(name, table)),

  validate: findPostgresProblems,

  /** Without TLS the password can be read on the way, and the authority says who may present the host. */
  origins: ({ host, port, tls, tls_ca: ca }) => ({
    '/config/host': host,
    '/config/port': String(port),
    '/config/tls': tls ? 'with TLS' : 'without TLS',
    ...(ca !== undefined && { '/config/tls_ca': `the authority with SHA-256 ${fingerprintOf(ca)}` }),
  }),

  hosts: ({ host, port }) => [`${host}:${port}`],

  /** `validate` refuses mappings that push; this handles one that was stored without validation. */
  async push(items: readonly PushItem[]): Promise<PushResult[]> {
    const error = rejection(
      'read_only',
      'This connector only reads.',
      'Set the direction of the record type to pull.',
    );
    return items.map(({ pushId }) => ({ pushId, ok: false, error }));
  },

  readAbilities({ record_types: types }, recordType) {
    const table = Object.hasOwn(types, recordType) ? types[recordType] : undefined;
    if (table === undefined) return null;
    const declaredAt = { filter: `/config/record_types/${recordType}/modified` };
    return { canFilterByModified: table.modified !== undefined, isPagingStable: true, declaredAt };
  },

  readSignature: ({ host, port, database, schema, record_types: types }, recordType) => {
    const { label: _label, overlap_minutes: _overlap, ...table } = types[recordType] ?? {};
    return { host, port, database, schema, table };
  },

  readPage: readTablePage,

  ranges: divideTable,

  count: countTable,

  describeRecordTypes: describeTables,

  checkRecordType: inspectTable,

  /** Logs in without a query; reading shows what the role may read. */
  async check(context: ConnectorContext<PostgresConfig, PostgresCredentials>): Promise<void> {
    try {
      await inSession(context, null, (session) => session.query('select 1'));
    } catch (error) {
      if (!(error instanceof RecordRejected)) throw error;
      throw error.isForbidden
        ? new Unauthorized(error.message)
        : new Unavailable(error.message, null, { cause: error });
    }
  },
};

const fingerprintOf = (pem: string): string =>
  createHash('sha256').update(pem.replaceAll(/\s/g, '')).digest('hex');
