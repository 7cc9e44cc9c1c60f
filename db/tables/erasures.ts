import type { Generated } from 'kysely';
import type { Json } from './json-column';

/**
 * `finding`, `counting`: the preview is being made. `ready`: it waits for the confirmation. `blocking`: the
 * records cannot come back from then on. `third_parties`: pushes are under way. `erasing`, `removing`: rows
 * are changed and deleted.
 */
type ErasureState =
  | 'finding'
  | 'counting'
  | 'ready'
  | 'blocking'
  | 'third_parties'
  | 'erasing'
  | 'removing'
  | 'done';

export type EraseAs = 'keep' | 'deactivate' | 'delete';

/** What was asked for. Empty after the end. */
export interface ErasureSearch {
  recordIds?: string[];
  records?: { recordType: string; externalId: string }[];
  email?: string;
}

/** What happens to the records at one integration; the counts are of records. */
export interface ErasureAtThirdParty {
  integrationId: string;
  /** Linked there, or waiting to be pushed. */
  records: number;
  action: EraseAs;
  succeeded: number;
  failed: number;
  /** No answer before the end of the wait. */
  unanswered: number;
}

export interface ErasureProgress {
  /** A position in the list of tables of the release that wrote it, or in the list of records. */
  table: number;
  /** Of the table; absent at the end of the list. */
  name?: string;
  /** The key of the last row; null = at the beginning. */
  after: string[] | null;
  /** The table is not begun before this instant, in milliseconds since 1970. */
  until?: number;
}

export interface ErasuresTable {
  tenantId: string;
  erasureId: string;
  state: ErasureState;
  search: Json<ErasureSearch>;
  records: Generated<number>;
  found: Json<Record<string, number>>;
  erased: Json<Record<string, number>>;
  thirdParties: Json<ErasureAtThirdParty[]>;
  progress: Json<ErasureProgress | null> | null;
  requestedBy: string;
  requestedAt: Date;
  confirmedBy: string | null;
  confirmedAt: Date | null;
  blockedAt: Date | null;
  finishedAt: Date | null;
  liftedAt: Date | null;
  updatedAt: Date;
}

/** The id of a record at an integration. */
export interface ErasedLink {
  integrationId: string;
  remoteId: string;
}

export interface ErasureItemsTable {
  tenantId: string;
  erasureId: string;
  recordId: string;
  recordType: string;
  externalId: string;
  remoteIds: Generated<string[]>;
  links: Generated<ErasedLink[]>;
  texts: Generated<string[]>;
}

export interface ErasedHashesTable {
  tenantId: string;
  hash: Buffer;
  erasureId: string;
  /** Only set for the hash of a remote id. */
  integrationId: string | null;
  /** null for the hash of a remote id in an account: otherwise its record would count twice. */
  recordType: string | null;
  /** The hash of the list that has the record. Only set for the hash of a remote id in an account. */
  listHash: Buffer | null;
}

/** `ending`: workflows are told to look at their rows. `removing`: rows are deleted, in passes. */
export interface TenantDeletionsTable {
  tenantId: string;
  state: 'ending' | 'removing' | 'done';
  progress: Json<TenantDeletionProgress | null> | null;
  rows: Json<Record<string, number>>;
  passBeganAt: Date | null;
  passRows: Generated<number>;
  requestId: string;
  /** Numbers of integrations; null = an earlier version deleted the tenant. */
  subscriptionsCanceled: number | null;
  subscriptionsLeft: number | null;
  requestedAt: Date;
  updatedAt: Date;
  finishedAt: Date | null;
}

export interface TenantDeletionProgress {
  /** A table, or a kind of work that ends. */
  place: string;
  /** The key of the last row; null = at the beginning. */
  after: string[] | null;
}

export interface ErasureKeysTable {
  tenantId: string;
  secret: string;
}
