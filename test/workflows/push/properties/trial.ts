/**
 * One trial: a tenant, some integrations, and a random life: changes, acts of people, pauses, new mappings,
 * third parties in trouble, lost, doubled and senseless signals, workers that die, push queues terminated by
 * hand. Promises are checked all along; then everything heals, the clock runs on, and nothing may be left
 * undone.
 */
import { pushQueueQuery, recordPushWorkflowId } from '../../../../contract/record-push';
import { deleteIntegration } from '../../../../db/sync-runs/delete-integration';
import {
  changeIntegration,
  pauseIntegration,
  replaceCredentials,
  resumeIntegration,
} from '../../../../db/sync-runs/integration-lifecycle';
import type { RecordChange } from '../../../../domain/records/record-change';
import type { RecordTypeMapping } from '../../../../domain/records/mapping';
import { sweep } from '../../../../worker/stalled-work-sweeper';
import type { PushEnvironment, TestTenant } from '../../../support/environments/push-environment';
import { afterLatePatch, GONE, type ModelRecord, ModelRecordSync, type Settings, wantedOf } from './model';
import { Random } from '../../../support/random';
import { type Call, REFUSED, ThirdParty } from './third-party';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const silent = { info() {}, warn() {}, error() {} };

interface ModelIntegration {
  settings: Settings;
  isPaused: boolean;
  isDeleted: boolean;
  /** Settled since it was paused: nothing may be called any more. */
  isQuiet: boolean;
  recordSyncs: Map<string, ModelRecordSync>;
}

interface PairRow {
  integrationId: string;
  externalId: string;
  status: string | null;
  nextDueAt: Date | null;
  heldAt: Date | null;
  windowOpenedAt: Date | null;
  nextAttemptAt: Date | null;
  errors: unknown;
}

export class Trial {
  private static readonly owners = new Set<string>();
  readonly steps: string[] = [];
  private readonly random: Random;
  private readonly thirdParty: ThirdParty;
  private readonly records = new Map<string, ModelRecord>();
  private readonly integrations = new Map<string, ModelIntegration>();
  private counter = 0;

  private constructor(
    private readonly environment: PushEnvironment,
    private readonly tenant: TestTenant,
    seed: number,
  ) {
    this.random = new Random(seed);
    this.thirdParty = new ThirdParty(environment, new Random(seed ^ 0x5eed));
    this.thirdParty.onCall = (call) => this.decideCall(call);
    this.thirdParty.duringCall = (call) => this.interfere(call);
  }

  /** @throws what was promised and not kept, with the steps that led there. */
  static async run(environment: PushEnvironment, seed: number, stepsMax = 40): Promise<void> {
    const trial = new Trial(environment, await environment.tenant(), seed);
    try {
      await within(60 * SECOND, async () => {
        await trial.live(stepsMax);
        await trial.heal();
      });
    } catch (error) {
      // A trial that is late must not go on beside the next one.
      trial.isOver = true;
      throw new Error(
        `PROPERTY_SEED=${seed} repeats this.\n${(error as Error).message}\n\n${trial.steps.join('\n')}`,
        { cause: error },
      );
    }
  }

  private async live(stepsMax: number): Promise<void> {
    const { random, thirdParty } = this;
    await this.link();
    thirdParty.chances = {
      lostAnswer: random.pick([0, 0.1, 0.3]),
      rateLimit: random.pick([0, 0, 0.1]),
      death: random.pick([0, 0, 0.05, 0.2]),
      slow: random.pick([0, 0.5]),
    };
    this.note(`chances ${JSON.stringify(thirdParty.chances)}`);
    const doings = {
      change: [24, () => this.change()],
      sleep: [24, () => this.sleep()],
      act: [14, () => this.act()],
      burst: [5, () => this.burst()],
      mood: [6, () => this.changeMood()],
      pause: [4, () => this.pauseOrResume()],
      remap: [3, () => this.remap()],
      link: [2, () => this.link()],
      unlink: [1, () => this.unlink()],
      loseSignals: [4, () => this.loseSignals()],
      signal: [5, () => this.signalSenselessly()],
      terminate: [2, () => this.terminate()],
      sweep: [3, () => this.sweep()],
    } as const;
    const weights = Object.fromEntries(
      Object.entries(doings).map(([name, [weight]]) => [name, weight]),
    ) as Record<keyof typeof doings, number>;
    for (let step = 0; step < stepsMax && !this.isOver; step += 1) {
      await doings[random.weighted(weights)][1]();
      await this.check();
    }
  }

  // What happens

  private async link(): Promise<void> {
    if ([...this.integrations.values()].filter(({ isDeleted }) => !isDeleted).length >= 3) return;
    const { random } = this;
    const settings: Settings = {
      fields: random.pick([{ name: 'name' }, { name: 'name', email: 'email' }, { email: 'mail' }]),
      country: random.pick([null, null, 'BE']),
      onDelete: random.pick(['deactivate', 'delete', 'leave']),
      graceMs: random.pick([0, MINUTE, 5 * MINUTE]),
      maxWaitMs: random.pick([null, 10 * MINUTE, 60 * MINUTE]),
    };
    const initialPush = random.pick(['all', 'none'] as const);
    const integrationId = await this.tenant.integration({
      gracePeriodMs: settings.graceMs,
      maxWaitMs: settings.maxWaitMs,
      recordTypes: { employees: mappingOf(settings) },
      initialPush,
    });
    const now = await this.environment.now();
    const recordSyncs = new Map(
      [...this.records].map(([externalId, record]) => [
        externalId,
        new ModelRecordSync(wantedOf(settings, record), now),
      ]),
    );
    Trial.owners.add(integrationId);
    this.integrations.set(integrationId, {
      settings,
      isPaused: false,
      isDeleted: false,
      isQuiet: false,
      recordSyncs,
    });
    this.note(`link ${short(integrationId)} ${initialPush} ${JSON.stringify(settings)}`);
    await this.environment.dispatch();
  }

  private async change(): Promise<void> {
    const change = this.randomChange(`e${this.random.between(1, 4)}`);
    const isDispatched = this.random.chance(0.8);
    this.note(`change ${JSON.stringify(change)}${isDispatched ? '' : ' (outbox not sent yet)'}`);
    await this.accept([change], isDispatched);
  }

  private randomChange(externalId: string): RecordChange {
    const { random } = this;
    const kind = random.weighted({ put: 5, patch: 6, delete: 2 });
    const value = () => random.weighted({ A: 3, B: 3, new: 3, [REFUSED]: 1 });
    const text = () => {
      const picked = value();
      return picked === 'new' ? `value ${(this.counter += 1)}` : picked;
    };
    const one = (): Record<string, string | null> =>
      random.pick<() => Record<string, string | null>>([
        () => ({ name: text() }),
        () => ({ email: random.chance(0.2) ? null : text() }),
        () => ({ shoe_size: String(random.between(1, 3)) }),
        () => ({ country: random.pick(['BE', 'NL']) }),
      ])();
    const fields =
      kind === 'delete'
        ? {}
        : kind === 'put'
          ? { name: text(), country: random.pick(['BE', 'BE', 'NL']), ...one() }
          : one();
    const current = this.records.get(externalId)?.version ?? 0;
    const version = random.pick([
      undefined,
      undefined,
      current + random.between(1, 3),
      Math.max(1, current - 1),
    ]);
    return {
      recordType: 'employees',
      externalId,
      kind,
      fields,
      ...(version === undefined ? {} : { version }),
    };
  }

  /** Several changes of one record at once, from several clients, in any order: the highest version wins. */
  private burst(): Promise<void> {
    return this.inTurn(() => this.burstNow());
  }

  private async burstNow(): Promise<void> {
    const externalId = `e${this.random.between(1, 4)}`;
    const from = (this.records.get(externalId)?.version ?? 0) + 1;
    const changes = Array.from({ length: 4 }, (_, index): RecordChange => {
      const fields = { name: `burst ${(this.counter += 1)}`, country: 'BE' };
      return { recordType: 'employees', externalId, kind: 'put', fields, version: from + index };
    });
    this.note(
      `burst ${externalId} versions ${from} to ${from + 3}, ending with ${JSON.stringify(changes.at(-1)?.fields)}`,
    );
    const now = await this.environment.now();
    // What is in between may be what a claim reads, if one comes between two of them.
    for (const change of changes) this.keep(change, now);
    this.accepted += 1;
    await Promise.all(
      this.random.shuffled([...changes, ...changes]).map((change) => this.tenant.accept(change)),
    );
  }

  private accept(changes: RecordChange[], isDispatched: boolean): Promise<void> {
    return this.inTurn(() => this.acceptNow(changes, isDispatched));
  }

  /** One after the other, so that the model takes changes in the order in which the product does. */
  private async inTurn(work: () => Promise<void>): Promise<void> {
    this.accepting += 1;
    const before = this.lastTurn;
    this.lastTurn = before.then(work).finally(() => (this.accepting -= 1));
    await this.lastTurn;
  }

  private lastTurn: Promise<void> = Promise.resolve();

  private async acceptNow(changes: RecordChange[], isDispatched: boolean): Promise<void> {
    const now = await this.environment.now();
    for (const change of changes) this.keep(change, now);
    this.accepted += 1;
    if (isDispatched) await this.tenant.accept(...changes);
    else {
      const { dispatch } = this.environment;
      this.environment.dispatch = () => Promise.resolve();
      await this.tenant.accept(...changes);
      this.environment.dispatch = dispatch;
    }
  }

  /** The change in the model. */
  private keep(change: RecordChange, now: number): void {
    const before = this.records.get(change.externalId);
    const after = afterChange(before, change);
    if (after === undefined) return;
    this.records.set(change.externalId, after);
    for (const { settings, recordSyncs } of this.integrations.values()) {
      const wanted = wantedOf(settings, after);
      const recordSync = recordSyncs.get(change.externalId);
      if (recordSync === undefined) {
        const made = new ModelRecordSync(GONE, now);
        made.changed(wanted, now, settings);
        recordSyncs.set(change.externalId, made);
      } else if (wanted !== wantedOf(settings, before)) recordSync.changed(wanted, now, settings);
    }
  }

  private async sleep(): Promise<void> {
    const ms = this.random.pick([
      50,
      SECOND,
      MINUTE - 500,
      MINUTE + 500,
      4 * MINUTE,
      5 * MINUTE + SECOND,
      11 * MINUTE,
      16 * MINUTE,
      61 * MINUTE,
    ]);
    this.note(`sleep ${ms / MINUTE} min`);
    await this.environment.sleep(ms);
    for (const integration of this.integrations.values())
      integration.isQuiet = integration.isPaused || integration.isDeleted;
  }

  private act(): Promise<void> {
    return this.inTurn(() => this.actNow());
  }

  private async actNow(): Promise<void> {
    const target = this.anyRecordSync();
    if (target === undefined) return;
    const [integrationId, , externalId, recordSync] = target;
    const act = this.random.pick(['push_now', 'push_now', 'hold', 'release', 'discard', 'retry'] as const);
    const { wanted, discarded } = recordSync;
    const now = await this.environment.now();
    // Before the act: a running push queue may start the call before the act returns.
    if (act === 'push_now' || act === 'retry') recordSync.released(wanted, now);
    const outcome = await this.tenant.act(act, integrationId, externalId);
    this.note(`${act} ${short(integrationId)} ${externalId}: ${outcome}`);
    if (act === 'discard' && outcome === 'done') await this.discard(integrationId, recordSync, now);
    else if (outcome !== 'done') recordSync.discarded = discarded;
  }

  private async discard(integrationId: string, recordSync: ModelRecordSync, now: number): Promise<void> {
    // A new mapping that is being worked through at this moment may have passed the record, or may still send
    // its current content.
    if ((await this.backfilling()).has(integrationId)) recordSync.perhapsDiscarded(recordSync.wanted, now);
    else recordSync.discarded = recordSync.wanted;
  }

  private async changeMood(): Promise<void> {
    const integrationId = this.random.pick([...this.integrations.keys()]);
    const mood = this.random.weighted({ well: 4, down: 3, failing: 2, unauthorized: 1 });
    this.thirdParty.moods.set(integrationId, mood);
    this.note(`third party of ${short(integrationId)} is ${mood}`);
    if (mood === 'well' && this.random.chance(0.7)) await this.reauthorize(integrationId);
  }

  private async reauthorize(integrationId: string): Promise<void> {
    if (this.integrations.get(integrationId)?.isDeleted === true) return;
    await this.inTenant((work) =>
      replaceCredentials(work, { integrationId, encryptedCredentials: null as never }),
    );
    await this.environment.dispatch();
  }

  private async pauseOrResume(): Promise<void> {
    const [integrationId, integration] = this.anyIntegration() ?? [];
    if (integrationId === undefined || integration === undefined) return;
    this.note(`${integration.isPaused ? 'resume' : 'pause'} ${short(integrationId)}`);
    await this.setPaused(integrationId, integration, !integration.isPaused);
  }

  private async setPaused(
    integrationId: string,
    integration: ModelIntegration,
    isPaused: boolean,
  ): Promise<void> {
    integration.isPaused = isPaused;
    integration.isQuiet = false;
    await this.inTenant((work) =>
      isPaused ? pauseIntegration(work, { integrationId }) : resumeIntegration(work, { integrationId }),
    );
    await this.environment.dispatch();
  }

  private async remap(): Promise<void> {
    const [integrationId, integration] = this.anyIntegration() ?? [];
    if (integrationId === undefined || integration === undefined) return;
    const { random } = this;
    const before = JSON.stringify(mappingOf(integration.settings));
    integration.settings = {
      ...integration.settings,
      fields: random.pick([{ name: 'name' }, { name: 'full_name' }, { name: 'name', email: 'email' }]),
      country: random.pick([integration.settings.country, null, 'BE']),
    };
    if (JSON.stringify(mappingOf(integration.settings)) === before) return; // no new mapping
    this.note(`remap ${short(integrationId)} ${JSON.stringify(integration.settings)}`);
    await this.inTenant((work) =>
      changeIntegration(work, {
        integrationId,
        change: { recordTypes: { employees: mappingOf(integration.settings) } },
      }),
    );
    const now = await this.environment.now();
    const rows = await this.readRecordSyncs();
    for (const [externalId, recordSync] of integration.recordSyncs) {
      const wanted = wantedOf(integration.settings, this.records.get(externalId));
      const row = rows.find((one) => one.integrationId === integrationId && one.externalId === externalId);
      // Open windows keep their deadline; what has none goes at once (rule 15).
      if (row?.windowOpenedAt != null) recordSync.reworded(wanted);
      // So may what was discarded, when nothing certain is known of what the third party holds.
      else if (recordSync.discarded !== null) recordSync.perhapsDiscarded(wanted, now);
      else if (wanted !== recordSync.wanted) recordSync.released(wanted, now);
    }
    await this.environment.dispatch();
  }

  private async unlink(): Promise<void> {
    const [integrationId, integration] = this.anyIntegration() ?? [];
    if (integrationId === undefined || integration === undefined || this.integrations.size < 2) return;
    this.note(`unlink ${short(integrationId)}`);
    integration.isDeleted = true;
    await this.inTenant((work) => deleteIntegration(work, { integrationId }));
  }

  /** Lost on the way to Temporal: only the sweep can know. */
  private async loseSignals(): Promise<void> {
    this.note('what the outbox holds is lost');
    await this.change();
    await this.environment.database.withDispatcher(({ trx }) => trx.deleteFrom('outbox').execute());
  }

  private async signalSenselessly(): Promise<void> {
    const [integrationId] = this.anyIntegration() ?? [];
    if (integrationId === undefined) return;
    const now = await this.environment.now();
    const kind = this.random.pick(['repeated', 'early', 'late', 'senseless', 'unknown'] as const);
    this.note(`${kind} signal to ${short(integrationId)}`);
    const { tenantId } = this.tenant;
    const due = (nextDueAt: number) => ({
      topic: 'record_push' as const,
      tenantId,
      integrationId,
      nextDueAt: new Date(nextDueAt),
    });
    if (kind === 'repeated')
      for (let times = 0; times < 5; times += 1) await this.environment.handleRow(due(now));
    else if (kind === 'early') await this.environment.handleRow(due(0));
    else if (kind === 'late') await this.environment.handleRow(due(now + 3_600_000));
    else {
      const handle = this.environment.env.client.workflow.getHandle(recordPushWorkflowId({ integrationId }));
      const senseless = this.random.pick<unknown[]>([
        [],
        [null],
        ['soon'],
        [{ nextDueAt: 'tomorrow' }],
        [{ nextDueAt: 1e300 }],
        [{ nextDueAt: -1e300 }],
        [{ nextDueAt: {} }],
        [{ nextDueAt: now + 9e15 }],
      ]);
      await handle
        .signal(kind === 'unknown' ? 'unheardOf' : 'recordsDue', ...senseless)
        .catch(() => undefined); // no push queue is running
    }
  }

  /** Changes during calls of other queues wait: one would signal this queue after the look at it. */
  private terminate(): Promise<void> {
    return this.inTurn(() => this.terminateNow());
  }

  private async terminateNow(): Promise<void> {
    const [integrationId] = this.anyIntegration() ?? [];
    if (integrationId === undefined) return;
    const handle = this.environment.env.client.workflow.getHandle(recordPushWorkflowId({ integrationId }));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const pushEnv = await handle.describe().catch(() => undefined);
    if (pushEnv?.status.name !== 'RUNNING') return;
    const { nextDueAt } = await handle.query(pushQueueQuery).catch(() => ({ nextDueAt: null })); // it ended by itself
    const { raw } = await handle.describe();
    // Only an idle push queue: with an activity in flight the test server would never skip time again (a lock
    // it leaks).
    const isAsleep =
      (raw.pendingActivities ?? []).length === 0 &&
      raw.pendingWorkflowTask == null &&
      (nextDueAt ?? 0) > (await this.environment.now()) + 5_000;
    if (!isAsleep || this.isOver) return;
    this.note(`terminate the push queue of ${short(integrationId)}`);
    await handle.terminate('by hand').catch(() => undefined);
  }

  private async sweep(): Promise<void> {
    await sweep({ database: this.environment.database, handleRow: this.environment.handleRow, log: silent });
  }

  /** Sometimes the record changes, or a person acts on it, while its push is in progress. */
  private async interfere({ owner, externalId }: Call): Promise<void> {
    if (this.isHealing || !this.random.chance(0.15)) return;
    if (this.random.chance(0.7)) {
      const change = this.randomChange(externalId);
      this.note(`  while ${externalId} is pushed to ${short(owner)}: change ${JSON.stringify(change)}`);
      await this.accept([change], true);
    } else {
      await this.inTurn(async () => {
        const recordSync = this.integrations.get(owner)?.recordSyncs.get(externalId);
        const outcome = await this.tenant.act('discard', owner, externalId);
        this.note(`  while ${externalId} is pushed to ${short(owner)}: discard ${outcome}`);
        if (outcome === 'done' && recordSync !== undefined)
          await this.discard(owner, recordSync, await this.environment.now());
      });
    }
  }

  // What must hold

  private decideCall({ owner, externalId, wanted, at, pushId }: Call): void {
    const integration = this.integrations.get(owner);
    const recordSync = integration?.recordSyncs.get(externalId);
    this.note(`    call ${short(owner)} ${externalId} ${wanted} (push ${pushId.slice(-4)})`);
    if (integration === undefined && Trial.owners.has(owner)) return; // of a trial before this one, that failed
    if (integration === undefined || recordSync === undefined)
      return this.complain(`${externalId} was pushed unrequested`);
    if (integration.isQuiet)
      this.complain(`${externalId} was pushed by an integration that is paused or deleted`);
    const isRetry = this.seenPushes.has(pushId);
    this.seenPushes.add(pushId);
    const mayGoAt = recordSync.mayGoAt(wanted);
    if (mayGoAt === null) {
      if (!isRetry) this.complain(`${externalId} was sent as ${wanted}, which it is not`);
    } else if (at < mayGoAt && !isRetry) this.complain(`${externalId} was sent ${mayGoAt - at} ms early`);
    const isLeak =
      recordSync.discarded !== null &&
      recordSync.discarded === wanted &&
      !isRetry &&
      this.thirdParty.holds(owner, externalId) !== wanted;
    if (isLeak) this.complain(`${externalId} was sent as ${wanted}, which was discarded`);
    recordSync.called(wanted);
  }

  /** Changes that the model knows of already and the database perhaps not; and how many there were. */
  private accepting = 0;
  private accepted = 0;
  private readonly seenPushes = new Set<string>();
  private isHealing = false;
  private isOver = false;

  private complain(what: string): void {
    this.thirdParty.violations.push(what);
  }

  private async check(): Promise<void> {
    const backfilling = await this.backfilling();
    const { accepting, accepted } = this;
    const rows = await this.readRecordSyncs();
    const isStill = accepting === 0 && this.accepted === accepted;
    for (const row of rows) {
      const integration = this.integrations.get(row.integrationId);
      const recordSync = integration?.recordSyncs.get(row.externalId);
      const name = `${short(row.integrationId)} ${row.externalId}`;
      if (integration === undefined || recordSync === undefined || integration.isDeleted) {
        this.complain(`${name} is a record sync that the model does not have`);
        continue;
      }
      const isWaiting = row.status === 'sync_pending' || row.status === 'syncing';
      if (isWaiting && row.nextDueAt === null && row.heldAt === null)
        this.complain(`${name} is ${row.status} and no timer is set for it`);
      if (row.status === 'sync_failed' && row.errors === null)
        this.complain(`${name} failed without an error`);
      const wanted = wantedOf(integration.settings, this.records.get(row.externalId));
      const isSettled =
        isStill &&
        row.status === 'synced' &&
        recordSync.discarded === null &&
        !backfilling.has(row.integrationId);
      const isLeft = wanted === GONE && integration.settings.onDelete === 'leave';
      const held = this.thirdParty.holds(row.integrationId, row.externalId);
      if (isSettled && !isLeft && held !== wanted)
        this.complain(`${name} shows synced, but the third party holds ${held} and not ${wanted}`);
    }
    if (this.thirdParty.violations.length > 0) throw new Error(this.thirdParty.violations.join('\n'));
  }

  /** Everything is well again, people take their hands off, and time passes. */
  private async heal(): Promise<void> {
    this.isHealing = true;
    this.note('heal');
    this.thirdParty.heal();
    for (const [integrationId, integration] of this.integrations) {
      if (integration.isDeleted) continue;
      await this.reauthorize(integrationId);
      if (integration.isPaused) await this.setPaused(integrationId, integration, false);
    }
    for (let round = 0; round < 40 && !this.isOver; round += 1) {
      await this.releaseAndRetry();
      await this.environment.sleep(6 * MINUTE);
      await this.sweep();
      await this.check();
      if (round > 3 && (await this.isDone())) break;
    }
    await this.expectEverythingDone();
  }

  private async releaseAndRetry(): Promise<void> {
    for (const row of await this.readRecordSyncs()) {
      const recordSync = this.integrations.get(row.integrationId)?.recordSyncs.get(row.externalId);
      const now = await this.environment.now();
      if (row.heldAt !== null) await this.tenant.act('release', row.integrationId, row.externalId);
      if (
        row.status !== 'sync_failed' ||
        row.nextAttemptAt !== null ||
        recordSync?.wanted.includes(REFUSED) !== false
      )
        continue;
      const wasDiscarded = recordSync.discarded;
      recordSync.released(recordSync.wanted, now);
      const outcome = await this.tenant.act('retry', row.integrationId, row.externalId);
      this.note(`retry ${short(row.integrationId)} ${row.externalId}: ${outcome}`);
      if (outcome !== 'done') recordSync.discarded = wasDiscarded;
    }
  }

  private async isDone(): Promise<boolean> {
    const rows = await this.readRecordSyncs();
    return rows.every(({ status, integrationId, externalId }) => {
      if (status === null || status === 'synced') return true;
      return (
        status === 'sync_failed' &&
        this.integrations.get(integrationId)?.recordSyncs.get(externalId)?.wanted.includes(REFUSED) === true
      );
    });
  }

  private async expectEverythingDone(): Promise<void> {
    const rows = await this.readRecordSyncs();
    const undone: string[] = [];
    for (const [integrationId, integration] of this.integrations) {
      if (integration.isDeleted) continue;
      for (const [externalId, record] of this.records) {
        const row = rows.find((one) => one.integrationId === integrationId && one.externalId === externalId);
        const recordSync = integration.recordSyncs.get(externalId);
        if (row === undefined || recordSync === undefined || recordSync.discarded !== null) continue;
        const wanted = wantedOf(integration.settings, record);
        if (wanted === GONE && integration.settings.onDelete === 'leave') continue;
        const held = this.thirdParty.holds(integrationId, externalId);
        const name = `${short(integrationId)} ${externalId}`;
        if (wanted.includes(REFUSED)) {
          if (row.status !== 'sync_failed') undone.push(`${name} is refused, yet shows ${row.status}`);
        } else if (held !== wanted || (row.status !== 'synced' && row.status !== null))
          undone.push(`${name} shows ${row.status}; held ${held}; wanted ${wanted}`);
      }
      const pushEnv = await this.tenant.pushWorkflowStatus(integrationId);
      if (pushEnv === 'RUNNING') undone.push(`the push queue of ${short(integrationId)} does not end`);
    }
    const { count } = await this.environment.database.withDispatcher(({ trx }) =>
      trx
        .selectFrom('outbox')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow(),
    );
    if (count > 0) undone.push(`${count} outbox rows are left`);
    if (undone.length > 0) throw new Error(`Left undone:\n${undone.join('\n')}`);
  }

  // Helpers

  private note(step: string): void {
    this.steps.push(step);
  }

  private inTenant<T>(work: Parameters<typeof this.environment.database.withTenant<T>>[1]): Promise<T> {
    return this.environment.database.withTenant(this.tenant.tenantId, work);
  }

  private anyIntegration(): [string, ModelIntegration] | undefined {
    const linked = [...this.integrations].filter(([, { isDeleted }]) => !isDeleted);
    return linked.length === 0 ? undefined : this.random.pick(linked);
  }

  private anyRecordSync(): [string, ModelIntegration, string, ModelRecordSync] | undefined {
    const [integrationId, integration] = this.anyIntegration() ?? [];
    if (integrationId === undefined || integration === undefined || integration.recordSyncs.size === 0)
      return undefined;
    const [externalId, recordSync] = this.random.pick([...integration.recordSyncs]);
    return [integrationId, integration, externalId, recordSync];
  }

  private async backfilling(): Promise<Set<string>> {
    const rows = await this.inTenant(({ trx }) =>
      trx
        .selectFrom('integrations')
        .select('integrationId')
        .where('backfillReason', 'is not', null)
        .execute(),
    );
    return new Set(rows.map((row) => row.integrationId));
  }

  private readRecordSyncs(): Promise<PairRow[]> {
    return this.inTenant(({ trx }) =>
      trx
        .selectFrom('recordSyncs as recordSync')
        .innerJoin('records as record', (join) =>
          join
            .onRef('record.tenantId', '=', 'recordSync.tenantId')
            .onRef('record.recordId', '=', 'recordSync.recordId'),
        )
        .select([
          'recordSync.integrationId',
          'record.externalId',
          'recordSync.status',
          'recordSync.nextDueAt',
          'recordSync.heldAt',
          'recordSync.windowOpenedAt',
          'recordSync.nextAttemptAt',
          'recordSync.errors',
        ])
        .execute(),
    );
  }
}

/** @throws when it takes longer, in real time. */
async function within(ms: number, work: () => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>(
    (_, reject) => (timer = setTimeout(() => reject(new Error(`Not done after ${ms} ms.`)), ms)),
  );
  await Promise.race([work(), tooLate]).finally(() => clearTimeout(timer));
}

const short = (integrationId: string) => integrationId.slice(-4);
const sorted = (fields: object) =>
  JSON.stringify(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));

function mappingOf({ fields, country, onDelete }: Settings): RecordTypeMapping {
  return {
    direction: 'push',
    fields: Object.entries(fields).map(([name, to]) => ({ name, to })),
    ...(country === null ? {} : { filter: { country: [country] } }),
    onDelete,
  };
}

/**
 * Versions only grow, a patch needs a living record, the same content is no change. @returns undefined if
 * nothing changes.
 */
function afterChange(before: ModelRecord | undefined, change: RecordChange): ModelRecord | undefined {
  const { kind, version } = change;
  const fields = change.fields as ModelRecord['fields'];
  if (before === undefined && kind !== 'put') return undefined;
  if (before?.isDeleted === true && kind === 'patch') return undefined;
  if (before !== undefined && version !== undefined && version <= before.version)
    return kind === 'patch' && version < before.version ? afterLatePatch(before, fields, version) : undefined;
  const next = version ?? (before?.version ?? 0) + 1;
  const named = Object.fromEntries(Object.keys(fields).map((field) => [field, next]));
  const after: ModelRecord = {
    version: next,
    fields: kind === 'put' ? fields : { ...before?.fields, ...(kind === 'patch' ? fields : {}) },
    isDeleted: kind === 'delete',
    fieldVersions:
      kind === 'patch' && before !== undefined
        ? { ...before.fieldVersions, named: { ...before.fieldVersions.named, ...named } }
        : { others: next, named: {} },
  };
  const isSame =
    before !== undefined &&
    before.isDeleted === after.isDeleted &&
    sorted(before.fields) === sorted(after.fields);
  return isSame && version === undefined ? undefined : after;
}
