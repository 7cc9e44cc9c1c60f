/**
 * How many more records of a type and effect may leave before a brake counts again: a bulk far below its
 * threshold is not counted for each claim (rules.md 53).
 */
import { sql } from 'kysely';
import type { BrakedEffect } from '../../../domain/push/braked-effect';
import type { TenantWork } from '../../database';
import type { Integration } from '../../integrations/integrations';

interface Braked {
  recordType: string;
  effect: BrakedEffect;
}

export interface BrakeAllowances {
  /** How many pushes are allowed; 0 or less = none. No other claim changes it before the transaction ends. */
  read(work: TenantWork, braked: Braked): Promise<number>;
  keep(work: TenantWork, braked: Braked, left: number): Promise<void>;
}

/** Of an execution that alone pushes for its integration. */
export function ownAllowances(): BrakeAllowances {
  const left = new Map<string, number>();
  const keyOf = ({ recordType, effect }: Braked): string => `${effect} ${recordType}`;
  return {
    read: async (_work, braked) => left.get(keyOf(braked)) ?? 0,
    keep: async (_work, braked, value) => void left.set(keyOf(braked), value),
  };
}

export const HOUR_MS = 3_600_000;
const HOLDS_MS = 20_000;

/** The key of the counts of this hour. */
export const hourOf = (now: Date): Date => new Date(Math.floor(now.getTime() / HOUR_MS) * HOUR_MS);

/** Of several executions: kept in the counts of this hour, whose row the first of them locks. */
export function sharedAllowances({
  integrationId,
  version,
}: Pick<Integration, 'integrationId' | 'version'>): BrakeAllowances {
  return {
    async read({ trx, tenantId, now }, { recordType, effect }) {
      const { rows } = await sql<{ allowed: number | null }>`
        insert into brake_counts as counted (tenant_id, integration_id, record_type, effect, hour, records)
        values (${tenantId}, ${integrationId}, ${recordType}, ${effect}, ${hourOf(now)}, 0)
        on conflict (tenant_id, integration_id, record_type, effect, hour)
          do update set records = counted.records
        returning case when allowed_until > ${now} and allowed_version = ${version}
          then allowed end as allowed`.execute(trx);
      return rows[0]?.allowed ?? 0;
    },
    async keep({ trx, tenantId, now }, { recordType, effect }, left) {
      const until = new Date(now.getTime() + HOLDS_MS);
      await sql`
        update brake_counts set allowed = ${left}, allowed_version = ${version},
          allowed_until = case when allowed_until > ${now} and allowed_version = ${version} and allowed > ${left}
            then allowed_until else ${until}::timestamptz end
        where tenant_id = ${tenantId} and integration_id = ${integrationId} and record_type = ${recordType}
          and effect = ${effect} and hour = ${hourOf(now)}`.execute(trx);
    },
  };
}
