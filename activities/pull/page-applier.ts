/** Applies pages of a dataset, each in one transaction, which says at most once a second how far it is. */
import { type TenantWork, waitForDisk } from '../../db/database';
import { endNamedRecords } from '../../db/integrations/incoming/incoming-changes';
import { appendStreamEvent } from '../../db/platform/change-feed';
import { applyInitialPage, type BulkInsert } from '../../db/pull/apply-initial-page';
import { applyPage } from '../../db/pull/apply-page';
import { GrowthNeedsReview, parkGrowth } from '../../db/pull/growth';
import { lockSyncJob } from '../../db/pull/job-rows';
import type { AppliedPage, CreatingPage, PassKey } from '../../db/pull/page';
import { JobHasEnded } from '../../db/pull/page-stages/save-checkpoint';
import { RecordLimitReached } from '../../db/records/record-counts';
import { isCutShort, isDatabaseAway } from '../../db/sql/database-away';
import { growthNeedsReview, tooManyRecords } from './dataset-failed';
import type { InsertsAhead } from './insert-ahead';
import { idsOf } from './named-records';
import { withoutSpoilers } from './page-bisection';
import type { PageReader } from './page-reader';

export interface PageAttempt {
  page: CreatingPage;
  /** Set if all its records are inserted as new ones. */
  bulk: BulkInsert | undefined;
  /** Only these records are read, and their changes are named no more. */
  isNamed: boolean;
  prefetchNext(): unknown;
}

export class PageApplier {
  constructor(
    private readonly pages: PageReader,
    private readonly pass: PassKey,
    private readonly ahead: InsertsAhead,
  ) {}

  /**
   * A page that cannot be applied is applied without the records that spoil it. The commit is asynchronous
   * where the page allows it: a lost page is read again, from the checkpoint lost with it.
   */
  async apply(attempt: PageAttempt): Promise<AppliedPage> {
    const { page, bulk, prefetchNext } = attempt;
    try {
      const inserted = await this.ahead.apply(page, bulk, (work) =>
        this.applyIn(work, attempt, { bulk, isInserted: true }),
      );
      return inserted ?? (await this.applyOnce(attempt));
    } catch (error) {
      if (isDatabaseAway(error) || isCutShort(error)) throw error;
      if (error instanceof JobHasEnded) return { kind: 'stopped' };
      if (error instanceof GrowthNeedsReview) await this.park(error);
      if (error instanceof RecordLimitReached) throw tooManyRecords(error.recordType, error.limit);
      const rest = await withoutSpoilers(page, async (part) => this.tryPage(part));
      if (rest === undefined) throw error;
      return this.applyOnce({ ...attempt, page: rest, bulk: undefined, prefetchNext });
    }
  }

  private async park({ growth }: GrowthNeedsReview): Promise<never> {
    await this.pages.inTenant((work) => parkGrowth(work, this.pass, growth));
    throw growthNeedsReview(this.pass.recordType, growth);
  }

  /** Applies a page and takes it back. */
  private async tryPage(page: CreatingPage): Promise<void> {
    const takenBack = new Error('Only an attempt.');
    await this.pages
      .inTenant(async (work) => {
        await applyPage(work, page);
        throw takenBack;
      })
      .catch((error: unknown) => {
        if (error !== takenBack) throw error;
      });
  }

  private async applyOnce(attempt: PageAttempt): Promise<AppliedPage> {
    let { bulk } = attempt;
    return this.pages.applying(
      async (work) => {
        const first = bulk;
        bulk = undefined; // The transaction is repeated if one of the records exists.
        return this.applyIn(work, attempt, { bulk: first, isInserted: false });
      },
      {
        isOpen: async (work) => (await lockSyncJob(work, this.pass))?.finishedAt === null,
        commit: { waitsForDisk: false },
      },
    );
  }

  private async applyIn(
    work: TenantWork,
    { page, isNamed, prefetchNext }: PageAttempt,
    { bulk, isInserted }: { bulk: BulkInsert | undefined; isInserted: boolean },
  ): Promise<AppliedPage> {
    const applied =
      bulk === undefined
        ? await applyPage(work, page, prefetchNext)
        : await applyInitialPage(work, page, bulk, { isInserted, prefetchNext });
    if (applied.kind === 'applied' && isNamed)
      await endNamedRecords(work, { ...this.pass, remoteIds: idsOf(page) });
    if (applied.kind === 'applied' && this.pages.shouldAnnounce()) await this.announce(work);
    return applied;
  }

  private async announce(work: TenantWork): Promise<void> {
    // Readers of the change feed continue after this transaction, so it must not be lost.
    await waitForDisk(work);
    const { integrationId, syncRunId } = this.pass;
    await appendStreamEvent(work, {
      topic: 'sync_runs',
      body: { integration_id: integrationId, sync_run_id: syncRunId },
    });
  }
}
