/** The settings of the PostgreSQL connector, in the form in which the API accepts and stores them. */
import { z } from 'zod';
import type { RecordTypeMapping } from '../../domain/records/mapping';
import { mappedColumns } from './mapped-columns';

/** PostgreSQL truncates longer names silently, and the result may name another object. */
const IDENTIFIER_BYTES_MAX = 63;

const ID_COLUMNS_MAX = 16;
/** A week. */
const OVERLAP_MINUTES_MAX = 7 * 24 * 60;

const identifier = z
  .string()
  .min(1)
  .max(IDENTIFIER_BYTES_MAX)
  .regex(/^\P{Cc}+$/u, 'No control characters.')
  .refine(
    (name) => Buffer.byteLength(name) <= IDENTIFIER_BYTES_MAX,
    `At most ${IDENTIFIER_BYTES_MAX} bytes.`,
  );

const identifiers = z.union([
  identifier,
  z
    .array(identifier)
    .min(1)
    .max(ID_COLUMNS_MAX)
    .refine((names) => new Set(names).size === names.length, 'Enter each column once.'),
]);

const scalar = z.union([z.string().max(1_000), z.number(), z.boolean(), z.null()]);

const tableSchema = z.strictObject({
  label: z.string().min(1).max(100).optional().describe('The display name.'),
  table: identifier.describe('The table or view, written as in the catalog (usually in lower case).'),
  schema: identifier
    .optional()
    .describe('The schema of the table, if it differs from the schema of the integration.'),
  id: identifiers.describe(
    'The column that identifies a row, usually the primary key, or the list of columns that do together: ' +
      'unique, never null, never changed, and indexed.',
  ),
  modified: z
    .union([
      identifiers,
      z.strictObject({
        column: identifiers,
        time_zone: z
          .string()
          .refine(isTimeZone, 'Enter a time zone like Europe/Berlin.')
          .optional()
          .describe('The time zone of a timestamp without time zone, or of a date. UTC by default.'),
        unit: z
          .enum(['s', 'ms', 'us', 'ns'])
          .optional()
          .describe('The unit of a number that counts since 1970.'),
      }),
    ])
    .optional()
    .describe(
      'The indexed column with the time of the last change; of a list of columns, the latest counts. ' +
        'It must be set with every change, for example by a trigger. Rows without a value are always read.',
    ),
  overlap_minutes: z
    .int()
    .min(0)
    .max(OVERLAP_MINUTES_MAX)
    .default(0)
    .describe('How much earlier incremental runs begin to read, for changes that become visible late.'),
  deleted: z
    .union([
      identifier,
      z.strictObject({
        column: identifier,
        is: z
          .union([scalar, z.array(scalar).min(1).max(100)])
          .describe('The value of deleted rows, or a list of values.'),
      }),
    ])
    .optional()
    .describe(
      'The column that marks deleted rows: a boolean that is true, or a time that is not null; ' +
        'or a column and the value that it has in deleted rows.',
    ),
  columns: z
    .array(identifier)
    .min(1)
    .max(500)
    .optional()
    .describe('The columns to read. All columns by default.'),
});

export type TableConfig = z.output<typeof tableSchema>;

export const postgresConfigSchema = z.strictObject({
  app: z.string().min(1).max(100).optional().describe('The name of the product that uses this database.'),
  host: z
    .string()
    .min(1)
    .max(253)
    .regex(/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/, 'Enter a host name or an IPv4 address, without port.')
    .toLowerCase()
    .describe('The database server: a host name, or an IPv4 address.'),
  port: z.int().min(1).max(65_535).default(5432),
  database: identifier,
  schema: identifier.default('public').describe('The schema of the tables.'),
  tls: z
    .boolean()
    .default(true)
    .describe(
      'Whether to encrypt the connection and check the certificate. Set false only in a trusted network.',
    ),
  tls_ca: z
    .string()
    .max(100_000)
    .regex(
      /^\s*-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----\s*$/,
      'Enter certificates in PEM format.',
    )
    .optional()
    .describe('The certificate authority of the server (PEM), if it is not a public one.'),
  page_size: z
    .int()
    .min(1)
    .max(10_000)
    .default(2_000)
    .describe('Rows per query. Pages of wide rows are reduced automatically.'),
  record_types: z
    .record(z.string().regex(/^[a-z][a-z0-9_]{0,62}$/), tableSchema)
    .refine((types) => Object.keys(types).length > 0, 'Enter at least one record type.')
    .describe('The table or view of each record type.'),
});

export type PostgresConfig = z.output<typeof postgresConfigSchema>;

/** No NUL: it would end the text on the wire. */
const text = z
  .string()
  .min(1)
  .max(1_000)
  .regex(/^\P{Cc}+$/u);

export const postgresCredentialsSchema = z.strictObject({
  user: text.max(IDENTIFIER_BYTES_MAX).describe('A login role. It only needs SELECT on the tables.'),
  password: text,
});

export type PostgresCredentials = z.output<typeof postgresCredentialsSchema>;

/** By its name; PostgreSQL reads an offset like +02 with the opposite sign. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** Problems of the configuration together with the mappings. */
export function findPostgresProblems(
  config: PostgresConfig,
  mappings: Record<string, RecordTypeMapping>,
): { pointer: string; message: string }[] {
  const problems: { pointer: string; message: string }[] = [];
  if (!config.tls && config.tls_ca !== undefined)
    problems.push({ pointer: '/config/tls_ca', message: 'tls_ca has no effect while tls is false.' });
  for (const [recordType, mapping] of Object.entries(mappings)) {
    const { direction } = mapping;
    const pointer = `/record_types/${recordType}`;
    const table = Object.hasOwn(config.record_types, recordType)
      ? config.record_types[recordType]
      : undefined;
    if (!table) problems.push({ pointer, message: `The configuration has no record type ${recordType}.` });
    for (const name of mappedColumns(mapping))
      if (table?.columns?.includes(name) === false)
        problems.push({
          pointer: `/config/record_types/${recordType}/columns`,
          message: `The column ${JSON.stringify(name)} is mapped. Add it to columns.`,
        });
    if (direction !== 'pull')
      problems.push({
        pointer: `${pointer}/direction`,
        message:
          'This connector only reads, because writes would bypass the application of the database. Use pull.',
      });
  }
  return problems;
}
