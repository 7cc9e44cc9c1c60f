/**
 * What the shared reading suite needs to read from a real third party: how to start it with small pages, how
 * to change records behind the connector's back, what it must find. One per third party, listed in
 * `registry.test.ts`.
 */
import type { Connector } from '../../../connectors/connector';
import type { RecordTypeMapping } from '../../../domain/records/mapping';

export interface StartedSource {
  /** With pages of about seven records, so that few records make many pages. */
  config: unknown;
  /** The same, but its record type is a dataset that is not there. */
  configWithoutDataset: unknown;
  credentials: unknown;
  wrongCredentials: unknown;
  /** Makes so many records; answers their ids. */
  create(count: number): Promise<string[]>;
  /** Gives a record another last name. */
  rename(remoteId: string, lastName: string): Promise<void>;
  remove(remoteId: string): Promise<void>;
  /**
   * For third parties whose lists have no order: a new record with two members in one list, and the same
   * record with the members in the other order.
   */
  createWithList?(): Promise<{ remoteId: string; turnRound(): Promise<void> }>;
  /** The ids of all records that are there, read directly. */
  ids(): Promise<string[]>;
  stop(): Promise<void>;
}

export interface ReadingHarness {
  title: string;
  connector: Connector;
  recordType: string;
  mapping: RecordTypeMapping;
  /** The path of the last name in a remote record, as a mapping's `to` writes it. */
  lastNameAt: string;
  /** True if a list of modified records includes removed ones. */
  hasTombstones: boolean;
  /** Field names that a live description must have; a picklist among them with its values. */
  described: { fields: string[]; picklist?: { name: string; values: string[] } };
  start(): Promise<StartedSource>;
  /** For connectors that only read; connectors that push list bad configurations in the pushing harness. */
  badConfigs?: Record<string, unknown>;
}
