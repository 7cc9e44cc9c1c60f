/** A slice of an erasure: as many steps as fit into the time box. Each step is a transaction of its own. */
import { Context } from '@temporalio/activity';
import type { ErasureInput, ErasureReport } from '../../contract/erasure';
import { advanceErasure, type ErasureStep } from '../../db/erasures/advance-erasure';
import type { ActivityDependencies } from '../dependencies';

export interface ErasureActivities {
  advanceErasure(input: ErasureInput): Promise<ErasureReport>;
}

const TIME_BOX_MS = 20_000;

export const createErasureActivities = ({
  database,
  isStopping,
  erasing,
}: Pick<ActivityDependencies, 'database' | 'isStopping' | 'erasing'>): ErasureActivities => ({
  async advanceErasure(input) {
    const activity = Context.current();
    const startedAt = Date.now();
    let step: ErasureStep;
    do {
      activity.heartbeat();
      step = await advanceErasure(database, input, erasing);
    } while (step.state === 'more' && !isStopping() && Date.now() < startedAt + TIME_BOX_MS);
    return step.state === 'waiting' ? { state: 'waiting', until: step.until.getTime() } : step;
  },
});
