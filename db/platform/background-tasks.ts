/**
 * Work that grows with data (rules.md 60). A request writes what was decided and does the first few rows; a
 * workflow of its own does the others in chunks. A chunk and its place in the row of the task are one
 * transaction, so a chunk that was interrupted is repeated, and no row is done twice.
 */
import { type Selectable, sql, type RawBuilder } from 'kysely';
import type { TenantWork } from '../database';
import { newUuid } from '../sql/ids';
import type { BackgroundTasksTable } from '../tables/platform';
import { enqueue } from './outbox';

/** Rows that the request does itself, so that small work needs no workflow. */
const ROWS_IN_REQUEST = 100;

export type BackgroundTask = Selectable<BackgroundTasksTable>;

export interface Chunk {
  rows: number;
  /** Where the next chunk begins; null = there is none. */
  next: Pick<BackgroundTask, 'step' | 'cursor'> | null;
}

/** Does at most `limit` rows from the task's place on. */
export type DoChunk = (work: TenantWork, task: BackgroundTask, limit: number) => Promise<Chunk>;

export async function beginBackgroundTask(
  work: TenantWork,
  input: Pick<BackgroundTask, 'integrationId' | 'kind' | 'subjectId' | 'requestedBy'>,
  doChunk: DoChunk,
): Promise<BackgroundTask> {
  const begun = await work.trx
    .insertInto('backgroundTasks')
    .values({
      ...input,
      tenantId: work.tenantId,
      backgroundTaskId: newUuid(),
      cursor: null,
      createdAt: work.now,
      updatedAt: work.now,
      finishedAt: null,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  const task = await advance(work, begun, { doChunk, limit: ROWS_IN_REQUEST });
  if (task.finishedAt === null)
    await enqueue(work, {
      topic: 'background_task',
      backgroundTaskId: task.backgroundTaskId,
      nextDueAt: work.now,
    });
  return task;
}

/** Does the next chunk, unless the task has finished. @returns undefined if there is no such task. */
export async function advanceBackgroundTask(
  work: TenantWork,
  {
    backgroundTaskId,
    limit,
    doChunkOf,
  }: { backgroundTaskId: string; limit: number; doChunkOf: (kind: BackgroundTask['kind']) => DoChunk },
): Promise<BackgroundTask | undefined> {
  const task = await work.trx
    .selectFrom('backgroundTasks')
    .selectAll()
    .where('tenantId', '=', work.tenantId)
    .where('backgroundTaskId', '=', backgroundTaskId)
    .forUpdate()
    .executeTakeFirst();
  if (task === undefined || task.finishedAt !== null) return task;
  return advance(work, task, { doChunk: doChunkOf(task.kind), limit });
}

async function advance(
  work: TenantWork,
  task: BackgroundTask,
  { doChunk, limit }: { doChunk: DoChunk; limit: number },
): Promise<BackgroundTask> {
  const { rows, next } = await doChunk(work, task, limit);
  return work.trx
    .updateTable('backgroundTasks')
    .set({
      doneRows: task.doneRows + rows,
      ...(next ?? { cursor: null }),
      updatedAt: work.now,
      finishedAt: next === null ? work.now : null,
    })
    .where('tenantId', '=', work.tenantId)
    .where('backgroundTaskId', '=', task.backgroundTaskId)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** The unfinished tasks of these integrations. */
export async function listBackgroundTasks(
  { trx, tenantId }: TenantWork,
  { integrationIds }: { integrationIds: readonly string[] },
): Promise<BackgroundTask[]> {
  if (integrationIds.length === 0) return [];
  return trx
    .selectFrom('backgroundTasks')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('integrationId', 'in', integrationIds)
    .where('finishedAt', 'is', null)
    .orderBy('backgroundTaskId')
    .execute();
}

/**
 * False for rows of a deleted integration that a task has still to remove. `column` holds the id of the
 * integration.
 */
export const isOfExistingIntegration = (tenantId: string, column: string): RawBuilder<boolean> =>
  sql<boolean>`${sql.ref(column)} <> all (array(
    select removed.integration_id from background_tasks removed
    where removed.tenant_id = ${tenantId} and removed.kind = 'delete_integration'
      and removed.finished_at is null))`;
