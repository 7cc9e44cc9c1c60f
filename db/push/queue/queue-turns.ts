/**
 * Whose turn an integration's push queue is. A queue has several executions while a more urgent one overtakes
 * one that waits for a slot, and one of them at a time pushes.
 *
 * The workflow numbers its executions. A turn is over once
 * - its execution has ended it, or has not renewed it in time, as when its worker died, or
 * - an execution was scheduled that knows of its end: the workflow schedules each one with the numbers of
 *   those that have not ended. So a turn that no execution waits for needs no statement to end it.
 * The run of a workflow ends after its executions, so turns of an earlier run are over. A repeated attempt
 * has the number of its execution and continues its turn.
 */
import { type RawBuilder, sql } from 'kysely';
import type { TenantWork } from '../../database';

interface QueueTurn {
  integrationId: string;
  /** The run of the workflow that has scheduled the execution. */
  run: string;
  number: number;
}

export interface AskedTurn extends QueueTurn {
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
  { integrationId }: Pick<QueueTurn, 'integrationId'>,
): Promise<number> {
  const { rows } = await sql<{ turnNumber: number }>`
    select turn_number from push_queue_looks
    where tenant_id = ${tenantId} and integration_id = ${integrationId}`.execute(trx);
  return rows[0]?.turnNumber ?? 0;
}

const setUntil = ({ trx, tenantId }: TenantWork, turn: QueueTurn, until: Date | null) =>
  sql`update push_queue_looks set turn_until = ${until}
    where tenant_id = ${tenantId} and integration_id = ${turn.integrationId}
      and turn_run = ${turn.run} and turn_number = ${turn.number}`.execute(trx);

export async function renewTurn(work: TenantWork, { until, ...turn }: QueueTurn & { until: Date }) {
  await setUntil(work, turn, until);
}

export async function endTurn(work: TenantWork, turn: QueueTurn): Promise<void> {
  await setUntil(work, turn, null);
}
