/**
 * Slices of a rollout: as many steps as fit into the time box. Each step reads the rollout's row, and each
 * integration has a transaction of its own, so a slice that was interrupted is simply repeated.
 */
import { Context } from '@temporalio/activity';
import type { DefinitionRolloutInput, DefinitionRolloutReport } from '../../contract/definition-rollout';
import { type TenantWork, unlessDeleted } from '../../db/database';
import { toTypeId } from '../../db/sql/ids';
import { PLATFORM_TENANT_ID } from '../../db/tables/tenants';
import { setCurrentVersion } from '../../db/third-parties/definitions';
import type { MoveKey, MoveSearch } from '../../db/third-parties/rollout-integrations';
import { advanceRow, findRollout, noteTrouble, type Rollout } from '../../db/third-parties/rollouts';
import { sizeOfStep } from '../../domain/third-parties/rollout';
import type { ActivityDependencies } from '../dependencies';
import { findPart } from './find-integrations';
import { checkMove, makeMove, rollBackMove } from './make-move';
import { MovesOfSlice } from './moves-of-slice';
import { planMove, type RolloutDependencies } from './plan-move';
import { troubleOf } from './rollout-trouble';

export interface DefinitionRolloutActivities {
  advanceDefinitionRollout(input: DefinitionRolloutInput): Promise<DefinitionRolloutReport>;
}

type Dependencies = RolloutDependencies & Pick<ActivityDependencies, 'isStopping' | 'log'>;

export const ROLLOUT_LIMITS = {
  timeBoxMs: 20_000,
  foundPerStep: 200,
  /** Integrations that are worked on at the same time; the database has few connections for each worker. */
  atOnce: 5,
  chunk: 25,
  /** During an observation integrations are looked at this often. */
  checkEachMs: 60_000,
};

export const createDefinitionRolloutActivities = (
  dependencies: Dependencies,
): DefinitionRolloutActivities => ({
  async advanceDefinitionRollout(input) {
    const activity = Context.current();
    const startedAt = Date.now();
    const slice = new RolloutSlice(dependencies, input, activity);
    let report: DefinitionRolloutReport;
    do {
      activity.heartbeat();
      report = await slice.advanceOrSayWhyNot();
    } while (
      report.state === 'more' &&
      !dependencies.isStopping() &&
      Date.now() < startedAt + ROLLOUT_LIMITS.timeBoxMs
    );
    return report;
  },
});

const MORE: DefinitionRolloutReport = { state: 'more' };
const ENDED: DefinitionRolloutReport = { state: 'ended' };

class RolloutSlice {
  private readonly moves: MovesOfSlice;

  constructor(
    private readonly dependencies: Dependencies,
    private readonly input: DefinitionRolloutInput,
    private readonly activity: Pick<Context, 'cancellationSignal' | 'heartbeat'>,
  ) {
    this.moves = new MovesOfSlice(dependencies.database, input.rolloutId);
  }

  async advanceOrSayWhyNot(): Promise<DefinitionRolloutReport> {
    try {
      const rollout = await this.platform((work) => findRollout(work, this.input));
      const report = await this.advance(rollout);
      // A report that writes nothing, such as of a rollout that waits, ends the trouble too.
      if (rollout !== undefined && rollout.trouble !== null) await this.note(null);
      return report;
    } catch (error) {
      if (!this.activity.cancellationSignal.aborted) await this.note(troubleOf(error)).catch(() => undefined);
      throw error;
    }
  }

  private note(trouble: Rollout['trouble']): Promise<void> {
    return this.platform((work) => noteTrouble(work, { ...this.input, trouble }));
  }

  private async advance(rollout: Rollout | undefined): Promise<DefinitionRolloutReport> {
    if (rollout === undefined || rollout.finishedAt !== null || rollout.pausedAt !== null) return ENDED;
    switch (rollout.state) {
      case 'planning':
        if ((await this.find(rollout)) || (await this.plan(rollout))) return MORE;
        await this.write(rollout, { state: rollout.isAutomatic ? 'running' : 'planned' });
        return MORE;
      case 'running':
        return this.run(rollout);
      case 'rolling_back':
        return this.rollBack(rollout);
      default:
        // A person asked to try again what was held back, before the approval.
        return (await this.plan(rollout)) ? MORE : ENDED;
    }
  }

  /** Finds integrations that may change. @returns false if there are no more */
  private async find(rollout: Rollout): Promise<boolean> {
    if (rollout.isListed) return false;
    const limit = ROLLOUT_LIMITS.foundPerStep;
    const { integrations, add } = await findPart(this.dependencies, { ...rollout, limit });
    await this.forEach(integrations, (found) =>
      this.dependencies.database.withTenant(found.tenantId, (work) => add(work, found)),
    );
    const last = integrations.at(-1);
    const isListed = last === undefined || integrations.length < limit;
    await this.write(rollout, {
      isListed,
      listCursor: isListed ? null : `${last.tenantId} ${last.integrationId}`,
    });
    return true;
  }

  /** The dry runs that are to be made. @returns false if there are none */
  private async plan(rollout: Rollout): Promise<boolean> {
    const found = await this.pick({ state: 'found' });
    const again =
      found.length > 0 || rollout.retryAt === null
        ? []
        : await this.pick({ state: 'held_back', plannedBefore: rollout.retryAt });
    const moves = [...found, ...again];
    await this.forEach(moves, (move) =>
      planMove(this.dependencies, rollout, move, this.activity.cancellationSignal),
    );
    if (moves.length > 0) await this.write(rollout, {});
    return moves.length > 0;
  }

  private async run(rollout: Rollout): Promise<DefinitionRolloutReport> {
    if ((await this.find(rollout)) || (await this.plan(rollout))) return MORE;
    const progress = await this.moves.progressOf(rollout.step);
    const { planned, done } = progress;
    const wanted = sizeOfStep(rollout.steps, rollout.step, planned + done);
    if (planned > 0 && done < wanted && rollout.stepEndsAt === null) {
      const moves = await this.pick({
        state: 'planned',
        limit: Math.min(ROLLOUT_LIMITS.chunk, wanted - done),
      });
      // Counted first: what is interrupted may be counted twice, and is observed in any case.
      await this.write(rollout, { stepMoves: rollout.stepMoves + moves.length });
      await this.forEach(moves, (move) => makeMove(this.dependencies, move));
      this.moves.noteChanges(rollout.step, progress, { count: moves.length, wanted });
      return MORE;
    }
    if (rollout.step > rollout.steps.length) {
      await this.write(rollout, { state: 'completed', finishedAt: await this.now() });
      return MORE;
    }
    return rollout.stepMoves === 0 ? this.endStep(rollout) : this.observe(rollout);
  }

  /** Waits, and looks whether integrations fail that did not fail before. */
  private async observe(rollout: Rollout): Promise<DefinitionRolloutReport> {
    const now = await this.now();
    if (rollout.stepEndsAt === null || rollout.nextCheckAt === null) {
      const stepEndsAt = new Date(now.getTime() + rollout.observeMs);
      return this.waitForCheck(rollout, now, stepEndsAt);
    }
    if (now < rollout.nextCheckAt) return { state: 'waiting', until: rollout.nextCheckAt.getTime() };
    const checkBeganAt = rollout.checkBeganAt ?? now;
    const moves = await this.pick({ state: 'changed', checkedBefore: checkBeganAt });
    await this.forEach(moves, (move) => checkMove(this.dependencies, move));
    if (moves.length > 0) {
      await this.write(rollout, { checkBeganAt });
      return MORE;
    }
    const { failed = 0 } = await this.moves.counts();
    if (failed - rollout.acceptedFailures >= rollout.stopAfterFailures) {
      await this.stop(rollout, { now, failed });
      return ENDED;
    }
    return checkBeganAt < rollout.stepEndsAt
      ? this.waitForCheck(rollout, now, rollout.stepEndsAt)
      : this.endStep(rollout);
  }

  private async stop(rollout: Rollout, { now, failed }: { now: Date; failed: number }): Promise<void> {
    const change = { pausedAt: now, pausedBecause: 'failures', checkBeganAt: null } as const;
    const stopped = await this.platform((work) => advanceRow(work, rollout, change));
    if (stopped === undefined) return;
    const { definitionKey: definition, version } = stopped;
    const rolloutId = toTypeId('rol', stopped.rolloutId);
    this.dependencies.log.error({ rolloutId, definition, version, failed }, 'a rollout stopped by itself');
  }

  private async waitForCheck(
    rollout: Rollout,
    now: Date,
    stepEndsAt: Date,
  ): Promise<DefinitionRolloutReport> {
    const nextCheckAt = new Date(Math.min(now.getTime() + ROLLOUT_LIMITS.checkEachMs, stepEndsAt.getTime()));
    await this.write(rollout, { stepEndsAt, nextCheckAt, checkBeganAt: null });
    return MORE;
  }

  /**
   * After the last step new integrations use the version, and those that were linked meanwhile are looked
   * for.
   */
  private async endStep(rollout: Rollout): Promise<DefinitionRolloutReport> {
    const isLast = rollout.step === rollout.steps.length;
    await this.platform(async (work) => {
      const written = await advanceRow(work, rollout, {
        step: rollout.step + 1,
        stepMoves: 0,
        stepEndsAt: null,
        nextCheckAt: null,
        checkBeganAt: null,
        ...(isLast ? { isListed: false, listCursor: null } : {}),
      });
      if (isLast && written !== undefined && !rollout.isAdoption)
        await setCurrentVersion(work, { key: rollout.definitionKey, version: rollout.version });
    });
    return MORE;
  }

  private async rollBack(rollout: Rollout): Promise<DefinitionRolloutReport> {
    const changed = await this.pick({ state: 'changed' });
    const moves = changed.length > 0 ? changed : await this.pick({ state: 'failed' });
    await this.forEach(moves, (move) => rollBackMove(this.dependencies, move));
    await this.write(rollout, moves.length > 0 ? {} : { state: 'rolled_back', finishedAt: await this.now() });
    return MORE;
  }

  private pick(
    search: Omit<MoveSearch, 'rolloutId' | 'limit' | 'after'> & { limit?: number },
  ): Promise<readonly MoveKey[]> {
    return this.moves.pick({ limit: ROLLOUT_LIMITS.chunk, ...search });
  }

  private platform<T>(work: (context: TenantWork) => Promise<T>): Promise<T> {
    return this.dependencies.database.withTenant(PLATFORM_TENANT_ID, work);
  }

  private now(): Promise<Date> {
    return this.platform(async ({ now }) => now);
  }

  private async write(rollout: Rollout, change: Parameters<typeof advanceRow>[2]): Promise<void> {
    await this.platform((work) => advanceRow(work, rollout, change));
  }

  /** A few at a time. One that fails does not prevent the others. @throws the first error, at the end */
  private async forEach<Item>(items: readonly Item[], run: (item: Item) => Promise<void>): Promise<void> {
    const left = [...items];
    const errors: unknown[] = [];
    const next = async (): Promise<void> => {
      for (let item = left.shift(); item !== undefined; item = left.shift()) {
        await unlessDeleted(run(item)).catch((error: unknown) => errors.push(error));
        this.activity.heartbeat();
      }
    };
    await Promise.all(Array.from({ length: ROLLOUT_LIMITS.atOnce }, next));
    if (errors.length > 0) throw errors[0];
  }
}
