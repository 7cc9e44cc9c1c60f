/**
 * Reading tables of a third party's database: its own role, which may read and nothing more, behind
 * a relay that can be cut.
 */
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { postgres } from '../../../connectors/postgres';
import { createTestDatabase } from '../../support/environments/database';
import { startSilentRelay } from '../../support/servers/silent-relay';
import { documentedExample, documentedMapping } from './documented';
import type { ReadingHarness, StartedSource } from './reading-harness';

const example = documentedExample('postgresql');
const { config } = example;
const employees = config.record_types['employees'] as Record<string, unknown>;
const withType = (changes: Record<string, unknown>) => ({
  ...config,
  record_types: { employees: { ...employees, ...changes } },
});

/** The tables as docs/connectors/postgres.md describes them. */
const TABLES = `
create schema hr;
create type hr.grade as enum ('junior', 'senior');
create table hr.staff (
  id bigint generated always as identity primary key,
  first_name text not null,
  last_name text not null,
  email text,
  grade hr.grade,
  updated_at timestamptz not null default now(),
  deleted_at timestamptz
);
create index on hr.staff (updated_at, id)`;

export interface StartedPostgres extends StartedSource {
  credentials: { user: string; password: string };
  /** As the database's owner. */
  query(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  ownerUrl: string;
  /** The role that Syncline logs in with. */
  role: string;
}

/** The configuration of the page, led to a database here; a record type is one more or another table. */
export async function startPostgresSource(tables = TABLES): Promise<StartedPostgres> {
  const database = await createTestDatabase({ isEmpty: true });
  const url = new URL(database.url);
  const owner = new Client({ connectionString: database.url });
  await owner.connect();
  const [role, password] = [
    `reader_${randomBytes(6).toString('hex')}`,
    `s3cret'"\\ ${randomBytes(4).toString('hex')}`,
  ];
  await owner.query(`${tables};
    create role ${role} login password ${owner.escapeLiteral(password)};
    grant usage on schema public, hr to ${role};
    grant select on all tables in schema hr to ${role}`);
  const relay = await startSilentRelay(Number(url.port));
  const given = {
    ...config,
    host: '127.0.0.1',
    port: relay.port,
    database: url.pathname.slice(1),
    tls: false,
    page_size: 7,
  };
  const query = async (text: string, values?: unknown[]) =>
    (await owner.query<Record<string, unknown>>(text, values)).rows;
  return {
    role,
    ownerUrl: database.url,
    query,
    config: postgres.configSchema.parse(given),
    configWithoutDataset: postgres.configSchema.parse({
      ...given,
      record_types: { employees: { ...employees, table: 'dropped' } },
    }),
    credentials: { user: role, password },
    wrongCredentials: { user: role, password: 'not the password' },
    create: async (count) =>
      (
        await query(
          `insert into hr.staff (first_name, last_name) select 'Ada', 'Lovelace' from generate_series(1, $1) returning id`,
          [count],
        )
      ).map(({ id }) => String(id)),
    rename: async (id, lastName) =>
      void (await query('update hr.staff set last_name = $2, updated_at = now() where id = $1', [
        id,
        lastName,
      ])),
    remove: async (id) =>
      void (await query('update hr.staff set deleted_at = now(), updated_at = now() where id = $1', [id])),
    ids: async () =>
      (await query('select id from hr.staff where deleted_at is null')).map(({ id }) => String(id)),
    async stop() {
      await relay.stop();
      await owner.query(`drop owned by ${role}; drop role ${role}`);
      await owner.end();
      await database.drop();
    },
  };
}

export const postgresReading: ReadingHarness = {
  title: 'postgres from PostgreSQL',
  connector: postgres,
  recordType: 'employees',
  mapping: documentedMapping(example, 'employees'),
  lastNameAt: 'last_name',
  hasTombstones: true,
  described: {
    fields: ['id', 'first_name', 'last_name', 'email', 'grade', 'updated_at', 'deleted_at'],
    picklist: { name: 'grade', values: ['junior', 'senior'] },
  },
  start: () => startPostgresSource(),
  badConfigs: {
    'no record types': { ...config, record_types: {} },
    'an unknown key': { ...config, sslmode: 'require' },
    'a URL for a host': { ...config, host: 'postgres://db.example.com' },
    'a socket of this machine for a host': { ...config, host: '/var/run/postgresql' },
    'a port in the host': { ...config, host: 'db.example.com:5432' },
    'a port that is none': { ...config, port: 65_536 },
    'no id column': withType({ id: undefined }),
    'a name longer than the database keeps': withType({ table: 'ä'.repeat(40) }),
    'a name with NUL': withType({ table: 'staff\0' }),
    'a certificate authority that nothing uses': {
      ...config,
      tls: false,
      tls_ca: '-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----',
    },
    'a certificate authority that is none': { ...config, tls_ca: 'trust me' },
  },
};
