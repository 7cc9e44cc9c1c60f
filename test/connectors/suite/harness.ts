/**
 * What the shared suite needs to run a connector against a real third party: how to start it, how to link it,
 * how to read what has arrived. One file per third party (`harness-scim.ts`, `harness-pocketbase.ts`, …),
 * listed in `registry.test.ts`.
 */
import type { Connector } from '../../../connectors/connector';
import type { JsonObject } from '../../../domain/json';
import type { FieldMapping, RecordTypeMapping } from '../../../domain/records/mapping';

/** A record of the third party, in our field names so that the suite can compare it. */
export interface RemoteRecord {
  remoteId: string;
  externalId: string;
  isActive: boolean;
  firstName: string | null;
  lastName: string | null;
  email: string | null;
}

export interface StartedThirdParty {
  config: unknown;
  credentials: unknown;
  /** Well-formed credentials that the third party does not accept. */
  wrongCredentials: unknown;
  /** Every record of the type under test. Read directly, not through the connector. */
  list(): Promise<RemoteRecord[]>;
  /** Removes a record behind our back. */
  remove(remoteId: string): Promise<void>;
  stop(): Promise<void>;
}

export interface ConnectorHarness {
  /** Names the tests: `scim against scim2-server`. */
  title: string;
  connector: Connector;
  recordType: string;
  /**
   * Maps our fields `first_name`, `last_name`, `email` (and what else the third party insists on, as
   * constants or derived from these) in the third party's shape. The suite gives every record a unique e-mail
   * address.
   */
  mapping: RecordTypeMapping;
  /**
   * Further fields, of the types and shapes that the third party shows in a notation of its own, and sets of
   * their values. The configuration can list the record type.
   */
  typed: { fields: FieldMapping[]; values: JsonObject[] };
  /** False where records cannot be switched off (no `deactivate` among `onDelete`). */
  canDeactivate: boolean;
  /**
   * A valid record with these values is refused by the third party; the refusal names `field`.
   */
  rejected: { fields: JsonObject; field: string };
  /** An external id with special characters for filters, queries and paths. The suite has a default. */
  awkwardExternalId?: string;
  /** The longest string `first_name` may hold there, in characters. */
  longestString: number;
  /** Starts a third party of its own, empty, on 127.0.0.1, with the record type in place. */
  start(): Promise<StartedThirdParty>;
  /** Configurations that the schema or `validate` must refuse, each with a word on why. */
  badConfigs: Record<string, unknown>;
}
