/** Rollouts that stopped by themselves, because integrations failed after their change. */
import type { Work } from '../database';
import { PLATFORM_TENANT_ID } from '../tables/tenants';

const COLUMNS = ['rolloutId', 'definitionKey', 'version', 'pausedAt'] as const;

/** They wait for a person. The newest first; a definition has one at most. */
export async function listStoppedRollouts(
  { trx }: Pick<Work, 'trx'>,
  { limit, before }: { limit: number; before?: string | undefined },
): Promise<{ rolloutId: string; definitionKey: string; version: number; pausedAt: Date | null }[]> {
  return stopped(trx)
    .select(COLUMNS)
    .$if(before !== undefined, (query) => query.where('rolloutId', '<', before ?? ''))
    .orderBy('rolloutId', 'desc')
    .limit(limit)
    .execute();
}

export async function countStoppedRollouts({ trx }: Pick<Work, 'trx'>): Promise<number> {
  const row = await stopped(trx)
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .executeTakeFirst();
  return Number(row?.count ?? 0);
}

const stopped = (trx: Work['trx']) =>
  trx
    .selectFrom('definitionRollouts')
    .where('tenantId', '=', PLATFORM_TENANT_ID)
    .where('finishedAt', 'is', null)
    .where('pausedBecause', '=', 'failures');
