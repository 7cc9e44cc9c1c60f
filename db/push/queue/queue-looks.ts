/**
 * When the push queue of an integration looks at its due rows next. The dispatcher does not signal a queue
 * that looks early enough by itself.
 *
 * No clock is trusted. A look clears the instant before it reads rows. So if the dispatcher still sees it
 * after a change was committed, that look reads the change. The count of looks tells whether one began
 * between two statements.
 *
 * A look for less urgent work may wait long in Temporal, so it is not early enough for more urgent work.
 */
import { sql } from 'kysely';
import { dueByPriority } from '../../../domain/push/push-kind';
import { type DueByPriority, PRIORITIES, priorityBy } from '../../../domain/work-priorities';
import type { TenantWork, Work } from '../../database';
import { type AskedTurn, isTurnFree, readTurn } from './queue-turns';
import { dueOfKinds } from '../lock-due';

interface OfIntegration {
  integrationId: string;
}

/** `takenBy`: the execution that has the turn. */
type Look =
  | { takenBy: number }
  | {
      takenBy: null;
      /** The number of the look, and of the turn. */
      look: string;
      /** False if an execution that was scheduled later has looked. */
      isNewest: boolean;
    };

/** Takes the turn. To be committed before the look reads rows. */
export async function beginLook(
  work: TenantWork,
  {
    integrationId,
    firedAt,
    attempt,
    turn,
  }: OfIntegration & { firedAt: number; attempt: number; turn: AskedTurn },
): Promise<Look> {
  const { trx, tenantId, now } = work;
  const execution = firedAt * 1_000 + Math.min(attempt, 999);
  const { rows } = await sql<{ look: string; isNewest: boolean }>`
    insert into push_queue_looks as known
      (tenant_id, integration_id, looks, newest, turn_run, turn_number, turn_until)
    values (${tenantId}, ${integrationId}, 1, ${execution}, ${turn.run}, ${turn.number}, ${turn.until})
    on conflict (tenant_id, integration_id) do update set looks = known.looks + 1, next_look_at = null,
      newest = greatest(known.newest, excluded.newest), turn_run = excluded.turn_run,
      turn_number = excluded.turn_number, turn_until = excluded.turn_until
    where ${isTurnFree(turn, now)}
    returning looks::text as look, newest = ${execution} as is_newest`.execute(trx);
  const [begun] = rows;
  if (begun === undefined) return { takenBy: await readTurn(work, turn) };
  return { ...begun, takenBy: null };
}

interface NextLook {
  nextLookAt: Date;
  /** The priority of the execution that looks (domain/work-priorities.ts). */
  priorityKey: number;
}

/** Ends the turn, too. Does nothing if another look has begun. */
export async function endLook(
  { trx, tenantId }: TenantWork,
  { integrationId, look, nextLookAt, priorityKey }: OfIntegration & NextLook & { look: string },
): Promise<void> {
  await sql`
    update push_queue_looks
    set next_look_at = ${nextLookAt}, next_look_priority = ${priorityKey}, turn_until = null
    where tenant_id = ${tenantId} and integration_id = ${integrationId} and looks = ${look}`.execute(trx);
}

interface DueRow extends OfIntegration {
  tenantId: string;
  dueAt: Date;
}

export interface KnownLook {
  /** The number of the last look. */
  look: string;
  /** The queue looks again until the row is due. */
  isEarlyEnough: boolean;
  /** The priority of the most urgent push that is due by then, or already now. */
  priorityKey: number;
  /** When more urgent pushes are due: later. Messages about them may be merged with this one. */
  moreUrgent: DueByPriority;
}

export async function readLook(
  { trx, now }: Work,
  { tenantId, integrationId, dueAt }: DueRow,
): Promise<KnownLook> {
  const { rows } = await sql<{ look: string | null; lookPriority: number | null; due: (Date | null)[] }>`
    select looks::text as look, ${dueOfKinds(tenantId, integrationId)} as due,
      case when next_look_at > ${now} and next_look_at <= ${dueAt}
        then coalesce(next_look_priority, ${sql.lit(PRIORITIES.edit)}) end as look_priority
    from (select) one left join push_queue_looks
      on tenant_id = ${tenantId} and integration_id = ${integrationId}`.execute(trx);
  const { look = null, lookPriority = null, due = [] } = rows[0] ?? {};
  const ofKinds = dueByPriority(due);
  // A backfill and a decided review have no rows of pushes yet.
  const priorityKey = priorityBy(ofKinds, Math.max(dueAt.getTime(), now.getTime())) ?? PRIORITIES.backfill;
  const moreUrgent = Object.fromEntries(Object.entries(ofKinds).filter(([key]) => Number(key) < priorityKey));
  const mostUrgent = Math.min(priorityKey, ...Object.keys(moreUrgent).map(Number));
  const isEarlyEnough = lookPriority !== null && lookPriority <= mostUrgent;
  return { look: look ?? '0', isEarlyEnough, priorityKey, moreUrgent };
}

/** The queue knows of the row. `look`: the last one before the signal. Does nothing if another has begun. */
export async function noteSignal(
  { trx }: Work,
  { tenantId, integrationId, dueAt, look, priorityKey }: DueRow & { look: string; priorityKey: number },
): Promise<void> {
  await sql`
    insert into push_queue_looks as known (tenant_id, integration_id, looks, next_look_at, next_look_priority)
    values (${tenantId}, ${integrationId}, 0, ${dueAt}, ${priorityKey})
    on conflict (tenant_id, integration_id) do update set next_look_at = least(known.next_look_at, ${dueAt}),
      next_look_priority = case
        when known.next_look_at < ${dueAt} then known.next_look_priority
        when known.next_look_at = ${dueAt} then least(known.next_look_priority, ${priorityKey})
        else ${priorityKey} end
    where known.looks = ${look}`.execute(trx);
}
