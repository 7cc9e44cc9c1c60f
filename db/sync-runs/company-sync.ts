/**
 * COMPANY_SYNCHRONIZED, once per tenant: emitted when all datasets queued by linking are complete and at
 * least one succeeded. The event covers every integration linked before it. If all failed:
 * COMPANY_SYNC_FAILED, once (rules.md 41).
 *
 * The policy is pinned when an integration is linked (rules.md 42). If several integrations are being synced,
 * the policy of the oldest one decides.
 */
import { sql } from 'kysely';
import type { CompanyData } from '../../domain/event-catalogue';
import type { TenantWork } from '../database';
import type { NewEvent } from '../webhooks/events';
import { toTypeId } from '../sql/ids';
import { initialDatasets } from './onboarding/onboarding';
import type { CompanySynchronizedPolicy } from '../tables/tenants';
import type { RecordTypeMappings } from '../../domain/records/mapping';

interface Link {
  integrationId: string;
  policy: CompanySynchronizedPolicy;
  recordTypes: RecordTypeMappings;
  onboardedAt: Date | null;
  onboardingFailedAt: Date | null;
}

interface LinkState extends Link {
  datasets: {
    recordType: string;
    isInitial: boolean;
    initialState: 'succeeded' | 'failed' | 'not_supported' | null;
  }[];
  isComplete: boolean;
}

/** The events that are due now. Called when a dataset or an integration has ended. */
export async function companyEvents(work: TenantWork): Promise<NewEvent[]> {
  if (await isSynchronizedEmitted(work)) return [];
  // Serialized: otherwise two datasets that end at once would each see the other as unfinished.
  const emitted = await lockCompany(work);
  if (emitted.synchronizedAt !== null) return [];
  const links = await readLinks(work);
  const states = links.flatMap(({ datasets }) => datasets.map(({ initialState }) => initialState));
  const oldestUnfinished = links.find(({ isComplete }) => !isComplete);
  const hasSuccess = states.includes('succeeded');
  const policy = (oldestUnfinished ?? links.at(-1))?.policy ?? 'all_datasets';
  if (hasSuccess && (oldestUnfinished === undefined || policy === 'first_dataset')) {
    await work.trx
      .updateTable('companySyncs')
      .set({ synchronizedAt: work.now })
      .where('tenantId', '=', work.tenantId)
      .execute();
    return [{ type: 'COMPANY_SYNCHRONIZED', integrationId: null, data: toData(policy, links) }];
  }
  if (states.length > 0 && !hasSuccess && oldestUnfinished === undefined && emitted.failedAt === null) {
    await work.trx
      .updateTable('companySyncs')
      .set({ failedAt: work.now })
      .where('tenantId', '=', work.tenantId)
      .execute();
    return [{ type: 'COMPANY_SYNC_FAILED', integrationId: null, data: toData(policy, links) }];
  }
  return [];
}

/** The policy that is pinned to an integration linked now, whatever the tenant chooses later. */
export async function policyToPin(
  { trx, tenantId, now }: TenantWork,
  switchAt: Date | undefined,
): Promise<CompanySynchronizedPolicy> {
  const tenant = await trx
    .selectFrom('tenants')
    .select('companySynchronizedPolicy')
    .where('tenantId', '=', tenantId)
    .executeTakeFirst();
  return effectivePolicy(tenant?.companySynchronizedPolicy ?? 'all_datasets', { now, switchAt });
}

/** The deprecated policy ends at this instant; undefined = no end is configured. */
export function effectivePolicy(
  chosen: CompanySynchronizedPolicy,
  { now, switchAt }: { now: Date; switchAt: Date | undefined },
): CompanySynchronizedPolicy {
  return switchAt !== undefined && now >= switchAt ? 'all_datasets' : chosen;
}

function toData(policy: CompanySynchronizedPolicy, links: readonly LinkState[]): CompanyData {
  return {
    policy,
    integrations: links.map(({ integrationId, datasets }) => ({
      integration_id: toTypeId('int', integrationId),
      datasets: datasets.map(({ recordType, initialState }) => ({
        record_type: recordType,
        state: initialState,
      })),
    })),
  };
}

async function isSynchronizedEmitted({ trx, tenantId }: TenantWork): Promise<boolean> {
  const row = await trx
    .selectFrom('companySyncs')
    .select('synchronizedAt')
    .where('tenantId', '=', tenantId)
    .executeTakeFirst();
  return row?.synchronizedAt != null;
}

async function lockCompany({
  trx,
  tenantId,
}: TenantWork): Promise<{ synchronizedAt: Date | null; failedAt: Date | null }> {
  const { rows } = await sql<{ synchronizedAt: Date | null; failedAt: Date | null }>`
    insert into company_syncs (tenant_id) values (${tenantId})
    on conflict (tenant_id) do update set tenant_id = excluded.tenant_id returning synchronized_at, failed_at`.execute(
    trx,
  );
  return rows[0] ?? { synchronizedAt: null, failedAt: null };
}

/** Integrations that were linked to pull, oldest first, each with its initial datasets. */
async function readLinks({ trx, tenantId }: TenantWork): Promise<LinkState[]> {
  const links = await trx
    .selectFrom('integrations')
    .select([
      'integrationId',
      'companySynchronizedPolicy',
      'recordTypes',
      'onboardedAt',
      'onboardingFailedAt',
    ])
    .where('tenantId', '=', tenantId)
    .where('deletedAt', 'is', null)
    .where('onboardingStartedAt', 'is not', null)
    .orderBy('integrationId')
    .execute();
  const datasets = await trx
    .selectFrom('syncDatasets')
    .select(['integrationId', 'recordType', 'isInitial', 'initialState'])
    .where('tenantId', '=', tenantId)
    .orderBy('recordType')
    .execute();
  return links.flatMap(({ companySynchronizedPolicy, ...link }) => {
    const initial = initialDatasets(
      link,
      datasets.filter(({ integrationId }) => integrationId === link.integrationId),
    );
    // Datasets added by a later mapping were not queued by linking.
    if (!initial.some(({ isInitial }) => isInitial)) return [];
    const state = {
      ...link,
      policy: companySynchronizedPolicy ?? ('all_datasets' as const),
      datasets: initial.map((dataset) => settled(link, dataset)),
    };
    return [{ ...state, isComplete: state.datasets.every(({ initialState }) => initialState !== null) }];
  });
}

/** A canceled onboarding run leaves its datasets unread; no run reads them until one is requested. */
function settled<Dataset extends { initialState: LinkState['datasets'][number]['initialState'] }>(
  { onboardingFailedAt, onboardedAt }: Pick<Link, 'onboardingFailedAt' | 'onboardedAt'>,
  dataset: Dataset,
): Dataset {
  return dataset.initialState === null && (onboardingFailedAt !== null || onboardedAt !== null)
    ? { ...dataset, initialState: 'failed' as const }
    : dataset;
}
