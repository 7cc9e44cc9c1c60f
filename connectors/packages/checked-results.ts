/** What a connector from a package may return: shapes, sizes and ids, and plain JSON. */
import { z } from 'zod';
import { isJsonObject, type JsonObject } from '../../domain/json';
import type { OAuthSettings } from '../../domain/oauth/authorization';
import type { Connector, ReadAbilities, ReadPage, RemoteRecord, UnreadableRecord } from '../connector';

const RECORDS_MAX = 10_000;
const PAGE_CHARACTERS_MAX = 16 * 1024 * 1024;
const ID_LENGTH_MAX = 500;
const TEXT_LENGTH_MAX = 2_000;
const CURSOR_LENGTH_MAX = 64 * 1024;

const text = z.string().max(TEXT_LENGTH_MAX);
export const remoteId = z.string().min(1).max(ID_LENGTH_MAX);
export const remoteVersion = z.string().max(1_000).nullable();
/** A copy of its own, without what JSON cannot hold. */
export const json = z.custom<JsonObject>(isJsonObject).transform((value, context): JsonObject => {
  const copy = copyOf(value);
  if (isJsonObject(copy)) return copy;
  context.addIssue({ code: 'custom', message: 'is no JSON' });
  return z.NEVER;
});

/** A `toJSON` of the value decides, and may return anything. */
function copyOf(value: JsonObject): unknown {
  try {
    return JSON.parse(JSON.stringify(value));
  } catch {
    return undefined;
  }
}
const instant = z.date().nullable();

const recordType = z.object({
  name: z.string().min(1).max(200),
  label: text,
  fields: z
    .array(
      z.object({
        name: z.string().min(1).max(500),
        label: text,
        type: z.enum(['string', 'number', 'boolean', 'date', 'datetime', 'picklist', 'object', 'array']),
        isRequired: z.boolean(),
        values: z.array(text).optional(),
      }),
    )
    .max(5_000),
});
const names = z.array(z.string().min(1).max(200)).max(1_000);
const address = z.string().max(TEXT_LENGTH_MAX).refine(isAddress, 'is no address with http or https');
const parameters = z.record(z.string(), z.string());
const oauth = z.object({
  appId: text,
  authorizationUrl: address,
  tokenUrl: address,
  issuer: text.optional(),
  scopes: z.array(text).max(1_000),
  scopeSeparator: text,
  pkce: z.enum(['S256', 'none']),
  clientAuth: z.enum(['basic', 'body', 'none']),
  authorizationParameters: parameters,
  tokenParameters: parameters,
  refreshAheadSeconds: z.number().min(0),
  header: text,
  value: text,
  account: z
    .object({
      url: address.optional(),
      id: text.optional(),
      value: text.optional(),
      name: text.optional(),
    })
    .optional(),
  accounts: z
    .object({ url: address, items: text, id: text, name: text.optional(), parameter: text })
    .optional(),
} satisfies Record<keyof OAuthSettings, z.ZodType>);

/** Of the members that are functions; the pages and results of calls have functions of their own below. */
export const RESULTS: Partial<Record<keyof Connector, z.ZodType>> = {
  appName: text.optional(),
  callsAtOnce: z.int().min(1).max(1_000),
  recordTypes: z.array(recordType).max(1_000),
  defaultMappings: z.record(
    z.string(),
    z.looseObject({
      direction: z.enum(['push', 'pull', 'both']),
      fields: z.array(z.looseObject({ name: z.string().min(1).optional(), to: z.string().min(1) })),
      onDelete: z.enum(['deactivate', 'delete', 'leave']),
    }),
  ),
  clientIdentity: z.object({ certificate: z.string(), key: z.string() }).optional(),
  validate: z.array(z.object({ pointer: text, message: text })),
  origins: z.record(z.string(), z.string()),
  oauth: oauth.optional(),
  credentialNames: names,
  hosts: z.array(z.string().refine(isHost, 'is no host, or host and port')).max(100),
  readAbilities: z
    .object({
      canFilterByModified: z.boolean(),
      isPagingStable: z.boolean(),
      followsSyncToken: z.boolean().optional(),
      isSparse: z.boolean().optional(),
      declaredAt: z.object({ filter: text.optional(), paging: text.optional() }).optional(),
    } satisfies Record<keyof ReadAbilities, z.ZodType>)
    .nullable(),
  readSignature: z.union([json, z.array(z.json())]),
  canReadNamed: z.boolean(),
  ranges: z.array(z.string().min(1).max(TEXT_LENGTH_MAX)).max(64).nullable(),
  count: z.int().min(0).nullable(),
  describeRecordTypes: z.array(recordType).max(1_000),
  subscribe: z
    .object({ ids: z.array(remoteId).max(100), endsAt: z.date(), error: text.optional() })
    .optional(),
  unsubscribe: z.boolean(),
  check: z.unknown().transform(() => undefined),
  checkRecordType: z.unknown().transform(() => undefined),
};

const shortened = z.string().transform((message) => message.slice(0, TEXT_LENGTH_MAX));
const page = z.object({
  records: z.array(z.unknown()).max(RECORDS_MAX),
  mayRepeat: z.boolean().optional(),
  unreadable: z
    .array(z.object({ remoteId: z.string().nullable(), code: z.string().max(100), message: shortened }))
    .max(RECORDS_MAX),
  nextCursor: z.string().max(CURSOR_LENGTH_MAX).nullable(),
  syncToken: z.string().min(1).max(CURSOR_LENGTH_MAX).optional(),
  asOf: instant,
  total: z.int().min(0).nullable(),
} satisfies Record<keyof ReadPage, z.ZodType>);
const record = z.object({
  remoteId,
  remoteVersion,
  fields: json,
  externalId: z.string().max(ID_LENGTH_MAX).nullable(),
  isDeleted: z.boolean(),
  modifiedAt: instant.optional(),
} satisfies Record<keyof RemoteRecord, z.ZodType>);

/** A record that cannot be used is reported like one of the third party's: the others are still read. */
export function checkPage(given: unknown): ReadPage {
  const { records: items, unreadable, mayRepeat, ...rest } = page.parse(given);
  const records: RemoteRecord[] = [];
  const refused: UnreadableRecord[] = [...unreadable];
  let characters = 0;
  for (const item of items) {
    const read = record.safeParse(item);
    if (read.success) {
      const { modifiedAt, ...found } = read.data;
      characters += JSON.stringify(found.fields).length;
      records.push(modifiedAt === undefined ? found : { ...found, modifiedAt });
    } else refused.push(unusable(item, read.error));
  }
  if (characters > PAGE_CHARACTERS_MAX) throw new RangeError('the page has more than 16 MiB');
  return { ...rest, ...(mayRepeat === undefined ? {} : { mayRepeat }), records, unreadable: refused };
}

function unusable(item: unknown, error: z.ZodError): UnreadableRecord {
  const { remoteId: id } = (isJsonObject(item) ? item : {}) as { remoteId?: unknown };
  return {
    remoteId: typeof id === 'string' ? id.slice(0, ID_LENGTH_MAX) : null,
    code: 'connector_result',
    message: `The connector returned a record that cannot be used: ${firstIssue(error)}.`,
  };
}

/** The first problem of a result, with its place. */
export function firstIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  return `${issue?.path.join('.') || 'the result'}: ${issue?.message ?? 'is not as expected'}`;
}

function isAddress(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

function isHost(host: string): boolean {
  return URL.canParse(`http://${host}/`) && new URL(`http://${host}/`).host === host.replace(/:80$/, '');
}
