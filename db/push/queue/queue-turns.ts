/**
 * Whose turn an integration's push queue is. A queue has several executions while a more urgent one overtakes
 * one that waits for a slot, and one of them at a time pushes.
 *
 * The workflow numbers its executions. A turn is over once
 * - its execution has ended it, or has not renewed it in time, as when its worker died, or
 * - an execution was scheduled that knows of its end: the workflow schedules each one with the numbers of
 *   those that have not ended. So a turn that no execution waits for needs no statement to end it.
 * A repeated attempt has the number of its execution and takes its turn. The executions of another run are
 * not waited for: it has ended after them, or an operator has ended it.
 *
 * An attempt renews and ends its own turn only, which has the number of its look (queue-looks.ts). If
 * it cannot renew the turn, another execution or attempt pushes, and this one ends its calls.
 */
import { type RawBuilder, sql } from 'kysely';
import type { TenantWork } from '../../database';

export interface AskedTurn {
  integrationId: string;
  /** The run of the workflow that has scheduled the execution. */
  run: string;
  number: number;
  /** The executions that had not ended when this one was scheduled. */
  beside: readonly number[];
  until: Date;
}

/** Of the row `known` in push_queue_looks. */
export const isTurnFree = ({ run, number, beside }: AskedTurn, now: Date): RawBuilder<boolean> => sql`(
  known.turn_until is null or known.turn_until <= ${now} or known.turn_run <> ${run}
  or known.turn_number = ${number}
  or (known.turn_number < ${number} and known.turn_number <> all(${[...beside]}::integer[])))`;

/** @returns the number of the execution whose turn it is. */
export async function readTurn(
  { trx, tenantId }: TenantWork,
  { integrationId }: { integrationId: string },
): Promise<number> {
  const { rows } = await sql<{ turnNumber: number }>`
    select turn_number from push_queue_looks
    where tenant_id = ${tenantId} and integration_id = ${integrationId}`.execute(trx);
  return rows[0]?.turnNumber ?? 0;
}

/** `look`: the one that has taken the turn. */
interface TakenTurn {
  integrationId: string;
  look: string;
}

async function setUntil(
  { trx, tenantId }: TenantWork,
  { integrationId, look }: TakenTurn,
  until: Date | null,
): Promise<boolean> {
  const { numAffectedRows = 0n } = await sql`
    update push_queue_looks set turn_until = ${until}
    where tenant_id = ${tenantId} and integration_id = ${integrationId} and looks = ${look}
      and turn_until is not null`.execute(trx);
  return numAffectedRows > 0n;
}

/** @returns false if the turn has ended, or another execution or attempt has taken it. */
export const renewTurn = (work: TenantWork, { until, ...turn }: TakenTurn & { until: Date }) =>
  setUntil(work, turn, until);

export async function endTurn(work: TenantWork, turn: TakenTurn): Promise<void> {
  await setUntil(work, turn, null);
}
