/** The stages that write what a merge has decided: records, then record syncs, then links. */
import type { TenantWork } from '../../database';
import { type PageChanges, type PageToApply, pullAuthor } from '../page';
import { updatePageRecordSyncs } from './update-page-record-syncs';
import { writeLinks } from './write-links';
import { writePageRecords } from './write-page-records';

/**
 * `isShared`: see `Interruption`.
 * @returns whether debounce windows were opened for other integrations.
 */
export async function writeChanges(
  work: TenantWork,
  page: PageToApply,
  changes: PageChanges,
  shared: { isShared: boolean } = { isShared: true },
): Promise<boolean> {
  const author = pullAuthor(page);
  await writePageRecords(work, page, changes, author.actor);
  const opensWindows = await updatePageRecordSyncs(work, page, changes, { author, ...shared });
  await writeLinks(work, page, changes);
  return opensWindows;
}
