/**
 * The audit log: one row per request that changes something, written in its transaction. No role can change
 * or delete a row.
 */
import type { Selectable } from 'kysely';
import type { JsonObject } from '../../domain/json';
import type { TenantWork } from '../database';
import { newUuid } from '../sql/ids';
import { readExamined } from '../sql/examined-page';
import { inIndexOrder } from '../sql/index-order';
import type { AuditLogTable } from '../tables/platform';

export interface AuditEntry {
  /** `key:<name>`, `person:<name>`, `platform`, or `unknown` for a failed sign-in. */
  actor: string;
  /** `<subject>.<past participle>`: `integration.paused`. */
  action: string;
  /** The changed object as callers name it: an id of the API, `employees/e-1`, or null. */
  target: string | null;
  /** Old and new values, without secrets and without the values of records. */
  detail: JsonObject;
  ip: string | null;
  requestId: string;
}

export type AuditRow = Omit<Selectable<AuditLogTable>, 'tenantId'>;

export async function appendAuditEntry(
  { trx, tenantId, now }: TenantWork,
  { detail, ...entry }: AuditEntry,
): Promise<void> {
  await trx
    .insertInto('auditLog')
    .values({ tenantId, auditId: newUuid(), ...entry, detail: JSON.stringify(detail), at: now })
    .execute();
}

/** A filter examines at most this many entries of a page and then returns what it has found. */
const EXAMINED_MAX = 2_500;

/** The newest first. `examinedTo`: the last entry that was examined, if there may be more behind it. */
export async function listAuditEntries(
  work: TenantWork,
  { limit, before, action }: { limit: number; before?: string | undefined; action?: string | undefined },
): Promise<{ entries: AuditRow[]; examinedTo: string | undefined }> {
  const next = work.trx
    .selectFrom('auditLog')
    .select(['auditId', 'actor', 'action', 'target', 'detail', 'ip', 'requestId', 'at'])
    .where('tenantId', '=', work.tenantId)
    .$if(before !== undefined, (query) => query.where('auditId', '<', before ?? ''))
    .orderBy('auditId', 'desc');
  if (action === undefined)
    return { entries: await inIndexOrder(work, () => next.limit(limit).execute()), examinedTo: undefined };
  const entries = work.trx
    .selectFrom(next.limit(EXAMINED_MAX).as('entry'))
    .selectAll()
    .where('action', '=', action)
    .orderBy('auditId', 'desc')
    .limit(limit);
  const end = next
    .clearSelect()
    .select('auditId')
    .offset(EXAMINED_MAX - 1)
    .limit(1);
  const { rows, examinedTo } = await readExamined<AuditRow, string>(work, { page: entries, end, limit });
  return { entries: rows, examinedTo };
}
