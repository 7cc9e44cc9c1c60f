/** What a worker and its reader processes say to each other. */
import type { PostgresConfig, PostgresCredentials } from '../config';

export interface Rows {
  columns: { name: string; oid: number }[];
  /** Values in the server's text format. */
  rows: (string | null)[][];
}

export interface ReaderLimits {
  loginTimeoutMs: number;
  /** A server that does not answer a query for longer counts as unreachable. */
  silenceMs: number;
  loginBytesMax: number;
  answerBytesMax: number;
  /** Values of a session, and its rows: many tiny ones need more memory than their bytes. */
  valuesMax: number;
}

export type Call =
  | {
      call: 'open';
      server: Pick<PostgresConfig, 'host' | 'port' | 'database' | 'tls' | 'tls_ca'>;
      credentials: PostgresCredentials;
      limits: ReaderLimits;
    }
  | { call: 'query'; text: string; values: readonly (string | number | null)[] }
  | { call: 'close' };

/** The connection belongs to the worker: it checks the address and counts the bytes. */
export type ToReader = Call | { bytes: Uint8Array } | { ended: true };

export type Failure =
  | { kind: 'too_large' }
  /** The words of the server, with its SQLSTATE. */
  | { kind: 'database'; code: string | undefined; message: string }
  /** Words of Syncline. */
  | { kind: 'unavailable'; message: string }
  /** Words of Syncline about bytes that are not PostgreSQL's protocol. */
  | { kind: 'malformed'; message: string }
  | { kind: 'other'; code: string | undefined; message: string };

export type FromReader =
  | { ready: true }
  | { bytes: Uint8Array }
  /** The bytes were parsed. */
  | { received: true }
  | { answer: Rows | null }
  | { failure: Failure };
