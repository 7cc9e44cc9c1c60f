/**
 * What a connector is: the code that speaks with one kind of third party. One file each, registered in
 * `index.ts`; the shared suite (test/connectors/suite/shared-suite.ts) runs over the registry.
 *
 * A connector holds no state and opens no socket: everything it needs comes in a `ConnectorContext`, above
 * all the gated HTTP client. It says what went wrong only through the four errors of `errors.ts`.
 */
import type { Socket } from 'node:net';
import type { ZodType } from 'zod';
import type { JsonObject } from '../domain/json';
import type { RecordTypeMapping } from '../domain/records/mapping';
import type { RecordType } from '../domain/records/record-type';
import type { ConnectorError } from './errors';

export interface HttpRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /**
   * Absolute URL. Its host must be one the integration's configuration names; the client checks every address
   * it resolves to.
   */
  url: string;
  headers?: Record<string, string>;
  /** Sent as it is; set the content type yourself. */
  body?: string;
  /** The largest answer taken, in bytes; 1 MiB unless given, 16 MiB at most. For lists. */
  responseBytesMax?: number;
}

export interface HttpResponse {
  status: number;
  /** Header names in lower case; repeated headers joined by ", ". */
  headers: Record<string, string>;
  /** The body as text, at most the client's limit (1 MiB unless the client was made with another). */
  text: string;
}

/**
 * The only way out of the house. Follows no redirect, obeys the egress policy, bounds time (30 s in all) and
 * size. Throws `Unavailable` when there is no complete answer (refused, reset, timed out, too large, blocked
 * by policy).
 */
export interface HttpClient {
  send(request: HttpRequest): Promise<HttpResponse>;
}

/**
 * The only other way out of the house, for third parties that speak no HTTP: a TCP connection to a checked
 * address. Throws `Unavailable` when there is none (refused, timed out, blocked by policy). Whoever opened it
 * ends it.
 */
export interface SocketOpener {
  open(target: { host: string; port: number }): Promise<Socket>;
}

/**
 * A place for tokens that a login yields, kept per integration and per worker process, dropped when
 * credentials change.
 */
export interface TokenStore {
  get(): { value: string; expiresAt: number | null } | undefined;
  set(token: { value: string; expiresAt: number | null }): void;
  clear(): void;
}

export interface ConnectorContext<Config = unknown, Credentials = unknown> {
  config: Config;
  credentials: Credentials;
  /** Per record type: which fields go where. Already checked by `domain/records/mapping.ts`. */
  mappings: Record<string, RecordTypeMapping>;
  http: HttpClient;
  sockets: SocketOpener;
  tokens: TokenStore;
  /**
   * Aborted when the worker stops or loses its claim; pass on to nothing (the HTTP client already obeys it),
   * but stop looping.
   */
  signal: AbortSignal;
}

/** One record to push. */
export interface PushItem {
  /**
   * The push's id: stable over its retries; send it as Idempotency-Key where the third party knows such a
   * header.
   */
  pushId: string;
  operation: 'upsert' | 'deactivate' | 'delete';
  recordType: string;
  /** Our id of the record: what `externalId` means to SCIM. */
  externalId: string;
  /**
   * The mapped payload: a JSON object in the third party's shape (see `mapRecord`). For `deactivate` and
   * `delete` the last known one.
   */
  payload: JsonObject;
  /** Their id as far as we know it; null = never pushed, or the answer was lost: find before create. */
  remoteId: string | null;
  /** Their version (ETag) when we last saw it; null when unknown. */
  remoteVersion: string | null;
  /** True when we deactivated it before, so that an upsert has to activate it again. */
  isDeactivated: boolean;
  /**
   * An earlier push that may have created the record under its own id as idempotency key, its answer lost;
   * null when there is none, or it is this very push. Who can find records has no need of it; who cannot
   * repeats it with its own payload to learn what came of it.
   */
  unresolvedCreation: { pushId: string; payload: JsonObject } | null;
  /** Our field name per path in the payload, to name our field in an error. */
  fieldNames: Record<string, string>;
}

export type PushResult =
  | {
      pushId: string;
      ok: true;
      /** What it came to at the third party. `none`: there was nothing to do (deleting what is not there). */
      effect: 'created' | 'updated' | 'deactivated' | 'deleted' | 'none';
      /** Their id; null only after a delete. */
      remoteId: string | null;
      remoteVersion: string | null;
    }
  | { pushId: string; ok: false; error: ConnectorError };

/** What reading a record type can do there. */
export interface ReadAbilities {
  /**
   * It can list what was modified since an instant; without this an incremental run reads everything (and
   * deletes nothing).
   */
  canFilterByModified: boolean;
  /**
   * Its pages hold their place while records come and go (cursors, keysets, links). Page numbers and offsets
   * do not: a record can slip between two pages, so a pass whose numbers do not add up deletes nothing.
   */
  isPagingStable: boolean;
}

export interface ReadRequest {
  recordType: string;
  /** Only what was modified at or after this instant of the third party's clock; null = everything. */
  modifiedSince: Date | null;
  /**
   * Where to go on: `nextCursor` of the page before; null = from the beginning. Kept in the database between
   * pages, so that another process can go on.
   */
  cursor: string | null;
}

/** One record as the third party has it. */
export interface RemoteRecord {
  remoteId: string;
  /** Their version (ETag); null where they have none. */
  remoteVersion: string | null;
  /** In the third party's own shape, as `to` in a mapping points into it. `{}` for a deleted one. */
  fields: JsonObject;
  /** Our id of the record where they keep it for us (SCIM's externalId); null where they do not. */
  externalId: string | null;
  /** A tombstone: it is gone there. */
  isDeleted: boolean;
}

/** An item of a list that is no usable record: it must not silence the others. */
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
  unreadable: UnreadableRecord[];
  /** null = that was the last page. */
  nextCursor: string | null;
  /**
   * The third party's own clock when it made this page (its Date header, say); null where it does not tell.
   * The first page's becomes the next watermark.
   */
  asOf: Date | null;
  /**
   * How many records the whole list holds, where the page says so: for the estimate, and to see whether the
   * list changed while it was read.
   */
  total: number | null;
}

export interface Connector<Config = unknown, Credentials = unknown> {
  /** The permanent name in the API and the database: `scim`, `rest`. */
  kind: string;
  title: string;
  description: string;
  configSchema: ZodType<Config>;
  credentialsSchema: ZodType<Credentials>;
  /**
   * The product behind this configuration, as people know it, where the configuration says so; else the
   * `title` stands for it.
   */
  appName?(config: Config): string | undefined;
  /**
   * How many records one claim takes: results are recorded per claim, so a crash costs at most this many
   * repeats.
   */
  batchSize: number;
  /** What a deleted record may become there, the first being the default (rules.md 14). */
  onDelete: readonly ('deactivate' | 'delete' | 'leave')[];
  /**
   * Record types with fields and picklists as far as they are known without asking the third party
   * (a connector of fixed shape knows them all, a declarative one reads them from its configuration).
   */
  recordTypes(config: Config): RecordType[];
  /** Mappings used where the integration gives none of its own for a record type. */
  defaultMappings?(config: Config): Record<string, RecordTypeMapping>;
  /**
   * What is wrong with these settings taken together, as messages for people; empty = nothing. Shapes are
   * `configSchema`'s business. Pointers are those of the request that sets them: `/config`, `/record_types`
   * (the mappings) or `/credentials` and below. Without `credentials`, whether they fit is not looked at.
   */
  validate?(
    config: Config,
    mappings: Record<string, RecordTypeMapping>,
    credentials?: Credentials,
  ): { pointer: string; message: string }[];
  /** Hosts (`host` or `host:port`) this configuration may reach; the gate refuses all others. */
  hosts(config: Config): string[];
  /**
   * Pushes a batch; answers one result per item, in any order. Throws only what stops the whole batch
   * (`Unauthorized`, `RateLimited`, `Unavailable` before anything was sent); otherwise each record has its
   * own result. Once one record met `RateLimited` or `Unauthorized`, the connector starts no further calls:
   * items it did not start are left out of the answer.
   */
  push(items: readonly PushItem[], context: ConnectorContext<Config, Credentials>): Promise<PushResult[]>;
  /**
   * What reading this record type can do; null = it cannot be read (the job is `not_supported`). Absent:
   * nothing can be read.
   */
  readAbilities?(config: Config, recordType: string): ReadAbilities | null;
  /**
   * Reads one page. Makes one request (a second one where a token has to be renewed). Throws one of the four
   * errors; `RecordRejected` means that this dataset cannot be read as it is configured (a 404, a dropped
   * table) and that trying again is pointless.
   */
  readPage?(request: ReadRequest, context: ConnectorContext<Config, Credentials>): Promise<ReadPage>;
  /** How many records of this type they have; null = cannot be told. One request. Errors as in `readPage`. */
  count?(recordType: string, context: ConnectorContext<Config, Credentials>): Promise<number | null>;
  /**
   * The record types with fields and picklists as they are there now, asked live. Absent, or a type left out:
   * what `recordTypes(config)` says. Errors as in `readPage`.
   */
  describeRecordTypes?(context: ConnectorContext<Config, Credentials>): Promise<RecordType[]>;
  /**
   * One cheap call that proves the third party answers and the credentials hold. Throws one of the four
   * errors otherwise.
   */
  check(context: ConnectorContext<Config, Credentials>): Promise<void>;
}
