/** The settings of the PostgreSQL connector, as they are kept and as the API takes them. */
import { z } from 'zod';
import type { RecordTypeMapping } from '../../domain/records/mapping';

/** PostgreSQL cuts longer names off without a word, and then they are those of something else. */
const IDENTIFIER_BYTES_MAX = 63;

const identifier = z
  .string()
  .min(1)
  .max(IDENTIFIER_BYTES_MAX)
  .regex(/^\P{Cc}+$/u, 'No control characters.')
  .refine(
    (name) => Buffer.byteLength(name) <= IDENTIFIER_BYTES_MAX,
    `At most ${IDENTIFIER_BYTES_MAX} bytes.`,
  );

const tableSchema = z.strictObject({
  label: z.string().min(1).max(100).optional().describe('The name for people.'),
  table: identifier.describe(
    'The table or view, written exactly as the catalog has it (usually in lower case).',
  ),
  schema: identifier.optional().describe('Its schema, where it is not the one at the top.'),
  id: identifier.describe(
    'The column that tells the rows apart: unique, never null, never changed, and indexed. The primary key, most often.',
  ),
  modified: identifier
    .optional()
    .describe(
      'The column with the instant of the last change (timestamptz; timestamp is read as UTC), set with every change, best by a trigger, and indexed.',
    ),
  deleted: identifier
    .optional()
    .describe('The column that marks deleted rows: a boolean that is true, or an instant that is not null.'),
  columns: z
    .array(identifier)
    .min(1)
    .max(500)
    .optional()
    .describe('The columns to read; all of them unless given.'),
});

export type TableConfig = z.output<typeof tableSchema>;

export const postgresConfigSchema = z.strictObject({
  app: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe('The name of the product behind this database, as people know it.'),
  host: z
    .string()
    .min(1)
    .max(253)
    .regex(/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/, 'A host name or an IPv4 address, without port.')
    .toLowerCase()
    .describe('The database server: a host name, or an IPv4 address.'),
  port: z.int().min(1).max(65_535).default(5432),
  database: identifier,
  schema: identifier.default('public').describe('The schema of the tables.'),
  tls: z
    .boolean()
    .default(true)
    .describe(
      'Whether the connection is encrypted and the server’s certificate checked. Only inside a trusted network without.',
    ),
  tls_ca: z
    .string()
    .max(100_000)
    .regex(/^\s*-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----\s*$/, 'Certificates in PEM form.')
    .optional()
    .describe('The certificate authority of the server’s certificate (PEM), where it is not a public one.'),
  page_size: z
    .int()
    .min(1)
    .max(10_000)
    .default(2_000)
    .describe('Rows per query. Pages of wide rows are made smaller by themselves.'),
  record_types: z
    .record(z.string().regex(/^[a-z][a-z0-9_]{0,62}$/), tableSchema)
    .refine((types) => Object.keys(types).length > 0, 'Name at least one record type.')
    .describe('Which table or view each record type is.'),
});

export type PostgresConfig = z.output<typeof postgresConfigSchema>;

/** No NUL: it would end the text on the wire. */
const text = z
  .string()
  .min(1)
  .max(1_000)
  .regex(/^\P{Cc}+$/u);

export const postgresCredentialsSchema = z.strictObject({
  user: text.max(IDENTIFIER_BYTES_MAX).describe('A login role. All it needs is SELECT on the tables.'),
  password: text,
});

export type PostgresCredentials = z.output<typeof postgresCredentialsSchema>;

/** What is wrong with the configuration and the mappings taken together. */
export function findPostgresProblems(
  config: PostgresConfig,
  mappings: Record<string, RecordTypeMapping>,
): { pointer: string; message: string }[] {
  const problems: { pointer: string; message: string }[] = [];
  if (!config.tls && config.tls_ca !== undefined)
    problems.push({ pointer: '/config/tls_ca', message: 'Nothing is checked by it while tls is false.' });
  for (const [recordType, { direction }] of Object.entries(mappings)) {
    const pointer = `/record_types/${recordType}`;
    if (!config.record_types[recordType])
      problems.push({ pointer, message: `The configuration has no record type ${recordType}.` });
    if (direction !== 'pull')
      problems.push({
        pointer: `${pointer}/direction`,
        message:
          'This connector only reads: a database is no place to write into past its application. Use pull.',
      });
  }
  return problems;
}
