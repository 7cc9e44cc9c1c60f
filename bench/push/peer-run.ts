/** The measurements of a peer. */
import type { Pool } from 'pg';
import { until } from '../measure';
import type { PeerTenant } from './peer-tables';

export interface PeerRun {
  acceptedPerSecond: number;
  /** From the first change to the last push, less the grace period. */
  totalSeconds: number;
}

/** When the last of `count` pushes was concluded, by the database's clock: this machine's. */
export async function endOfPeer(
  pool: Pool,
  { tenantId }: PeerTenant,
  { count, withinMs }: { count: number; withinMs: number },
): Promise<number> {
  const text =
    'select count(finished_at)::int as finished, max(finished_at) as ended_at from pushes where tenant_id = $1';
  const ask = async (): Promise<number | undefined> => {
    const { rows } = await pool.query<{ finished: number; ended_at: Date | null }>(text, [tenantId]);
    return rows[0]?.finished === count ? rows[0].ended_at?.getTime() : undefined;
  };
  return until('The peer pushes every record', withinMs, ask, 200);
}
