/**
 * One trial: writers change a few records of a tenant again and again over HTTP while faults happen. Once
 * everything is healed, the ledger is asked whether anything was lost, doubled, early, out of order or
 * overlapping.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProductTenant } from '../support/environments/product';
import { type Json, recordPath } from '../support/clients/api-client';
import { ledgerIntegration, type LedgerServer } from '../support/servers/ledger-server';
import { type Account, type Change, violationsOf } from './oracle';
import { Random } from '../support/random';

const WRITERS = 4;
const CHANGES_PER_WRITER = 7;
const RECORDS = 8;
/** How long the writers write. A busy product makes it longer. */
export const CHAOS_MS = 4_000;
/** A trial with fewer acknowledged changes says nothing about Syncline. */
const CHANGES_LEAST = 5;
const POLL_MS = 1_000;
const OPEN = ['sync_pending', 'syncing', 'sync_failed'];

/** Where trials happen, several at the same time. */
export interface Place {
  ledger: LedgerServer;
  /** How the product reaches the ledger: through a faulty link, perhaps. */
  ledgerUrl: string;
  givenTenant(): Promise<ProductTenant>;
}

export class Trial {
  private readonly changes: Change[] = [];
  private readonly versions = new Map<string, number>();

  private constructor(
    private readonly seed: number,
    private readonly random: Random,
    private readonly place: Place,
    private readonly tenant: ProductTenant,
    private readonly accounts: readonly Account[],
  ) {}

  static async begin(place: Place, seed: number): Promise<Trial> {
    const random = new Random(seed);
    const tenant = await place.givenTenant();
    const accounts: Account[] = [];
    for (const by of ['find', 'key'] as const) {
      const name = `seed ${seed} by ${by}`;
      const graceMs = random.pick([0, 300, 1_000]);
      const body = ledgerIntegration(place.ledgerUrl, name, {
        by,
        grace_period_ms: graceMs,
        max_wait_ms: null,
      });
      // More than 16 calls at the same time let a queue spread over several executions (rule 60).
      Object.assign(body['config'] as object, { concurrency: random.pick([1, 8, 32, 32]) });
      const { id } = await tenant.api.must('POST', '/v1/integrations?check=false', body);
      accounts.push({ name, integrationId: id, graceMs });
    }
    return new Trial(seed, random, place, tenant, accounts);
  }

  async write(): Promise<void> {
    const seeds = Array.from({ length: WRITERS }, () => this.random.between(0, 2 ** 31));
    await Promise.all(seeds.map((seed) => this.writeAlone(new Random(seed))));
  }

  private async writeAlone(random: Random): Promise<void> {
    for (let left = CHANGES_PER_WRITER; left > 0; left -= 1) {
      await sleep(random.between(0, (2 * CHAOS_MS) / CHANGES_PER_WRITER));
      await this.change(random);
    }
  }

  /** Most requests are repeated until they are answered; some are sent once, with an unknown outcome. */
  private async change(random: Random): Promise<void> {
    const { api } = this.tenant;
    const externalId = `r-${random.between(1, RECORDS)}`;
    const version = (this.versions.get(externalId) ?? 0) + 1;
    this.versions.set(externalId, version);
    const change: Change = { externalId, version, sentAt: Date.now(), isAcknowledged: false };
    this.changes.push(change);
    const body = { fields: { name: `N ${random.between(1, 1_000_000)}`, rev: version }, version };
    const send = random.chance(0.7) ? api.persist.bind(api) : api.call.bind(api);
    const answer = await send('PUT', recordPath(externalId), body).catch(() => undefined);
    change.isAcknowledged = answer !== undefined && answer.status >= 200 && answer.status <= 299;
    if (answer !== undefined && !change.isAcknowledged && answer.status !== 503)
      throw new Error(`A change was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  }

  /** One more change, while everything runs again. */
  async writeOnce(): Promise<void> {
    await this.change(this.random);
  }

  get acknowledged(): number {
    return this.changes.filter(({ isAcknowledged }) => isAcknowledged).length;
  }

  /**
   * After everything was healed, once all is done or the deadline is over. @returns what the oracle found
   * wrong; empty = nothing.
   */
  async judge(deadline: number): Promise<string[]> {
    const open = await this.openRecordSyncs(deadline);
    const { seed, changes, place } = this;
    if (open.length > 0) return [`seed ${seed} has not settled in time: ${JSON.stringify(open)}`];
    if (this.acknowledged < CHANGES_LEAST)
      return [`seed ${seed} proves nothing: hardly a change was acknowledged`];
    const { body } = await this.tenant.api.persist('GET', '/v1/records/employees?limit=200');
    const versionOf = new Map<string, number>(
      (body.data as Json[]).map(({ external_id: externalId, version }) => [externalId, version]),
    );
    return this.accounts.flatMap((account) =>
      violationsOf({ account, changes, versionOf, ledger: place.ledger }),
    );
  }

  /** Waits until there are none, or the time is over. */
  private async openRecordSyncs(deadline: number): Promise<Json[]> {
    for (;;) {
      const { body } = await this.tenant.api.persist('GET', '/v1/record-syncs?limit=200');
      const open = (body.data as Json[]).filter(({ status }) => OPEN.includes(status as string));
      if (open.length === 0 || Date.now() > deadline) return open;
      await sleep(POLL_MS);
    }
  }
}
