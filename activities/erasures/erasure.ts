/**
 * Slices of erasures and of deletions of tenants: as many steps as fit into the time box. Each step is a
 * transaction of its own.
 */
import { Context } from '@temporalio/activity';
import type { ErasureInput, ErasureReport } from '../../contract/erasure';
import type { TenantDeletionInput } from '../../contract/tenant-deletion';
import { advanceErasure, type ErasureStep } from '../../db/erasures/advance-erasure';
import { advanceTenantDeletion } from '../../db/erasures/advance-tenant-deletion';
import type { ActivityDependencies } from '../dependencies';

export interface ErasureActivities {
  advanceErasure(input: ErasureInput): Promise<ErasureReport>;
  advanceTenantDeletion(input: TenantDeletionInput): Promise<ErasureReport>;
}

const TIME_BOX_MS = 20_000;

export function createErasureActivities({
  database,
  isStopping,
  erasing,
}: Pick<ActivityDependencies, 'database' | 'isStopping' | 'erasing'>): ErasureActivities {
  const slice = async (advance: () => Promise<ErasureStep>): Promise<ErasureReport> => {
    const activity = Context.current();
    const startedAt = Date.now();
    let step: ErasureStep;
    do {
      activity.heartbeat();
      step = await advance();
    } while (step.state === 'more' && !isStopping() && Date.now() < startedAt + TIME_BOX_MS);
    return step.state === 'waiting' ? { state: 'waiting', until: step.until.getTime() } : step;
  };
  return {
    advanceErasure: (input) => slice(() => advanceErasure(database, input, erasing)),
    advanceTenantDeletion: (input) => slice(() => advanceTenantDeletion(database, input, erasing)),
  };
}
