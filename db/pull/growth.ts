/**
 * New records of a dataset that suddenly holds many times its records wait for approval (rules.md 60). What
 * was read up to the threshold is stored.
 */
import { sql } from 'kysely';
import { exceedsBrake } from '../../domain/brakes/brake';
import { brakeOf } from '../../domain/records/record-type-settings';
import type { TenantWork } from '../database';
import { findIntegration } from '../integrations/integrations';
import { createReview, resolveIfDecided, supersedeReviews } from './deletion-reviews';
import type { CreatingPage, PassKey } from './page';

interface Growth {
  /** New records since the dataset was counted last, those of the page included. */
  grown: number;
  /** The records of the app when they were counted last. */
  before: number;
}

/** Nothing of the page is stored. */
export class GrowthNeedsReview extends Error {
  constructor(readonly growth: Growth) {
    super('The dataset grows by more than its safety threshold.');
  }
}

/**
 * Counts the records that a page is about to create. The initial load and what a person has reviewed in an
 * overview are free. @throws `GrowthNeedsReview`
 */
export async function countGrowth(work: TenantWork, page: CreatingPage, creates: number): Promise<void> {
  if (creates === 0 || page.overviewId !== null) return;
  const { trx, tenantId } = work;
  const { integrationId, recordType } = page;
  const { rows } = await sql<{ grownBy: number; localTotal: number; isApproved: boolean }>`
    update sync_datasets dataset set grown_by = grown_by + ${creates}
    where tenant_id = ${tenantId} and integration_id = ${integrationId} and record_type = ${recordType}
      and local_total is not null
    returning grown_by, local_total, exists (
      select from deletion_reviews review
      where review.tenant_id = ${tenantId} and review.integration_id = ${integrationId}
        and review.record_type = ${recordType} and review.kind = 'grow' and review.state = 'approved'
        and review.decided_at > dataset.counted_at) as is_approved`.execute(trx);
  const [dataset] = rows;
  if (dataset === undefined || dataset.isApproved) return;
  const growth = { grown: dataset.grownBy, before: dataset.localTotal };
  const integration = await findIntegration(work, page);
  const brake = brakeOf(integration?.typeSettings ?? {}, recordType, 'pull_grow');
  const facts = { now: creates, earlier: growth.grown - creates, held: growth.before };
  if (exceedsBrake(brake, facts)) throw new GrowthNeedsReview(growth);
}

/** Parks the growth and notifies the admins, unless a review of it waits already. */
export async function parkGrowth(work: TenantWork, pass: PassKey, { grown, before }: Growth): Promise<void> {
  const pending = await work.trx
    .selectFrom('deletionReviews')
    .select('deletionReviewId')
    .where('tenantId', '=', work.tenantId)
    .where('integrationId', '=', pass.integrationId)
    .where('recordType', '=', pass.recordType)
    .where('kind', '=', 'grow')
    .where('state', '=', 'pending')
    .executeTakeFirst();
  if (pending !== undefined) return;
  await createReview(work, pass, {
    kind: 'grow',
    fields: [],
    recordsMissing: grown,
    recordsBefore: before,
    detail:
      `${pass.recordType}: at least ${grown} new records at the third party, which had ${before}. ` +
      'Syncline stores no further ones: approve or discard them.',
  });
}

/** A pass over the whole list succeeded, so nothing is held back any more. */
export async function endGrowth(work: TenantWork, pass: PassKey): Promise<void> {
  await supersedeReviews(work, { ...pass, kind: 'grow' });
  await resolveIfDecided(work, pass);
}
