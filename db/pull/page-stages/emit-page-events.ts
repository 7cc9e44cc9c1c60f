/**
 * Last stage of applying a page: publishes its changes, and decides whether its commit may be asynchronous.
 */
import { type TenantWork, waitForDisk } from '../../database';
import { emitRecordChanges } from '../../records/record-events';
import type { OpenPage } from './open-page';
import type { PageChanges, PageToApply } from '../page';

/**
 * Emits DATA_NEW and DATA_UPDATE (rules.md 40). The commit is synchronous if anyone can act on the changes:
 * an event, a push to another integration, or readers after onboarding. The last page is, and flushes all
 * pages before it (docs/decisions/0018).
 */
export async function emitPageEvents(
  work: TenantWork,
  page: PageToApply,
  { isLocked, isMuted }: Pick<OpenPage, 'isLocked' | 'isMuted'>,
  { drafts }: PageChanges,
  { opensWindows }: { opensWindows: boolean },
): Promise<void> {
  const touched = drafts.filter(({ draft }) => draft.isTouched).map(({ draft }) => draft);
  const isVisible = touched.length > 0 && (opensWindows || !isLocked || !isMuted);
  if (isVisible || page.nextCursor === null) await waitForDisk(work);
  if (touched.length > 0 && !isMuted) await emitRecordChanges(work, page, touched);
}
