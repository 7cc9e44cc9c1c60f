/**
 * One dataset of an overview. Pull: read as a full pass would, written as items. Push: what they hold is compared with what they
 * should hold; where they cannot be read, with what was sent last. Also what a plain Sync Now finds out before it pushes.
 */
import type { Database, TenantWork } from '../../db/database';
import type { Integration } from '../../db/integrations/integrations';
import {
  compareOurs,
  comparePage,
  hasPreviewedTwice,
  previewDeletions,
  previewPage,
} from '../../db/overviews/build-overview';
import {
  announceOverview,
  changeOverviewJob,
  endOverviewJob,
  lockOverviewJob,
  type OverviewJob,
} from '../../db/overviews/overviews';
import { countLinked } from '../../db/sync-runs/sync-datasets';
import type { SyncError } from '../../domain/sync-error';
import { DatasetFailed, endless, suspiciouslyEmpty } from '../pull/dataset-reader';
import type { OpenConnector } from '../dependencies';
import { createPagePreparation } from '../pull/prepare-page';

export interface OverviewReaderOptions {
  database: Database;
  tenantId: string;
  overviewId: string;
  integration: Integration;
  opened: OpenConnector;
  job: OverviewJob;
  isWithinTimeBox(): boolean;
}

const OURS_AT_ONCE = 500;
const REPEATED_PAGES_MAX = 3;
const EMPTY_PAGES_MAX = 100;
const ANNOUNCE_EVERY_MS = 1_000;

export class OverviewReader {
  private job: OverviewJob;
  private announcedAt = 0;

  constructor(private readonly parts: OverviewReaderOptions) {
    this.job = parts.job;
  }

  /** `done`: the job has ended, or is no longer wanted. @throws what the connector throws, and `DatasetFailed`. */
  async run(): Promise<'done' | 'more'> {
    const { connector, context } = this.parts.opened;
    const { direction, recordType } = this.job;
    const abilities =
      connector.readPage === undefined
        ? null
        : (connector.readAbilities?.(context.config, recordType) ?? null);
    if (direction === 'pull' && abilities === null) return this.end('not_supported');
    await this.begin(abilities !== null);
    return direction === 'pull' ? this.preview(abilities?.isPagingStable ?? false) : this.compare();
  }

  private async begin(isReadable: boolean): Promise<void> {
    if (this.job.startedAt !== null && this.job.state === 'running') return;
    const comparedWith =
      this.job.direction === 'pull' ? null : isReadable ? ('third_party' as const) : ('last_push' as const);
    await this.inTenant((work) =>
      changeOverviewJob(work, this.job, {
        state: 'running',
        startedAt: this.job.startedAt ?? work.now,
        comparedWith,
        waitingUntil: null,
        error: null,
      }),
    );
    await this.reload();
  }

  private async preview(isPagingStable: boolean): Promise<'done' | 'more'> {
    const { integration, overviewId } = this.parts;
    const { recordType } = this.job;
    const prepare = createPagePreparation(integration.recordTypes[recordType]);
    const read = await this.readAll(async (page, checkpoint) => {
      const prepared = prepare(page);
      const toApply = {
        ...prepared,
        integration,
        syncRunId: overviewId,
        recordType,
        pagesBefore: this.job.pages,
        requestedAt: page.requestedAt,
      };
      return this.inTenant((work) => previewPage(work, this.job, toApply, checkpoint));
    });
    if (read !== 'done') return read === 'more' ? 'more' : 'done';
    const held = await this.inTenant((work) =>
      countLinked(work, { integrationId: integration.integrationId, recordType }),
    );
    if (this.job.recordsRead === 0 && held > 0) throw suspiciouslyEmpty(recordType, held);
    if (!isPagingStable && !(await this.addsUp())) throw listChanged(recordType);
    await this.inTenant((work) => previewDeletions(work, this.job, integration));
    return this.end('succeeded');
  }

  private async compare(): Promise<'done' | 'more'> {
    const { integration } = this.parts;
    const isReadable = this.job.comparedWith === 'third_party';
    // They are read to their end before what is left of ours says what they lack.
    if (isReadable && !this.isRead) {
      const read = await this.readAll(({ records }, checkpoint) =>
        this.inTenant((work) =>
          comparePage(work, this.job, { integration, pagesBefore: this.job.pages, records }, checkpoint),
        ),
      );
      if (read !== 'done') return read === 'more' ? 'more' : 'done';
    }
    while (this.job.readFinishedAt === null) {
      const job = await this.inTenant((work) =>
        compareOurs(work, this.job, { integration, isReadable, limit: OURS_AT_ONCE }),
      );
      if (job === undefined) return 'done';
      this.job = job;
      await this.announce();
      if (job.readFinishedAt === null && !this.parts.isWithinTimeBox()) return 'more';
    }
    return this.end('succeeded');
  }

  private async readAll(
    write: (
      page: Awaited<ReturnType<NonNullable<OpenConnector['connector']['readPage']>>> & { requestedAt: Date },
      checkpoint: { cursor: string | null; isLast: boolean; total: number | null },
    ) => Promise<OverviewJob | undefined>,
  ): Promise<'done' | 'more' | 'stopped'> {
    const { connector, context } = this.parts.opened;
    const { recordType } = this.job;
    if (connector.readPage === undefined) throw new Error(`The connector ${connector.kind} reads nothing.`);
    while (this.job.readFinishedAt === null && !this.isRead) {
      if (!this.parts.isWithinTimeBox()) return 'more';
      const requestedAt = await this.inTenant((work) => Promise.resolve(work.now));
      const page = await connector.readPage(
        { recordType, modifiedSince: null, cursor: this.job.cursor },
        context,
      );
      if (page.nextCursor !== null && page.nextCursor === this.job.cursor) throw endless(recordType);
      const isLast = page.nextCursor === null;
      const total = page.total ?? (this.job.pages === 0 && isPulled(this.job) ? await this.count() : null);
      const job = await write(
        { ...page, requestedAt },
        { cursor: isLast ? READ : page.nextCursor, isLast, total },
      );
      if (job === undefined) return 'stopped';
      this.job = job;
      await this.announce();
      if (job.repeatedPages >= (page.records.length === 0 ? EMPTY_PAGES_MAX : REPEATED_PAGES_MAX))
        throw endless(recordType);
    }
    return 'done';
  }

  /** True once their last page was seen. */
  private get isRead(): boolean {
    return this.job.pages > 0 && this.job.cursor === READ;
  }

  /** As many were read as the list said it holds, at its beginning and at its end, and none twice. */
  private async addsUp(): Promise<boolean> {
    const total = (await this.count()) ?? this.job.recordsRead;
    if (total !== this.job.recordsRead || (this.job.expectedRecords ?? total) !== total) return false;
    return !(await this.inTenant((work) => hasPreviewedTwice(work, this.job)));
  }

  private async count(): Promise<number | null> {
    const { connector, context } = this.parts.opened;
    return (await connector.count?.(this.job.recordType, context)) ?? null;
  }

  /** At most once a second, however fast the pages come. */
  private async announce(): Promise<void> {
    const now = performance.now();
    if (now - this.announcedAt < ANNOUNCE_EVERY_MS) return;
    this.announcedAt = now;
    const { overviewId, integration } = this.parts;
    await this.inTenant((work) =>
      announceOverview(work, { overviewId, integrationId: integration.integrationId }),
    );
  }

  private async end(state: 'succeeded' | 'not_supported'): Promise<'done'> {
    await this.inTenant((work) => endOverviewJob(work, this.job, { state }));
    return 'done';
  }

  private async reload(): Promise<void> {
    this.job = (await this.inTenant((work) => lockOverviewJob(work, this.job))) ?? this.job;
  }

  private inTenant<T>(work: (context: TenantWork) => Promise<T>): Promise<T> {
    return this.parts.database.withTenant(this.parts.tenantId, work);
  }
}

/** In the place of a cursor: there is no further page. Longer than a page number, and no third party's word. */
const READ = 'syncline:read';

const isPulled = ({ direction }: OverviewJob): boolean => direction === 'pull';

function listChanged(recordType: string): DatasetFailed {
  const syncError: SyncError = {
    category: 'transient',
    origin: 'app',
    code: 'list_changed',
    field: null,
    remote_field: null,
    message: `${recordType}: the list changed while it was read, so what is missing cannot be told.`,
    explanation: 'Ask for another Sync Overview.',
  };
  return new DatasetFailed(syncError);
}
