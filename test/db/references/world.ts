/** People and companies that refer to each other, and a third party that refuses unknown ids. */
import { TheirIds } from '../../../activities/push/their-ids';
import type { ClaimedPush } from '../../../db/push/claim';
import type { FinishedPush } from '../../../db/push/push-outcome';
import { recordPushResults } from '../../../db/push/record-push-results';
import { settleFinished } from '../../../db/push/references/settle-finished';
import { settleWaiting } from '../../../db/push/references/settle-references';
import type { TenantWork } from '../../../db/database';
import { applyRecordSyncAction } from '../../../db/records/record-sync-actions';
import { listRecordSyncs } from '../../../db/records/record-syncs';
import { findOurIds } from '../../../db/records/references/find-ids';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../domain/json';
import type { RecordTypeMappings } from '../../../domain/records/mapping';
import { GivenTenant, openTestDb, type TestDb } from '../given';

const RECORD_TYPES: RecordTypeMappings = {
  companies: {
    direction: 'push',
    fields: [
      { name: 'name', to: 'name' },
      { name: 'owner', to: '/owner/id', ref: { recordType: 'people' }, values: {} },
    ],
    onDelete: 'delete',
  },
  people: {
    direction: 'push',
    fields: [
      { name: 'name', to: 'name' },
      { name: 'manager', to: 'manager_id', ref: { recordType: 'people' }, values: {}, type: 'number' },
      { name: 'company', to: 'company_id', ref: { recordType: 'companies' }, values: {} },
      { name: 'friends', to: 'friends', ref: { recordType: 'people' }, values: {} },
      { name: 'mentor', to: 'mentor_id', ref: { recordType: 'people' }, values: {}, onlyOnCreate: true },
    ],
    onDelete: 'delete',
  },
};

interface Stored {
  recordType: string;
  externalId: string;
  fields: JsonObject;
}

export interface Luck {
  /** The worker dies here. */
  dies(): boolean;
  /** The third party refuses this record. */
  refuses(push: ClaimedPush): boolean;
}

const GOOD_LUCK: Luck = { dies: () => false, refuses: () => false };

export class World {
  /** By remote id. */
  readonly there = new Map<string, Stored>();
  readonly created: string[] = [];
  recordsPerClaim = 7;
  private lastId = 100;
  private millis = Date.parse('2026-11-30T00:00:00Z');

  private constructor(
    readonly db: TestDb,
    readonly tenant: GivenTenant,
    public integrationId: string,
    private readonly clock: { now: Date },
  ) {}

  static async open(): Promise<{ create(): Promise<World>; end(): Promise<void> }> {
    const clock = { now: new Date('2026-11-30T00:00:00Z') };
    const db = await openTestDb(() => clock.now);
    return {
      end: () => db.end(),
      async create() {
        clock.now = new Date('2026-11-30T00:00:00Z');
        const tenant = await GivenTenant.create(db);
        const world = new World(db, tenant, '', clock);
        world.integrationId = await tenant.integration({ recordTypes: RECORD_TYPES, gracePeriodMs: 0 });
        return world;
      },
    };
  }

  pass(ms: number): void {
    this.millis += ms;
    this.clock.now = new Date(this.millis);
  }

  readonly inTenant = <T>(work: (tenant: TenantWork) => Promise<T>): Promise<T> => this.tenant.work(work);

  put(recordType: string, externalId: string, fields: JsonObject) {
    return this.tenant.accept({ recordType, externalId, fields });
  }

  /** One execution of the push queue. */
  async push({ dies, refuses }: Luck = GOOD_LUCK): Promise<void> {
    const { integrationId, tenant, inTenant } = this;
    for (;;) {
      this.pass(1_000);
      const claim = await tenant.claim(integrationId, this.clock.now, this.recordsPerClaim);
      if (dies()) return;
      await settleWaiting(inTenant, integrationId, claim.waiting);
      if (claim.taken === 0) return;
      const finished = claim.pushes.map((push) => this.receive(push, claim.pushes, refuses(push)));
      if (dies()) return;
      if (claim.pushes.length === 0) continue;
      await inTenant((work) => recordPushResults(work, { integrationId, finished, now: this.clock.now }));
      if (dies()) return;
      await settleFinished(inTenant, { integrationId, recordTypes: RECORD_TYPES }, finished);
    }
  }

  private receive(push: ClaimedPush, batch: readonly ClaimedPush[], isRefused: boolean): FinishedPush {
    const { recordType, externalId, payload, operation } = push;
    if (isRefused) return { push, outcome: { kind: 'failed', errors: [refusal], isCertain: true } };
    const ids = new TheirIds(batch, RECORD_TYPES, (wanted) =>
      this.inTenant((work) => findOurIds(work, this.integrationId, wanted)),
    );
    const known = [...this.there].find(
      ([, one]) => one.recordType === recordType && one.externalId === externalId,
    )?.[0];
    const remoteId = push.remoteId ?? known ?? String((this.lastId += 1));
    if (operation === 'delete') {
      this.there.delete(remoteId);
      return { push, outcome: { kind: 'succeeded', effect: 'deleted', remoteId: null, remoteVersion: null } };
    }
    const sent = ids.sent(recordType, payload);
    for (const id of referencesOf(sent))
      if (!this.there.has(textOf(id)))
        throw new Error(`${externalId} refers to ${textOf(id)}, which is not there.`);
    const before = this.there.get(remoteId);
    if (before === undefined) this.created.push(externalId);
    this.there.set(remoteId, { recordType, externalId, fields: { ...before?.fields, ...sent } });
    const effect = before === undefined ? ('created' as const) : ('updated' as const);
    return { push, outcome: { kind: 'succeeded', effect, remoteId, remoteVersion: null } };
  }

  /** A person retries what failed. */
  async retryFailed(): Promise<void> {
    const { integrationId } = this;
    const failed = await this.inTenant((work) =>
      listRecordSyncs(work, { status: 'sync_failed', integrationId, limit: 500 }),
    );
    for (const { recordId } of failed)
      await this.inTenant((work) =>
        applyRecordSyncAction(work, { action: 'retry', integrationId, recordId, actor: 'person:test' }),
      );
  }

  async sync(externalId: string) {
    const all = await this.inTenant((work) =>
      listRecordSyncs(work, { integrationId: this.integrationId, limit: 500 }),
    );
    return all.find((one) => one.externalId === externalId);
  }

  /** What the third party holds, in our ids. */
  graphThere(): Record<string, JsonObject> {
    const ours = (value: JsonValue | undefined): JsonValue =>
      Array.isArray(value)
        ? value.map(ours)
        : (this.there.get(textOf(value))?.externalId ?? `lost ${textOf(value)}`);
    return Object.fromEntries(
      [...this.there.values()].map(({ recordType, externalId, fields }) => {
        const { name, owner, ...others } = fields;
        const ownerId = isJsonObject(owner) ? owner['id'] : null;
        const named = Object.entries(others).filter(([, value]) => value !== null);
        return [
          `${recordType} ${externalId}`,
          {
            ...(name === undefined ? {} : { name }),
            ...(ownerId == null ? {} : { owner: { id: ours(ownerId) } }),
            ...Object.fromEntries(named.map(([field, value]) => [field, ours(value)])),
          },
        ];
      }),
    );
  }
}

const refusal = {
  category: 'rejected_record' as const,
  origin: 'app' as const,
  code: 'refused',
  field: null,
  remote_field: null,
  message: 'No.',
  explanation: 'No.',
};

const textOf = (id: JsonValue | undefined): string => (typeof id === 'string' ? id : JSON.stringify(id));

function referencesOf(sent: JsonObject): JsonValue[] {
  const owner = sent['owner'] as JsonObject | undefined;
  const values = [sent['manager_id'], sent['company_id'], owner?.['id'], sent['friends']];
  return values.flat().filter((id) => id !== undefined && id !== null);
}
