/**
 * The interface of connectors. A connector talks to one kind of third party and is registered in `index.ts`;
 * the shared suite (test/connectors/suite/shared-suite.ts) tests every registered one.
 *
 * It has no state and opens no socket: it gets everything in a `ConnectorContext`, above all the HTTP client.
 * It reports failures only through the four errors of `errors.ts`.
 */
import type { ZodType } from 'zod';
import type { JsonObject } from '../domain/json';
import type { OAuthSettings } from '../domain/oauth/authorization';
import type { RecordTypeMapping } from '../domain/records/mapping';
import type { RecordType } from '../domain/records/record-type';
import type { ConnectorError, CreatedWithoutId } from './errors';
import type { ClientIdentity, HttpClient } from './http';
import type { NamedRequest, WebhookAbilities } from './incoming';
import type { ListRanges, RangesRequest } from './list-ranges';
import type { SocketOpener } from './sockets';
import type { AccessTokens, TokenStore } from './tokens';

export type { HttpClient, HttpRequest, HttpResponse } from './http';
export type { SocketOpener } from './sockets';
export type { AccessToken, AccessTokens, TokenStore } from './tokens';

export interface ConnectorContext<Config = unknown, Credentials = unknown> {
  config: Config;
  credentials: Credentials;
  /** Field mappings per record type, already checked by `domain/records/mapping.ts`. */
  mappings: Record<string, RecordTypeMapping>;
  http: HttpClient;
  sockets: SocketOpener;
  tokens: TokenStore;
  /** Of a configuration with `oauth`. */
  accessTokens?: AccessTokens | undefined;
  /** Aborted when the worker stops or loses its claim. Loops must check it; the HTTP client obeys it. */
  signal: AbortSignal;
  /** Shares what the connector bounds per tenant. Absent: one that has no other integration. */
  tenantId?: string;
  /**
   * For pushes: to be called before the first write to a remote record that was found, not linked. Throws
   * `RecordConflict` if it belongs to another record (rules.md 49). `created`: this push has created the
   * record, and it was searched because the answer lacks its id.
   */
  claimRemote?: ((item: PushItem, remoteId: string, created?: CreatedWithoutId) => Promise<void>) | undefined;
  /**
   * For pushes with `isReadFirst`: call it with the remote record before the record is changed or removed,
   * and again after each further read. Returns the payload to send, without the places that were changed in
   * the third party (rules.md 17). `isReplaced`: the call replaces the whole record, so fields that it lacks
   * are lost.
   */
  beforeWrite?:
    | ((item: PushItem, there: JsonObject, call: { isReplaced: boolean }) => Promise<JsonObject>)
    | undefined;
  /**
   * For pushes: call it, and wait for it, before a missing record is created again. The creation is noted, so
   * that a lost answer does not repeat it. Throws `RecordConflict` if a person has to decide (rules.md 50).
   */
  beforeCreateAgain?: ((item: PushItem) => void | Promise<void>) | undefined;
  /** For pushes: the share of this execution, and where its results go. */
  pushing?: PushProgress | undefined;
}

/** How an execution of a push queue follows the single calls of a batch. */
export interface PushProgress {
  /** How many records may be under way at the same time. */
  recordsAtOnce: number;
  /** False: begin no further record. What has begun is finished. */
  mayBegin(): boolean;
  /** To be called with each result as it arrives; `push` returns it too. */
  onResult(result: PushResult): void;
}

/** One record to push. */
export interface PushItem {
  /** The push's id, the same on every retry. Sent as Idempotency-Key where the third party supports it. */
  pushId: string;
  operation: 'upsert' | 'deactivate' | 'delete';
  recordType: string;
  /** The record's id in Syncline, `externalId` in SCIM. */
  externalId: string;
  /**
   * The mapped payload, in the third party's shape (see `mapRecord`). For `deactivate` and `delete` the last
   * known payload.
   */
  payload: JsonObject;
  /** Places of the payload, as in a mapping, that only a creation sends (`forUpdate`). */
  createOnly?: readonly string[];
  /** The id in the third party; null = never pushed, or the response was lost: find before create. */
  remoteId: string | null;
  /** The last known version (ETag) in the third party; null = unknown. */
  remoteVersion: string | null;
  /** The record is also pulled: a connector that can read it alone does so first (`beforeWrite`). */
  isReadFirst: boolean;
  /** True if an earlier push deactivated the record, so that an upsert must activate it. */
  isDeactivated: boolean;
  /**
   * An earlier push that may have created the record with its own id as idempotency key, but whose response
   * was lost. null if there is none, or it is this push. Connectors without a search repeat it with its own
   * payload to get the result.
   */
  unresolvedCreation: { pushId: string; payload: JsonObject } | null;
  /** It was created under an id that is not known (`CreatedWithoutId`): search it, never create it. */
  wasCreated?: boolean;
  /** An earlier attempt had no usable answer: the record shares no call with others. */
  isSentAlone: boolean;
  /** The Syncline field per path in the payload, for errors. */
  fieldNames: Record<string, string>;
}

export type PushResult =
  | {
      pushId: string;
      ok: true;
      /** The effect in the third party. `none`: nothing to do, such as deleting a missing record. */
      effect: 'created' | 'updated' | 'deactivated' | 'deleted' | 'none';
      /** The id in the third party; null only after a delete. */
      remoteId: string | null;
      remoteVersion: string | null;
      /** The record as the answer to the push shows it; absent = the answer does not show it. */
      shown?: JsonObject | undefined;
    }
  | { pushId: string; ok: false; error: ConnectorError };

/** How a record type can be read. */
export interface ReadAbilities {
  /**
   * It can list the records modified since a time. Otherwise an incremental run reads everything, and deletes
   * nothing.
   */
  canFilterByModified: boolean;
  /**
   * Its pages stay consistent while records are created and deleted (cursors, keysets, links). With page
   * numbers and offsets a record can be skipped between two pages, so a run whose counts do not match deletes
   * nothing.
   */
  isPagingStable: boolean;
  /** Incremental runs read what has changed since a sync token, which the reading before has ended with. */
  followsSyncToken?: boolean;
  /** Incremental pages may leave out fields that did not change, so a missing field is not an empty one. */
  isSparse?: boolean;
  /** The settings that declare both, as pointers into the integration, for the problems of a check. */
  declaredAt?: { filter?: string | undefined; paging?: string | undefined };
}

export interface ReadRequest {
  recordType: string;
  /** Only records modified at or after this time of the third party's clock; null = all records. */
  modifiedSince: Date | null;
  /** `nextCursor` of the previous page; null = the first page. It is stored for other processes. */
  cursor: string | null;
  /** Only changes since the reading that gave this token; null = everything. Set if the next one is kept. */
  syncToken?: string | null | undefined;
  /** Only this range, as `ranges` has described it. Absent: the whole list. */
  range?: string | undefined;
}

/** A record in the third party. */
export interface RemoteRecord {
  remoteId: string;
  /** The version (ETag) in the third party; null if it has none. */
  remoteVersion: string | null;
  /** In the third party's shape, to which `to` of a mapping refers. `{}` for a deleted record. */
  fields: JsonObject;
  /** The Syncline id, if the third party stores it (SCIM's externalId); null otherwise. */
  externalId: string | null;
  /** A tombstone: the record was deleted in the third party. */
  isDeleted: boolean;
  /** When it was last modified, by the time that incremental runs follow. Absent or null: unknown. */
  modifiedAt?: Date | null;
}

/** An item of a list that is not a usable record. The other items are still read. */
export interface UnreadableRecord {
  /** null where not even its id can be read. */
  remoteId: string | null;
  /** `no_id`, `not_an_object`, … */
  code: string;
  /** For people, with the place in the list. */
  message: string;
}

export interface ReadPage {
  records: RemoteRecord[];
  /** The list may hold the same records several times, such as once per parent. */
  mayRepeat?: boolean;
  unreadable: UnreadableRecord[];
  /** null = that was the last page. */
  nextCursor: string | null;
  /** For the next incremental run, once the whole list is stored. A later page may replace it. */
  syncToken?: string | undefined;
  /**
   * The third party's clock at this page, from its Date header for example; null if unknown. That of the
   * first page becomes the next watermark.
   */
  asOf: Date | null;
  /** Of the whole list, if the page reports it: for the estimate, and to detect changes during the read. */
  total: number | null;
}

export interface Connector<Config = unknown, Credentials = unknown> extends WebhookAbilities<
  Config,
  ConnectorContext<Config, Credentials>
> {
  /** The permanent name in the API and the database: `scim`, `rest`. */
  kind: string;
  title: string;
  description: string;
  configSchema: ZodType<Config>;
  credentialsSchema: ZodType<Credentials>;
  /** The product of this configuration, if the configuration names it; otherwise `title` is used. */
  appName?(config: Config): string | undefined;
  /** Records per claim. Results are recorded per claim, so a crash repeats at most this many pushes. */
  batchSize: number;
  /**
   * How many calls of pushes an integration makes at the same time, over all workers. Absent: 8.
   */
  callsAtOnce?(config: Config): number;
  /** The options for deleted records, the default first (rules.md 14). */
  onDelete: readonly ('deactivate' | 'delete' | 'leave')[];
  /**
   * Record types with fields and picklists, as far as they are known without a request: a connector with a
   * fixed schema knows them all, a declarative one takes them from its configuration.
   */
  recordTypes(config: Config): RecordType[];
  /** Mappings for record types without a mapping in the integration. */
  defaultMappings?(config: Config): Record<string, RecordTypeMapping>;
  /** The client certificate of connections; undefined = none. Throws Unauthorized if it cannot be used. */
  clientIdentity?(config: Config, credentials: Credentials): ClientIdentity | undefined;
  /**
   * Problems of the combined settings, as messages for users; `configSchema` checks each value. Pointers
   * refer to the request that sets them: `/config`, `/record_types` (the mappings) or `/credentials` and
   * below. Credentials are only checked if they are given.
   */
  validate?(
    config: Config,
    mappings: Record<string, RecordTypeMapping>,
    credentials?: Credentials,
  ): { pointer: string; message: string }[];
  /**
   * Scheme, host and port of each address that credentials are sent to, by the pointer of its setting. When
   * one changes, the credentials must be given again. Absent: `hosts`.
   */
  origins?(config: Config): Record<string, string>;
  /** Of a configuration that signs in by an account, to which a person consents. Absent: none does. */
  oauth?(config: Config): OAuthSettings | undefined;
  /** The names of the credentials that a form asks for. Absent: the schema says them. */
  credentialNames?(config: Config): string[];
  /** The hosts (`host` or `host:port`) of this configuration. The egress policy blocks all others. */
  hosts(config: Config): string[];
  /**
   * Pushes a batch. Returns one result per item, in any order. Throws only if the whole batch fails
   * (`Unauthorized`, `RateLimited` or `Unavailable` before anything was sent). After `RateLimited` or
   * `Unauthorized` for one record the connector starts no further calls; items that were not started have no
   * result.
   */
  push(items: readonly PushItem[], context: ConnectorContext<Config, Credentials>): Promise<PushResult[]>;
  /**
   * How this record type can be read; null = it cannot be read (the job is `not_supported`). Absent: no
   * record type can be read.
   */
  readAbilities?(config: Config, recordType: string): ReadAbilities | null;
  /**
   * Everything in the configuration that determines which records of this type are read, and as what. When it
   * changes, the record type is read in full. Absent: the whole configuration.
   */
  readSignature?(config: Config, recordType: string): object;
  /**
   * Reads one page with one request, and one more if a token must be renewed. The first page may need more
   * requests, to learn what the third party supports. Throws one of the four errors. `RecordRejected`: the
   * dataset cannot be read with this configuration (404, a dropped table), retries cannot help;
   * `SyncTokenExpired`: the whole list has to be read.
   */
  readPage?(request: ReadRequest, context: ConnectorContext<Config, Credentials>): Promise<ReadPage>;
  canReadNamed?(config: Config, recordType: string): boolean;
  /** Reads records by their ids. One that does not exist is deleted in the page. Errors as in `readPage`. */
  readNamed?(request: NamedRequest, context: ConnectorContext<Config, Credentials>): Promise<ReadPage>;
  /** Divides the whole list of a record type (list-ranges.ts). Absent: lists are read in one piece. */
  ranges?(request: RangesRequest, context: ConnectorContext<Config, Credentials>): Promise<ListRanges>;
  /**
   * The number of records of this type in the third party; null = unknown. One request. Errors as in
   * `readPage`.
   */
  count?(recordType: string, context: ConnectorContext<Config, Credentials>): Promise<number | null>;
  /**
   * The current record types with fields and picklists, from the third party. If absent, or for a missing
   * type, `recordTypes(config)` applies. Errors as in `readPage`.
   */
  describeRecordTypes?(context: ConnectorContext<Config, Credentials>): Promise<RecordType[]>;
  /**
   * One cheap call that verifies that the third party answers and accepts the credentials. Otherwise throws
   * one of the four errors.
   */
  check(context: ConnectorContext<Config, Credentials>): Promise<void>;
  /**
   * Verifies that a mapped record type can be read as it is configured. Called after a successful `check` and
   * before `probeReading`. Throws one of the four errors; `RecordRejected` names what to correct.
   */
  checkRecordType?(recordType: string, context: ConnectorContext<Config, Credentials>): Promise<void>;
}
