import type { ColumnType } from 'kysely';

/** The address to which a third party sends its webhooks. */
export interface IncomingAddressesTable {
  tenantId: string;
  integrationId: string;
  /** SHA-256. */
  tokenHash: Buffer;
  /** Encrypted; null = not given yet. */
  secret: string | null;
  createdAt: Date;
  /** Of the last call that was verified, to ten seconds; null = none was. */
  receivedAt: Date | null;
  refusedAt: Date | null;
  /** The address itself, encrypted, if Syncline subscribes with it; null = a person enters it in the app. */
  address: string | null;
  /** The ids of the subscriptions at the third party. */
  subscriptionIds: ColumnType<string[] | null, string | null, string | null>;
  subscribedUntil: Date | null;
  /** Why the last attempt to subscribe failed; null = it did not. */
  subscriptionError: string | null;
}

/** A record that a webhook has named and that was not read since. */
export interface IncomingChangesTable {
  tenantId: string;
  integrationId: string;
  recordType: string;
  /** Empty: what was modified in the whole record type. */
  remoteId: string;
  firstAt: Date;
  lastAt: Date;
  /** The run that reads it; null = it waits for one. */
  syncRunId: ColumnType<string | null, string | null | undefined, string | null>;
}
