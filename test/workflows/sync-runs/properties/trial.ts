/**
 * A random life of one dataset that is read: changes at the source, before, between and while it is read;
 * faults, dying workers, pauses, runs of every width. Whatever happened, a full pass afterwards makes
 * Syncline's copy equal to the third party's.
 */
import { RateLimited, Unavailable } from '../../../../connectors/errors';
import { syncRunWorkflowId } from '../../../../contract/sync-run';
import type { PushEnvironment, TestTenant } from '../../../support/environments/push-environment';
import { CrmIntegration } from '../../../support/environments/crm-integration';
import { Random } from '../../../support/random';

const IDS = Array.from({ length: 14 }, (_, index) => `r${String(index).padStart(2, '0')}`);
/** Never removed: a list that is empty all at once is another matter (rules.md 35). */
const ALWAYS = 'r99';

export class PullTrial {
  private readonly steps: string[] = [];
  private readonly random: Random;
  private faults: 'none' | 'broken' | 'slow_down' | 'dying' = 'none';
  private movesWhileRead = false;
  private isEnding = false;

  private constructor(
    private readonly environment: PushEnvironment,
    private readonly tenant: TestTenant,
    private readonly seed: number,
  ) {
    this.random = new Random(seed);
  }

  static async run(environment: PushEnvironment, seed: number): Promise<void> {
    const trial = new PullTrial(environment, await environment.tenant(), seed);
    try {
      await trial.live();
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}\n${trial.steps.join('\n')}`, {
        cause: error,
      });
    }
  }

  private async live(): Promise<void> {
    const { random, environment } = this;
    const pulled = await CrmIntegration.link(this.tenant, {}, async (account) => {
      account.abilities = { canFilterByModified: random.chance(0.8), isPagingStable: random.chance(0.6) };
      account.reportsTotal = random.chance(0.5);
      account.canCount = random.chance(0.7);
      account.listsTombstones = random.chance(0.5);
      account.reportsTime = random.chance(0.8);
      account.clockAheadMs = random.pick([0, 0, 600_000, -540_000]);
      account.pageSize = random.between(1, 4);
      if (random.chance(0.4)) {
        account.abilities = { ...account.abilities, isPagingStable: true, followsSyncToken: true };
        account.givesTokenFirst = random.chance(0.5);
        account.listsChangesTwice = random.chance(0.5);
      }
      const { abilities, reportsTotal, canCount, reportsTime, clockAheadMs } = account;
      this.note(
        JSON.stringify({
          ...abilities,
          reportsTotal,
          canCount,
          clockAheadMs: reportsTime ? clockAheadMs : null,
        }),
      );
      await account.put('contacts', ALWAYS, { name: 'always' });
      for (const id of random.shuffled(IDS).slice(0, random.between(0, 8)))
        await account.put('contacts', id, { name: id });
    });
    pulled.account.beforePage = () => this.whileRead(pulled);
    await environment.dispatch();
    await this.quiet(pulled);
    for (let step = random.between(6, 14); step > 0; step -= 1) await this.step(pulled);
    await this.end(pulled);
  }

  private async step(pulled: CrmIntegration): Promise<void> {
    const { random, environment } = this;
    const act = random.weighted({
      change: 5,
      run: 5,
      wait: 3,
      faults: 2,
      moves: 1,
      pause: 1,
      cancel: 1,
      expire: 1,
    });
    if (act === 'expire') this.expireTokens(pulled);
    else if (act === 'change')
      for (let count = random.between(1, 4); count > 0; count -= 1) await this.change(pulled);
    else if (act === 'faults')
      this.note(`faults: ${(this.faults = random.pick(['none', 'broken', 'slow_down', 'dying']))}`);
    else if (act === 'moves') this.note(`moves while read: ${(this.movesWhileRead = !this.movesWhileRead)}`);
    else if (act === 'wait') {
      const minutes = random.pick([1, 5, 70]);
      this.note(`${minutes} min pass`);
      await environment.sleep(minutes * 60_000);
      await this.quiet(pulled);
    } else if (act === 'pause') {
      const isPaused = (await pulled.integration()).pausedAt !== null;
      this.note(isPaused ? 'resumed' : 'paused');
      await (isPaused ? pulled.resume() : pulled.pause());
      await this.quiet(pulled);
    } else if (act === 'run') {
      const kind = random.pick(['hourly', 'incremental', 'last_day', 'nightly', 'full'] as const);
      this.note(`run: ${kind}`);
      await pulled.begin(kind);
      await this.quiet(pulled);
    } else {
      const open = (await pulled.runs()).find(({ finishedAt }) => finishedAt === null);
      if (open !== undefined && open.kind !== 'onboarding') {
        this.note(`canceled: ${open.kind}`);
        await pulled.cancel(open.syncRunId);
        await this.quiet(pulled);
      }
    }
  }

  /**
   * Until its workflow has ended, or waits. The time-skipping server takes a signal badly in the instant in
   * which a workflow ends: from then on it skips no time. Signals in the middle of a run come from
   * `whileRead`.
   */
  private async quiet(pulled: CrmIntegration): Promise<void> {
    for (let tries = 0; tries < 200; tries += 1) {
      const states = (await pulled.runs())
        .filter(({ finishedAt }) => finishedAt === null)
        .map(({ state }) => state);
      const { status } = await this.environment.env.client.workflow
        .getHandle(syncRunWorkflowId(pulled))
        .describe();
      if (states.length === 0 ? status.name !== 'RUNNING' : states.includes('waiting')) return;
      await this.environment.env.sleep(1_000);
    }
    throw new Error('it neither ends nor waits');
  }

  private async change({ account }: CrmIntegration): Promise<void> {
    const id = this.random.pick(IDS);
    const isThere = account.held('contacts').has(id);
    if (isThere && this.random.chance(0.4)) {
      this.note(`- ${id}`);
      await account.remove('contacts', id);
    } else {
      const name = `${id} ${this.random.between(1, 999)}`;
      this.note(`+ ${name}`);
      await account.put('contacts', id, { name });
    }
  }

  private expireTokens({ account }: CrmIntegration): void {
    this.note('sync tokens expire');
    account.tokens += 1;
  }

  private async whileRead(pulled: CrmIntegration): Promise<void> {
    if (this.movesWhileRead && this.random.chance(0.4)) await this.change(pulled);
    if (this.isEnding) return;
    if (this.random.chance(0.04)) await pulled.pause();
    if (this.random.chance(0.04)) this.expireTokens(pulled);
    if (this.random.chance(0.04)) await pulled.begin('full');
    if (this.faults === 'none' || this.random.chance(0.6)) return;
    if (this.faults === 'broken') throw new Unavailable('Broken.', 500);
    if (this.faults === 'slow_down') throw new RateLimited('Slow down.', 60_000);
    throw Object.assign(new Error('gone'), { code: 'ECONNRESET' });
  }

  private async end(pulled: CrmIntegration): Promise<void> {
    this.note('the end');
    this.isEnding = true;
    this.faults = 'none';
    this.movesWhileRead = false;
    if ((await pulled.integration()).pausedAt !== null) await pulled.resume();
    await this.quiet(pulled);
    await pulled.settle();
    await this.environment.sleep(600_000);
    if (pulled.account.abilities.followsSyncToken === true) await this.endByToken(pulled);
    let { syncRunId } = await pulled.sync('full');
    if (await this.approveDeletions(pulled)) ({ syncRunId } = await pulled.sync('full'));
    const run = await pulled.run(syncRunId);
    const job = await pulled.job(syncRunId);
    const remoteCount = pulled.account.held('contacts').size;
    this.expect('the run has succeeded', run.state, 'succeeded');
    this.expect('our copy equals the remote records', await pulled.differences(), []);
    this.expect('as many were read as they hold', job.recordsRead, remoteCount);
    this.expect('the counts add up', job.recordsNew + job.recordsChanged + job.recordsUnchanged, remoteCount);
    this.expect('the difference is 0', (await pulled.statuses()).at(-1)?.totalDifference, 0);
    this.expect('the onboarding lock is released', (await pulled.integration()).onboardedAt !== null, true);
    const again = await pulled.job((await pulled.sync('full')).syncRunId);
    this.expect(
      'nothing is left to do',
      [again.recordsNew, again.recordsChanged, again.recordsDeleted],
      [0, 0, 0],
    );
    for (const { syncRunId: each, isSyncFinished, state } of await pulled.runs()) {
      this.expect('every run has ended', isSyncFinished, true);
      const { recordsRead, recordsNew, recordsChanged, recordsUnchanged } =
        state === 'canceled' ? job : await pulled.job(each);
      this.expect(
        'nothing counts twice',
        recordsNew + recordsChanged + recordsUnchanged <= recordsRead,
        true,
      );
    }
  }

  /** Without a clock nothing is late: an incremental run finds every change, and no change twice. */
  private async endByToken(pulled: CrmIntegration): Promise<void> {
    await pulled.sync('incremental');
    const differences = (await pulled.differences()) as { there: unknown }[];
    const ofLiving = differences.filter(({ there }) => there !== null);
    this.expect('all changes were read', ofLiving, []);
    const again = await pulled.sync('incremental');
    this.expect('nothing is read twice', (await pulled.job(again.syncRunId)).recordsRead, 0);
  }

  /** Only deletions from a list that is unstable and cannot be counted need approval here. */
  private async approveDeletions(pulled: CrmIntegration): Promise<boolean> {
    const review = (await pulled.reviews()).find(({ state }) => state === 'pending');
    if (review === undefined) return false;
    this.note(`approved: ${review.recordsMissing} are gone`);
    const { abilities, reportsTotal, canCount } = pulled.account;
    this.expect(
      'deletions wait for people only where the source cannot be counted',
      [abilities.isPagingStable, reportsTotal, canCount],
      [false, false, false],
    );
    await pulled.decideReview('approved');
    return true;
  }

  private expect(what: string, actual: unknown, expected: unknown): void {
    if (JSON.stringify(actual) !== JSON.stringify(expected))
      throw new Error(`${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
  }

  private note(step: string): void {
    this.steps.push(`  ${step}`);
  }
}
