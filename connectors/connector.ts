/**
 * What a connector is: the code that speaks with one kind of third party. One file each, registered in `index.ts`;
 * the shared suite (test/connectors/shared-suite.ts) runs over the registry.
 *
 * A connector holds no state and opens no socket: everything it needs comes in a `ConnectorContext`, above all
 * the gated HTTP client. It says what went wrong only through the four errors of `errors.ts`.
 */
import type { ZodType } from 'zod';
import type { JsonObject } from '../domain/json';
import type { RecordTypeMapping } from '../domain/mapping';
import type { RecordType } from '../domain/record-type';
import type { ConnectorError } from './errors';

export interface HttpRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Absolute URL. Its host must be one the integration's configuration names; the client checks every address it resolves to. */
  url: string;
  headers?: Record<string, string>;
  /** Sent as it is; set the content type yourself. */
  body?: string;
}

export interface HttpResponse {
  status: number;
  /** Header names in lower case; repeated headers joined by ", ". */
  headers: Record<string, string>;
  /** The body as text, at most the client's limit (1 MiB unless the client was made with another). */
  text: string;
}

/**
 * The only way out of the house. Follows no redirect, obeys the egress policy, bounds time (30 s in all) and size.
 * Throws `Unavailable` when there is no complete answer (refused, reset, timed out, too large, blocked by policy).
 */
export interface HttpClient {
  send(request: HttpRequest): Promise<HttpResponse>;
}

/** A place for tokens that a login yields, kept per integration and per worker process, dropped when credentials change. */
export interface TokenStore {
  get(): { value: string; expiresAt: number | null } | undefined;
  set(token: { value: string; expiresAt: number | null }): void;
  clear(): void;
}

export interface ConnectorContext<Config = unknown, Credentials = unknown> {
  config: Config;
  credentials: Credentials;
  /** Per record type: which fields go where. Already checked by `domain/mapping.ts`. */
  mappings: Record<string, RecordTypeMapping>;
  http: HttpClient;
  tokens: TokenStore;
  /** Aborted when the worker stops or loses its claim; pass on to nothing (the HTTP client already obeys it), but stop looping. */
  signal: AbortSignal;
}

/** One record to push. */
export interface PushItem {
  /** The push's id: stable over its retries; send it as Idempotency-Key where the third party knows such a header. */
  pushId: string;
  operation: 'upsert' | 'deactivate' | 'delete';
  recordType: string;
  /** Our id of the record: what `externalId` means to SCIM. */
  externalId: string;
  /** The mapped payload: a JSON object in the third party's shape (see `mapRecord`). For `deactivate` and `delete` the last known one. */
  payload: JsonObject;
  /** Their id as far as we know it; null = never pushed, or the answer was lost: find before create. */
  remoteId: string | null;
  /** Their version (ETag) when we last saw it; null when unknown. */
  remoteVersion: string | null;
  /** True when we deactivated it before, so that an upsert has to activate it again. */
  isDeactivated: boolean;
  /**
   * An earlier push that may have created the record under its own id as idempotency key, its answer lost; null when there is none,
   * or it is this very push. Who can find records has no need of it; who cannot repeats it with its own payload to learn what came of it.
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

export interface Connector<Config = unknown, Credentials = unknown> {
  /** The permanent name in the API and the database: `scim`, `rest`. */
  kind: string;
  title: string;
  description: string;
  configSchema: ZodType<Config>;
  credentialsSchema: ZodType<Credentials>;
  /** The product behind this configuration, as people know it, where the configuration says so; else the `title` stands for it. */
  appName?(config: Config): string | undefined;
  /** How many records one claim takes: results are recorded per claim, so a crash costs at most this many repeats. */
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
   * What is wrong with these settings taken together, as messages for people; empty = nothing. Shapes are `configSchema`'s business.
   * Pointers are those of the request that sets them: `/config`, `/record_types` (the mappings) or `/credentials` and below. Without `credentials`, whether they fit is not looked at.
   */
  validate?(config: Config, mappings: Record<string, RecordTypeMapping>, credentials?: Credentials): { pointer: string; message: string }[];
  /** Hosts (`host` or `host:port`) this configuration may reach; the gate refuses all others. */
  hosts(config: Config): string[];
  /**
   * Pushes a batch; answers one result per item, in any order. Throws only what stops the whole batch
   * (`Unauthorized`, `RateLimited`, `Unavailable` before anything was sent); otherwise each record has its own result.
   * Once one record met `RateLimited` or `Unauthorized`, the connector starts no further calls: items it did not start are left out of the answer.
   */
  push(items: readonly PushItem[], context: ConnectorContext<Config, Credentials>): Promise<PushResult[]>;
  /** One cheap call that proves the third party answers and the credentials hold. Throws one of the four errors otherwise. */
  check(context: ConnectorContext<Config, Credentials>): Promise<void>;
}
