/** Finds a Sync Overview that is still valid (rules.md 19, 20). */
import type { TenantWork } from '../../db/database';
import { findOverview, type Overview } from '../../db/overviews/overviews';
import { toTypeId } from '../../db/sql/ids';
import { INVALIDITY_TEXTS } from '../../domain/overviews/overview';
import { HttpError } from '../http/http-error';

/** Throws `overview_not_found` and `overview_no_longer_valid`. */
export async function requireValidOverview(work: TenantWork, overviewId: string): Promise<Overview> {
  const found = await findOverview(work, { overviewId });
  if (found === undefined) throw new HttpError('overview_not_found');
  if (found.invalidAt !== null) throw noLongerValid(found);
  return found;
}

/** The error for an overview that a Sync Now cannot apply. */
export async function overviewNotApplicable(
  work: TenantWork,
  { overviewId, integrationId }: { overviewId: string | null; integrationId: string },
): Promise<HttpError> {
  const found = overviewId === null ? undefined : await findOverview(work, { overviewId });
  if (found === undefined || found.integrationId !== integrationId)
    return new HttpError('overview_not_found');
  return found.invalidAt === null ? new HttpError('overview_not_ready') : noLongerValid(found);
}

function noLongerValid(found: Overview): HttpError {
  const reason = found.invalidReason ?? 'expired';
  return new HttpError('overview_no_longer_valid', {
    detail: INVALIDITY_TEXTS[reason],
    context: {
      reason,
      invalid_at: found.invalidAt?.toISOString() ?? null,
      invalid_by: found.invalidBy,
      integration_id: toTypeId('int', found.integrationId),
      overview_id: found.replacedByOverviewId === null ? null : toTypeId('ovw', found.replacedByOverviewId),
      sync_run_id: found.replacedBySyncRunId === null ? null : toTypeId('run', found.replacedBySyncRunId),
    },
  });
}
