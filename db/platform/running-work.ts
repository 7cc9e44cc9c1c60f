/**
 * Work is announced before it runs and withdrawn when it ends, however it ends. What a dead worker had
 * announced is still there. All but the last two functions need the dispatcher's role.
 */
import { type Selectable, sql } from 'kysely';
import { blame, type WorkKind } from '../../domain/running-work';
import type { TenantWork, Work } from '../database';
import { newUuid } from '../sql/ids';
import type { RunningWorkTable } from '../tables/platform';

/** A worker renews its announcements every two seconds. */
const DEAD_AFTER_MS = 10_000;

export type RunningWork = Selectable<RunningWorkTable>;

export interface AnnouncedWork {
  tenantId: string;
  kind: WorkKind;
  subjectId: string;
  job: string;
  integrationId: string | null;
}

export interface Announcement {
  /** `later`: another suspect runs in this worker, or it is too early to judge another worker. */
  state: 'running' | 'parked' | 'later';
  isSuspect: boolean;
  /** Parked by this call. */
  newlyParked: RunningWork[];
}

interface Announcer {
  workerId: string;
  runsSuspect: boolean;
  /** The worker has reached the database for long enough: others had the same chance to renew. */
  mayJudge: boolean;
}

export async function announceWork(
  work: Work,
  announced: AnnouncedWork,
  { workerId, runsSuspect, mayJudge }: Announcer,
): Promise<Announcement> {
  // Further executions of a queue would do the work that is to run alone, or not at all.
  const isFurther = announced.kind === 'push' && announced.job !== '';
  const first = isFurther ? await findWork(work, { ...announced, job: '' }).executeTakeFirst() : undefined;
  if (first?.isSuspect === true)
    return { state: first.parkedAt === null ? 'later' : 'parked', isSuspect: true, newlyParked: [] };
  const values = { ...announced, workId: newUuid(), workerId, seenAt: work.now, parkedAt: null };
  const { numInsertedOrUpdatedRows } = await work.trx
    .insertInto('runningWork')
    .values(values)
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows === 1n) return { state: 'running', isSuspect: false, newlyParked: [] };

  const found = await findWork(work, announced).executeTakeFirst();
  if (found === undefined) return { state: 'later', isSuspect: false, newlyParked: [] };
  const isOrphan = found.workerId !== null && found.workerId !== workerId && isDead(found, work.now);
  if (isOrphan && !mayJudge) return { state: 'later', isSuspect: false, newlyParked: [] };
  const newlyParked = isOrphan ? await blameWorker(work, found.workerId as string) : [];
  // Locked last: other announcements that blame the same worker lock its rows in the same order.
  const current = await findWork(work, announced).forUpdate().executeTakeFirst();
  // Other work of that worker is to blame.
  if (current === undefined) return { state: 'later', isSuspect: false, newlyParked };
  const { isSuspect } = current;
  if (current.parkedAt !== null) return { state: 'parked', isSuspect, newlyParked };
  if (isSuspect && runsSuspect) return { state: 'later', isSuspect, newlyParked };
  await work.trx
    .updateTable('runningWork')
    .set({ workerId, seenAt: work.now })
    .where('tenantId', '=', current.tenantId)
    .where('workId', '=', current.workId)
    .execute();
  return { state: 'running', isSuspect, newlyParked };
}

const isDead = ({ seenAt }: RunningWork, now: Date): boolean =>
  now.getTime() - seenAt.getTime() > DEAD_AFTER_MS;

function findWork({ trx }: Work, { tenantId, kind, subjectId, job }: AnnouncedWork) {
  return trx
    .selectFrom('runningWork')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('kind', '=', kind)
    .where('subjectId', '=', subjectId)
    .where('job', '=', job);
}

/** Blames the work of a dead worker. @returns what is parked by it. */
async function blameWorker({ trx, now }: Work, workerId: string): Promise<RunningWork[]> {
  const underWay = await trx
    .selectFrom('runningWork')
    .selectAll()
    .where('workerId', '=', workerId)
    .where('parkedAt', 'is', null)
    .orderBy('workId')
    .forUpdate()
    .execute();
  const verdicts = blame(underWay);
  for (const { work, deaths, isParked } of verdicts)
    await trx
      .updateTable('runningWork')
      .set({ workerId: null, isSuspect: true, deaths, parkedAt: isParked ? now : null })
      .where('tenantId', '=', work.tenantId)
      .where('workId', '=', work.workId)
      .execute();
  await trx.deleteFrom('runningWork').where('workerId', '=', workerId).execute();
  return verdicts.filter(({ isParked }) => isParked).map(({ work, deaths }) => ({ ...work, deaths }));
}

export type Place = Pick<AnnouncedWork, 'tenantId' | 'kind' | 'subjectId' | 'job'> & { workerId: string };

/** It ended: with a result or an error, but the worker lives. */
export async function withdrawWork({ trx }: Work, place: Place): Promise<void> {
  await sql`delete from running_work where ${isAt(place)}`.execute(trx);
}

/** It got further than where the worker died before. */
export async function clearSuspicion({ trx }: Work, place: Place): Promise<void> {
  await sql`update running_work set is_suspect = false, deaths = 0 where ${isAt(place)}`.execute(trx);
}

const isAt = ({ tenantId, kind, subjectId, job, workerId }: Place) =>
  sql`tenant_id = ${tenantId} and kind = ${kind} and subject_id = ${subjectId} and job = ${job}
    and worker_id = ${workerId}`;

/** It was announced and has not begun. */
export async function postponeWork({ trx }: Work, place: Place): Promise<void> {
  await sql`update running_work set worker_id = null where ${isAt(place)}`.execute(trx);
}

export async function renewAnnouncements({ trx, now }: Work, workerId: string): Promise<void> {
  await trx.updateTable('runningWork').set({ seenAt: now }).where('workerId', '=', workerId).execute();
}

/** At the end of a worker that stops as it should. */
export async function withdrawAll({ trx }: Work, workerId: string): Promise<void> {
  await trx.deleteFrom('runningWork').where('workerId', '=', workerId).execute();
}

/** Parked work of a tenant, the newest first, before `before` (its id). */
export async function listParkedWork(
  { trx, tenantId }: TenantWork,
  { limit, before }: { limit: number; before?: string | undefined },
): Promise<RunningWork[]> {
  let query = trx.selectFrom('runningWork').selectAll().where('tenantId', '=', tenantId);
  if (before !== undefined) query = query.where('workId', '<', before);
  return query.where('parkedAt', 'is not', null).orderBy('workId', 'desc').limit(limit).execute();
}

/** Of all tenants. Needs the dispatcher's role. */
export async function countParkedWork({ trx }: Work): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::float8 as count from running_work where parked_at is not null`.execute(trx);
  return rows[0]?.count ?? 0;
}

/** Lets it run once more, as the only suspect: one more death parks it again. */
export async function retryParkedWork(
  { trx, tenantId }: TenantWork,
  workId: string,
): Promise<RunningWork | undefined> {
  return trx
    .updateTable('runningWork')
    .set((eb) => ({ parkedAt: null, deaths: eb('deaths', '-', 1) }))
    .where('tenantId', '=', tenantId)
    .where('workId', '=', workId)
    .where('parkedAt', 'is not', null)
    .returningAll()
    .executeTakeFirst();
}
