/**
 * Trials: settings of an integration that a worker tries at the third party before they are stored. A trial
 * is deleted when its result is read. Trials of crashed processes expire (db/retention).
 */
import type { Selectable } from 'kysely';
import type { TenantWork } from '../database';
import type { TryPlan } from '../../domain/third-parties/tries';
import { newUuid } from '../sql/ids';
import { sanitizeForPostgres } from '../sql/sanitize-text';
import type { IntegrationTrialsTable, MappingSamples, TrialResult } from '../tables/integrations';

type Trial = Selectable<IntegrationTrialsTable>;
export type TriedSettings = Pick<
  Trial,
  'integrationId' | 'connector' | 'config' | 'recordTypes' | 'credentials'
> & { tries?: TryPlan };

export async function createTrial(
  { trx, tenantId, now }: TenantWork,
  { integrationId, connector, config, recordTypes, credentials, tries }: TriedSettings,
): Promise<string> {
  const trialId = newUuid();
  await trx
    .insertInto('integrationTrials')
    .values({
      tenantId,
      trialId,
      integrationId,
      connector,
      config: JSON.stringify(config),
      recordTypes: JSON.stringify(recordTypes),
      credentials,
      tries: tries === undefined ? null : JSON.stringify(tries),
      result: null,
      createdAt: now,
    })
    .execute();
  return trialId;
}

export async function findTrial(
  { trx, tenantId }: TenantWork,
  { trialId }: { trialId: string },
): Promise<Trial | undefined> {
  return trx
    .selectFrom('integrationTrials')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('trialId', '=', trialId)
    .executeTakeFirst();
}

/** Has no effect if the trial no longer exists. */
export async function saveTrialResult(
  { trx, tenantId }: TenantWork,
  { trialId, check }: { trialId: string; check: TrialResult },
): Promise<void> {
  await trx
    .updateTable('integrationTrials')
    .set({ result: JSON.stringify(sanitizeForPostgres({ ...check })) })
    .where('tenantId', '=', tenantId)
    .where('trialId', '=', trialId)
    .execute();
}

/** Has no effect if the trial no longer exists. */
export async function saveSamples(
  { trx, tenantId }: TenantWork,
  { trialId, samples }: { trialId: string; samples: MappingSamples },
): Promise<void> {
  await trx
    .updateTable('integrationTrials')
    .set({ samples: JSON.stringify(sanitizeForPostgres(samples as never)) })
    .where('tenantId', '=', tenantId)
    .where('trialId', '=', trialId)
    .execute();
}

/** Deletes the trial. @returns its samples; null = no worker has finished them. */
export async function takeSamples(
  { trx, tenantId }: TenantWork,
  { trialId }: { trialId: string },
): Promise<MappingSamples | null> {
  const ended = await trx
    .deleteFrom('integrationTrials')
    .where('tenantId', '=', tenantId)
    .where('trialId', '=', trialId)
    .returning('samples')
    .executeTakeFirst();
  return ended?.samples ?? null;
}

/** Deletes the trial. @returns its result; null = no worker has finished it. */
export async function endTrial(
  { trx, tenantId }: TenantWork,
  { trialId }: { trialId: string },
): Promise<TrialResult | null> {
  const ended = await trx
    .deleteFrom('integrationTrials')
    .where('tenantId', '=', tenantId)
    .where('trialId', '=', trialId)
    .returning('result')
    .executeTakeFirst();
  return ended?.result ?? null;
}
