/**
 * A world: third parties with habits, people who edit on all sides, runs, pushes, accidents. A seed makes the
 * same world again.
 */
import { createIntegration } from '../../../db/sync-runs/create-integration';
import { requestSyncRun } from '../../../db/sync-runs/sync-run-requests';
import { applyRecordSyncAction } from '../../../db/records/record-sync-actions';
import { newUuid } from '../../../db/sql/ids';
import type { TenantWork } from '../../../db/database';
import type { RunKind } from '../../../domain/sync-runs/sync-run';
import { People, RECORD_TYPE, type RecordHere, type Site } from './people';
import { Random } from '../../support/random';
import { describeHabits, fieldMappings, randomHabits } from './habits';
import type { ProductInProcess } from './product';
import type { Edit } from './edit';
import { ThirdParty } from './third-party';
import { Workflows } from './workflows';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const BEGIN = Date.UTC(2027, 0, 4, 8);
export class World {
  readonly random: Random;
  readonly tenantId = newUuid();
  readonly sites: Site[] = [];
  readonly edits: Edit[] = [];
  private readonly people = new People(this);
  readonly notes: { key: string; text: string }[] = [];
  private readonly workflows: Workflows;
  private isBusy = false;

  constructor(
    readonly product: ProductInProcess,
    parties: Map<string, ThirdParty>,
    readonly seed: number,
  ) {
    this.random = new Random(seed);
    this.workflows = new Workflows(product, this.tenantId);
    product.now = BEGIN;
    product.onAccident = (text) => this.noteOf('*', text);
    const count = this.random.between(1, 3);
    for (let index = 0; index < count; index += 1) {
      const name = 'ABC'[index] as string;
      const party = new ThirdParty(
        name,
        randomHabits(this.random),
        this.random,
        () => product.now,
        (text, key) => this.noteOf(key, `${name} ${text}`),
      );
      party.pageSize = this.random.between(1, 5);
      party.canFilter = this.random.chance(0.7);
      const integrationId = newUuid();
      parties.set(integrationId, party);
      const direction = count > 1 && index > 0 && this.random.chance(0.2) ? 'push' : 'both';
      this.sites.push({ party, integrationId, direction });
    }
  }

  describe(): string {
    const sites = this.sites.map(
      ({ party, direction }) =>
        `${party.name} (${direction}; ${describeHabits(party.habits) || 'no habits'})`,
    );
    return `seed ${this.seed}: ${sites.join(', ')}`;
  }

  noteOf(key: string, text: string): void {
    const minute = ((this.product.now - BEGIN) / MINUTE).toFixed(2);
    this.notes.push({ key, text: `${minute} min: ${text}` });
  }

  inTenant<T>(work: (context: TenantWork) => Promise<T>): Promise<T> {
    return this.product.inTenant(this.tenantId, work);
  }

  /** Links the third parties; some hold records already. */
  async begin(): Promise<void> {
    await this.inTenant(({ trx }) =>
      trx
        .insertInto('tenants')
        .values({ tenantId: this.tenantId, name: 'World', timeZone: 'Europe/Brussels', contactEmail: null })
        .execute(),
    );
    const isTyped = this.random.chance(0.6);
    for (const site of this.sites) {
      const { integrationId, direction } = site;
      if (direction === 'both')
        for (let left = this.random.between(1, 3); left > 0; left -= 1) this.people.createThere(site);
      const settings = {
        direction,
        fields: fieldMappings(isTyped),
        onDelete: 'delete' as const,
        onConflict: this.random.pick(['ours', 'theirs'] as const),
      };
      this.product.now += 20 * MINUTE;
      await this.inTenant((work) =>
        createIntegration(work, {
          integrationId,
          connector: 'truth',
          app: 'Truth',
          accountName: site.party.name,
          config: { owner: integrationId },
          recordTypes: { [RECORD_TYPE]: settings },
          encryptedCredentials: null,
          gracePeriodMs: this.random.pick([0, MINUTE, 5 * MINUTE]),
          maxWaitMs: 60 * MINUTE,
          initialPush: 'all',
          isPaused: false,
        }),
      );
      await this.run(site);
    }
    await this.people.createHere();
    await this.advance(10 * MINUTE);
    for (const site of this.sites) site.party.meanwhile = (during) => this.meanwhile(site, during);
  }

  /** One thing that happens. */
  async step(): Promise<void> {
    const site = this.random.pick(this.sites);
    if (this.random.chance(0.1)) this.product.accident = this.randomAccident();
    switch (
      this.random.weighted({
        here: 8,
        there: 8,
        create: 1,
        gone: 1,
        restore: 1,
        time: 8,
        hourly: 4,
        full: 2,
        trouble: 2,
      })
    ) {
      case 'here':
        return this.people.editHere();
      case 'there':
        return this.people.editThere(site);
      case 'create':
        return this.random.chance(0.5) ? this.people.createHere() : this.people.createThere(site);
      case 'gone':
        return this.random.chance(0.4) ? this.people.deleteHere() : this.people.deleteThere(site);
      case 'restore':
        return this.people.restoreThere(site);
      case 'time':
        return this.advance(this.random.between(1, 15) * MINUTE);
      case 'hourly':
        return this.sync(site, 'hourly');
      case 'full':
        return this.sync(site, 'full');
      case 'trouble':
        return this.makeTrouble(site);
    }
  }

  /** The third parties are well again and the edits have ended: what waits is done. */
  async settle(): Promise<void> {
    for (const { party } of this.sites) {
      Object.assign(party, { refuses: 0, loses: 0, isWriteOutage: false, meanwhile: async () => {} });
    }
    this.product.accident = undefined;
    await this.advance(70 * MINUTE);
    await this.retryFailed();
    for (let round = 0; round < 3; round += 1) await this.round();
  }

  /** Everything is read once, and what is due is pushed. */
  async round(): Promise<void> {
    for (const site of this.sites) await this.sync(site, 'full');
    await this.advance(70 * MINUTE);
  }

  async records(): Promise<RecordHere[]> {
    return this.inTenant(({ trx }) =>
      trx
        .selectFrom('records')
        .select(['recordId', 'externalId', 'fields', 'version'])
        .where('tenantId', '=', this.tenantId)
        .where('deletedAt', 'is', null)
        .orderBy('recordId')
        .execute(),
    );
  }

  private async meanwhile(site: Site, during: 'first_page' | 'page' | 'push'): Promise<void> {
    // Pages after the first are requested while one is written: an edit here would make the order depend on
    // the machine.
    if (this.isBusy || this.product.isDead() || !this.random.chance(0.08)) return;
    this.isBusy = true;
    this.product.now += this.random.between(1, 3_000);
    if (during !== 'page' && this.random.chance(0.5)) await this.people.editHere();
    else await this.people.editThere(site);
    this.isBusy = false;
  }

  private makeTrouble({ party }: Site): void {
    switch (this.random.pick(['refuses', 'loses', 'outage', 'well', 'well'])) {
      case 'refuses':
        party.refuses = 0.4;
        break;
      case 'loses':
        party.loses = 0.4;
        break;
      case 'outage':
        party.isWriteOutage = true;
        break;
      default:
        Object.assign(party, { refuses: 0, loses: 0, isWriteOutage: false });
    }
  }

  private randomAccident(): ProductInProcess['accident'] {
    return {
      kind: this.random.pick(['worker_dies', 'worker_dies', 'connection_breaks']),
      isCommitted: this.random.chance(0.5),
      afterTransactions: this.random.between(1, 8),
    };
  }

  private async advance(ms: number): Promise<void> {
    this.product.now += ms;
    for (const site of this.sites) await this.workflows.pushDue(site.integrationId);
  }

  private async sync(site: Site, kind: RunKind): Promise<void> {
    if (site.direction !== 'both') return;
    this.noteOf('*', `${site.party.name}: ${kind} run`);
    await this.inTenant((work) =>
      requestSyncRun(work, { integrationId: site.integrationId, kind, startedBy: 'truth' }),
    );
    await this.run(site);
    await this.workflows.pushDue(site.integrationId);
  }

  private async run({ integrationId, party }: Site): Promise<void> {
    await this.workflows.runAll(integrationId, async (outcome, { syncRunId, kind, startedAt }) => {
      this.noteOf('*', `${party.name}: the run ended, ${outcome.successfulJobs} jobs succeeded`);
      const jobs = await this.inTenant(({ trx, tenantId }) =>
        trx
          .selectFrom('syncJobs')
          .select('recordsHeldBack')
          .where('tenantId', '=', tenantId)
          .where('syncRunId', '=', syncRunId)
          .execute(),
      );
      const isComplete = jobs.every(({ recordsHeldBack }) => recordsHeldBack === 0);
      if (outcome.successfulJobs > 0 && outcome.failedJobs === 0 && isComplete)
        party.confirmRead(kind === 'hourly' ? null : startedAt);
    });
  }

  private async retryFailed(): Promise<void> {
    const failed = await this.inTenant(({ trx }) =>
      trx
        .selectFrom('recordSyncs')
        .select(['integrationId', 'recordId'])
        .where('tenantId', '=', this.tenantId)
        .where('status', '=', 'sync_failed')
        .orderBy('recordId')
        .execute(),
    );
    for (const key of failed)
      await this.inTenant((work) => applyRecordSyncAction(work, { action: 'retry', actor: 'ana', ...key }));
    await this.advance(MINUTE);
  }
}
