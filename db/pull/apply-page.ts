/**
 * Applies one page of remote records, stage by stage, in one transaction: records, links, record syncs, the
 * page's row, the job's checkpoint and events. After a crash the page was applied completely or not at all,
 * and it counts once (rules.md 35).
 *
 * Stages work on sets of records. Unchanged records (same hash) are only looked up. Locks are taken in this
 * order: the job, the tenant's mappings (shared), records by id, record syncs by record and integration.
 */
import type { TenantWork } from '../database';
import { withoutErased } from '../records/erased-records';
import { countCreated, requireRoom } from '../records/record-counts';
import { countGrowth } from './growth';
import { releaseSeenAgain } from './edited-and-missing';
import { countMissedWebhooks } from './page-stages/missed-webhooks';
import { emitPageEvents } from './page-stages/emit-page-events';
import { matchRecords } from './page-stages/match-records';
import { mergePage } from './page-stages/merge-page';
import { resolvePromises, writePromises } from './page-stages/page-promises';
import { openPage } from './page-stages/open-page';
import { holdEmptied } from './emptied-records';
import type { AppliedPage, CreatingPage } from './page';
import { saveCheckpoint, seenIn } from './page-stages/save-checkpoint';
import { selectReviewed } from './page-stages/select-reviewed';
import { writeChanges } from './page-stages/write-changes';

/**
 * @throws `RecordLimitReached`, `GrowthNeedsReview`
 * @param prefetchNext starts the next request while PostgreSQL works. Not called if no further page may be
 * requested.
 */
export async function applyPage(
  work: TenantWork,
  wholePage: CreatingPage,
  prefetchNext: () => unknown = () => undefined,
): Promise<AppliedPage> {
  const open = await openPage(work, wholePage);
  if (open === undefined) return { kind: 'stopped' };

  const page = open.hasErased ? await withoutErased(work, wholePage) : wholePage;
  const matching = matchRecords(work, page);
  if (!open.isInterrupted) prefetchNext();
  const matches = await matching;
  const resolved = { ...page, records: await resolvePromises(work, page, matches) };
  const merged = await mergePage(work, resolved, matches);
  const { overviewId, recordType } = page;
  const changes =
    overviewId === null ? merged : await selectReviewed(work, { overviewId, recordType }, merged);

  const creates = changes.drafts.filter(({ draft }) => draft.before === null).length;
  await requireRoom(work, page, creates);
  if (open.isCounted) await countGrowth(work, page, creates);
  const opensWindows = await writeChanges(work, page, changes, open);
  await writePromises(work, page, changes);
  if (open.hasEmptied || changes.emptied?.length) await holdEmptied(work, page, changes);
  if (open.hasEditedAndMissing) await releaseSeenAgain(work, page, seenIn(changes));
  const job = await saveCheckpoint(work, page, open, changes, { isInitialLoad: false });
  await countMissedWebhooks(work, page, changes);
  await emitPageEvents(work, page, open, changes, { opensWindows });
  await countCreated(
    work,
    changes.drafts.map(({ draft }) => draft),
  );
  return { kind: 'applied', job, isInterrupted: open.isInterrupted };
}
