/**
 * One bounded step of an erasure, in one transaction. Its row says how far it is, so it continues after any
 * crash, and a repeated step changes nothing.
 */
import type { Database, TenantWork } from '../database';
import type { ErasureProgress } from '../tables/erasures';
import { blockRecords, holdNames } from './block-records';
import {
  describeItems,
  ERASURE_RECORDS_MAX,
  type ErasureItems,
  findByEmail,
  findNamed,
  findThirdParties,
  readItems,
} from './erasure-items';
import { changeErasure, type Erasure, findErasure } from './erasures';
import { arePushesUnderWay, areWaitedFor, readOutcomes } from './pushes-of-erasure';
import { removeRecords } from './remove-records';
import { WALKED_TABLES, walkTable } from './walk-table';

export interface ErasureLimits {
  /** Rows that one step reads. */
  rowsPerStep: number;
  /** Records that one step blocks or removes. */
  recordsPerStep: number;
  /** Transactions that began before the records were blocked have ended after this time. */
  settleMs: number;
  /** Webhooks and e-mails that were read before names were erased from them have been answered after this. */
  answersMs: number;
  /** Pushes without an answer after this time are reported as unanswered. */
  thirdPartyMs: number;
  /** Everything that was under way when a tenant was deleted has ended after this time. */
  lastPassMs: number;
}

export const ERASURE_LIMITS: ErasureLimits = {
  rowsPerStep: 2_000,
  recordsPerStep: 50,
  settleMs: 30_000,
  answersMs: 60_000,
  thirdPartyMs: 72 * 3_600_000,
  lastPassMs: 15 * 60_000,
};

const ASK_AGAIN_MS = 15_000;

/** Each row of a step is compared with each text of the records: many records have shorter steps. */
const COMPARED_MAX = 20_000_000;
const ROWS_MIN = 100;

export type ErasureStep = { state: 'more' } | { state: 'waiting'; until: Date } | { state: 'ended' };
const MORE: ErasureStep = { state: 'more' };
const ENDED: ErasureStep = { state: 'ended' };

export async function advanceErasure(
  database: Database,
  { tenantId, erasureId }: { tenantId: string; erasureId: string },
  limits: ErasureLimits = ERASURE_LIMITS,
): Promise<ErasureStep> {
  return database.withEraser(tenantId, async (work) => {
    const erasure = await findErasure(work, { erasureId }, { forUpdate: true });
    switch (erasure?.state) {
      case 'finding':
        return find(work, erasure, limits);
      case 'counting':
      case 'erasing':
        return walk(work, erasure, limits);
      case 'blocking':
        return block(work, erasure, limits);
      case 'third_parties':
        return waitForThirdParties(work, erasure, limits);
      case 'removing':
        return remove(work, erasure, limits);
      default:
        return ENDED; // ready or done
    }
  });
}

const START: ErasureProgress = { table: 0, after: null };

/**
 * Receivers and mail servers quote what they were sent. Their answers are erased last: those of receivers are
 * in tables of their own, those of mail servers also beside the texts of e-mails, which are erased before.
 */
const ANSWERS = WALKED_TABLES.indexOf('webhook_attempts');
const SENT = ['events', 'emails', 'notifications'];
const AGAIN = ' again';
const PLACES = [...WALKED_TABLES, ...['emails', 'undeliverable_addresses'].map((table) => table + AGAIN)];

async function find(
  work: TenantWork,
  erasure: Erasure,
  { rowsPerStep }: ErasureLimits,
): Promise<ErasureStep> {
  const { email } = erasure.search;
  if (erasure.progress === null) await describeItems(work, erasure, await findNamed(work, erasure.search));
  let after: string | null = null;
  if (email !== undefined) {
    const found = await findByEmail(work, {
      email,
      after: erasure.progress?.after?.[0] ?? null,
      limit: rowsPerStep,
    });
    const { recordIds: before } = await readItems(work, erasure);
    const room = Math.max(0, ERASURE_RECORDS_MAX - before.length);
    await describeItems(work, erasure, found.recordIds.slice(0, room));
    ({ after } = found);
  }
  const { recordIds } = await readItems(work, erasure);
  if (after !== null && recordIds.length < ERASURE_RECORDS_MAX) {
    await changeErasure(work, erasure, { progress: { table: 0, after: [after] } });
    return MORE;
  }
  await changeErasure(work, erasure, {
    state: 'counting',
    progress: START,
    records: recordIds.length,
    found: { records: recordIds.length },
    thirdParties: await findThirdParties(work, recordIds),
  });
  return MORE;
}

/** Counts what names the records, or erases it, table by table. */
async function walk(work: TenantWork, erasure: Erasure, limits: ErasureLimits): Promise<ErasureStep> {
  const { at, after, until } = placeOf(erasure.progress ?? START);
  const isPreview = erasure.state === 'counting';
  const table = (isPreview ? WALKED_TABLES : PLACES)[at]?.replace(AGAIN, '');
  if (table === undefined) {
    await changeErasure(work, erasure, { state: isPreview ? 'ready' : 'removing', progress: null });
    return isPreview ? ENDED : MORE;
  }
  if (until !== undefined && work.now.getTime() < until) return { state: 'waiting', until: new Date(until) };
  const items = await readItems(work, erasure);
  const step = await walkTable(work, { table, after, limit: rowsOfStep(items, limits), items, isPreview });
  const next = step.after === null ? progressAt(at + 1, null) : progressAt(at, step.after);
  const counts = isPreview ? erasure.found : erasure.erased;
  const added = addCounts(counts, { [table]: step.rows });
  const isAtAnswers = !isPreview && at < ANSWERS && next.table >= ANSWERS;
  const mayBeQuoted = isAtAnswers && SENT.some((sent) => (added[sent] ?? 0) > 0);
  await changeErasure(work, erasure, {
    progress: mayBeQuoted ? { ...next, until: work.now.getTime() + limits.answersMs } : next,
    ...(isPreview ? { found: added } : { erased: added }),
  });
  return MORE;
}

/** Another release may have other tables. If it does not have the named one, the walk starts over. */
function placeOf({ table, name, ...progress }: ErasureProgress) {
  const at = name === undefined ? table : PLACES.indexOf(name);
  return at === -1 ? { at: 0, after: null, until: undefined } : { until: undefined, ...progress, at };
}

function progressAt(table: number, after: string[] | null): ErasureProgress {
  const name = PLACES[table];
  return { table, after, ...(name !== undefined && { name }) };
}

function rowsOfStep(items: ErasureItems, { rowsPerStep }: ErasureLimits): number {
  const texts = items.redactionAt(null).searched('words').length;
  return Math.min(rowsPerStep, Math.max(ROWS_MIN, Math.floor(COMPARED_MAX / texts)));
}

async function block(
  work: TenantWork,
  erasure: Erasure,
  { recordsPerStep, settleMs }: ErasureLimits,
): Promise<ErasureStep> {
  const { recordIds } = await readItems(work, erasure);
  if (erasure.progress === null) {
    await holdNames(work, erasure, recordIds);
    await changeErasure(work, erasure, { progress: START });
    return MORE;
  }
  const from = erasure.progress.table;
  const some = recordIds.slice(from, from + recordsPerStep);
  if (some.length > 0) {
    const deleted = await blockRecords(work, erasure, some);
    const erased = addCounts(erasure.erased, deleted);
    await changeErasure(work, erasure, { erased, progress: { table: from + some.length, after: null } });
    return MORE;
  }
  await changeErasure(work, erasure, { state: 'third_parties', progress: null, blockedAt: work.now });
  return { state: 'waiting', until: new Date(work.now.getTime() + settleMs) };
}

async function waitForThirdParties(
  work: TenantWork,
  erasure: Erasure,
  { settleMs, thirdPartyMs }: ErasureLimits,
): Promise<ErasureStep> {
  const blockedAt = (erasure.blockedAt ?? work.now).getTime();
  const now = work.now.getTime();
  if (now < blockedAt + settleMs) return { state: 'waiting', until: new Date(blockedAt + settleMs) };
  const { recordIds } = await readItems(work, erasure);
  if (now < blockedAt + thirdPartyMs && (await arePushesUnderWay(work, recordIds))) {
    await changeErasure(work, erasure, {});
    return { state: 'waiting', until: new Date(now + ASK_AGAIN_MS) };
  }
  const thirdParties = await readOutcomes(work, erasure.thirdParties, recordIds);
  await changeErasure(work, erasure, { state: 'erasing', progress: START, thirdParties });
  return MORE;
}

async function remove(
  work: TenantWork,
  erasure: Erasure,
  { recordsPerStep }: ErasureLimits,
): Promise<ErasureStep> {
  const { recordIds } = await readItems(work, erasure);
  const some = recordIds.slice(0, recordsPerStep);
  if (some.length === 0) {
    await changeErasure(work, erasure, { state: 'done', search: {}, finishedAt: work.now });
    return ENDED;
  }
  if (await areWaitedFor(work, erasure, some)) {
    await changeErasure(work, erasure, {});
    return { state: 'waiting', until: new Date(work.now.getTime() + ASK_AGAIN_MS) };
  }
  const removed = await removeRecords(work, erasure, some);
  await changeErasure(work, erasure, { erased: addCounts(erasure.erased, removed) });
  return MORE;
}

function addCounts(before: Record<string, number>, more: Record<string, number>): Record<string, number> {
  const counts = { ...before };
  for (const [kind, rows] of Object.entries(more)) if (rows > 0) counts[kind] = (counts[kind] ?? 0) + rows;
  return counts;
}
