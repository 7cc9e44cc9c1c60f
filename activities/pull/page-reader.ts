/**
 * Reads a third party's list page by page, for pull jobs and for overviews. Stops at the end of the list, at
 * the end of the time box, or when the caller stops it, and recognizes lists that never end.
 */
import { AsyncResource } from 'node:async_hooks';
import { measurePage } from '../latency';
import { waitForThirdParty } from '../time-box';
import { noteProgress } from '../work-progress';
import type { ReadAbilities, ReadPage } from '../../connectors/connector';
import { RecordRejected, SyncTokenExpired } from '../../connectors/errors';
import { PageMemory } from '../../connectors/page-memory';
import type { Commit, Database, TenantWork } from '../../db/database';
import { CandidatesMissing, saveCandidates } from '../../db/pull/page-stages/match-candidates';
import { hasOpenReview, releaseListed } from '../../db/pull/comparison/listed-again';
import { findOurIds } from '../../db/records/references/find-ids';
import type { Integration } from '../../db/integrations/integrations';
import { referenceFields, referencesIn, referredKey, withOurIds } from '../../domain/records/references';
import { recordLimitOf } from '../../db/records/record-counts';
import { sanitizeForPostgres } from '../../db/sql/sanitize-text';
import type { OpenConnector } from '../dependencies';
import { CursorExpired, endlessList, tooManyRecords } from './dataset-failed';

export interface PageReaderOptions {
  database: Database;
  tenantId: string;
  opened: OpenConnector;
  integration: Pick<Integration, 'integrationId'>;
  recordType: string;
  /** Of a tenant without a limit of its own. A longer list is not read to its end. */
  recordsPerType: number;
  isWithinTimeBox(): boolean;
  /** A refusal to continue the list is thrown as `CursorExpired`. */
  restartsExpired?: boolean;
}

/** A page of the third party with its prepared records. */
export interface FetchedPage<Prepared> extends ReadPage {
  prepared: Prepared;
  /** The start of the latest transaction before the request, by the database's clock. */
  requestedAt: Date;
  memory: PageMemory;
}

export interface ReadRequest<Prepared> {
  cursor: string | null;
  modifiedSince: Date | null;
  /** Set if the list follows sync tokens and the next one is kept; null = everything is read. */
  syncToken?: string | null | undefined;
  /** Of the list; undefined = all of it. */
  range?: string | undefined;
  /** Reads a page otherwise than from the list. */
  fetch?: ((cursor: string | null) => Promise<ReadPage>) | undefined;
  /** Called as soon as a page has arrived, while the page before may still be written. */
  prepare(page: ReadPage): Prepared | Promise<Prepared>;
}

interface PageResult {
  /**
   * Number of consecutive pages, this one included, that were empty or contained only records that were read
   * before.
   */
  repeatedPages: number;
  /** Since the first page of the list. */
  recordsRead: number;
  isEmpty: boolean;
  /** No further page may be requested. */
  isInterrupted: boolean;
}

/**
 * Stores a page. @param prefetchNext requests the next page ahead of time; may be called more than once.
 * @returns 'stopped' if the job has ended or another worker has continued with it.
 */
export type ApplyPage<Prepared> = (
  page: FetchedPage<Prepared>,
  prefetchNext: () => unknown,
) => Promise<PageResult | 'stopped'>;

/**
 * `done`: the whole list was read. `more`: call again later. `stopped`: the caller's `ApplyPage` returned it.
 */
export type ReadOutcome = 'done' | 'more' | 'stopped';

/** Number of consecutive repeated pages after which a list counts as endless. */
const REPEATED_PAGES_MAX = 3;
/**
 * Number of consecutive empty pages after which a list counts as endless. Some third parties filter after
 * paging and send empty pages.
 */
const EMPTY_PAGES_MAX = 100;
const ANNOUNCE_INTERVAL_MS = 1_000;

export class PageReader {
  private announcedAt = 0;
  private readonly memories = new Set<PageMemory>();
  private transactionBeganAt = new Date(0);
  /** Records of the type were missing, and will be deleted unless they are listed again. */
  private isInReview = false;

  constructor(private readonly options: PageReaderOptions) {}

  /** null: the connector cannot read this record type. */
  get abilities(): ReadAbilities | null {
    const { connector, context } = this.options.opened;
    if (connector.readPage === undefined) return null;
    return connector.readAbilities?.(context.config, this.options.recordType) ?? null;
  }

  private get dataset() {
    const { integration, recordType } = this.options;
    return { integrationId: integration.integrationId, recordType };
  }

  /** If a page fails, the pages before it are stored. @throws `DatasetFailed`, and the connector's errors. */
  async readAll<Prepared>(request: ReadRequest<Prepared>, apply: ApplyPage<Prepared>): Promise<ReadOutcome> {
    try {
      return await this.readEach(request, apply);
    } finally {
      for (const memory of this.memories) memory.end(); // also of a page that was requested ahead
      this.memories.clear();
    }
  }

  private async readEach<Prepared>(
    request: ReadRequest<Prepared>,
    apply: ApplyPage<Prepared>,
  ): Promise<ReadOutcome> {
    const { recordType, recordsPerType } = this.options;
    const limit = await this.inTenant(async (work) => {
      // No review begins while a run reads: a full pass makes one once it has read its list.
      this.isInReview = await hasOpenReview(work, this.dataset);
      return recordLimitOf(work, recordsPerType);
    });
    let { cursor } = request;
    let requested = this.requestPage(request, cursor);
    for (;;) {
      const page = await requested;
      const { nextCursor } = page;
      if (nextCursor !== null && nextCursor === cursor) throw endlessList(recordType);
      const mayContinue = nextCursor !== null && this.options.isWithinTimeBox();
      // No part of the transaction in which it is called, which does not wait for it.
      const requestNext = memoize(
        AsyncResource.bind(() => (mayContinue ? this.requestPage(request, nextCursor) : undefined)),
      );

      const result = await apply(page, requestNext);
      page.memory.end();
      this.memories.delete(page.memory);
      await noteProgress();
      if (result === 'stopped') return 'stopped';
      const repeatedMax = result.isEmpty || page.mayRepeat === true ? EMPTY_PAGES_MAX : REPEATED_PAGES_MAX;
      if (result.repeatedPages >= repeatedMax) throw endlessList(recordType);
      if (result.recordsRead > limit) throw tooManyRecords(recordType, limit);
      if (nextCursor === null) return 'done';
      const next = result.isInterrupted ? undefined : requestNext();
      if (next === undefined) return 'more';
      cursor = nextCursor;
      requested = next;
    }
  }

  private async requestPage<Prepared>(
    { modifiedSince, syncToken, range, fetch, prepare }: ReadRequest<Prepared>,
    cursor: string | null,
  ): Promise<FetchedPage<Prepared>> {
    const { opened, recordType } = this.options;
    const { connector, context } = opened;
    const { readPage } = connector;
    if (readPage === undefined) throw new Error(`The connector ${connector.kind} cannot read records.`);
    const requestedAt = this.transactionBeganAt;
    const request = { recordType, modifiedSince, syncToken, cursor, range };
    const memory = new PageMemory();
    this.memories.add(memory);
    const read = () => memory.reading(() => fetch?.(cursor) ?? readPage(request, context));
    const hasArrived = measurePage(connector.kind);
    const page = await waitForThirdParty(read).catch((error: unknown) => {
      if (error instanceof SyncTokenExpired) throw error;
      const isRefused = error instanceof RecordRejected && !error.isForbidden;
      throw isRefused && cursor !== null && this.options.restartsExpired ? new CursorExpired(error) : error;
    });
    hasArrived();
    if (this.isInReview) await this.inTenant((work) => releaseListed(work, this.dataset, listedIn(page)));
    const known = await this.withOurIds(page);
    return { ...known, prepared: await prepare(known), requestedAt, memory };
  }

  /** From here on, references to other records are in our ids (docs/decisions/0033). */
  private async withOurIds(page: ReadPage): Promise<ReadPage> {
    const { opened, recordType, integration } = this.options;
    const mapping = opened.context.mappings[recordType];
    if (mapping === undefined || referenceFields(mapping).length === 0) return page;
    const wanted = page.records.flatMap(({ fields }) => referencesIn(mapping, fields));
    const ids = await this.inTenant((work) => findOurIds(work, integration.integrationId, wanted));
    const records = page.records.map((record) => ({
      ...record,
      fields: withOurIds(mapping, record.fields, (one) => ids.get(referredKey(one))),
    }));
    return { ...page, records };
  }

  /** Number of records in the remote list; null if the third party does not report it. */
  async count(): Promise<number | null> {
    const { connector, context } = this.options.opened;
    return (await connector.count?.(this.options.recordType, context)) ?? null;
  }

  /** True at most once a second, however fast the pages are read. */
  shouldAnnounce(): boolean {
    const now = performance.now();
    if (now - this.announcedAt < ANNOUNCE_INTERVAL_MS) return false;
    this.announcedAt = now;
    return true;
  }

  /** One transaction, once the candidates for matching by a field are stored, if it needs them. */
  async applying<T>(
    apply: (work: TenantWork) => Promise<T>,
    { isOpen, commit }: { isOpen(work: TenantWork): Promise<boolean>; commit?: Commit },
  ): Promise<T> {
    try {
      return await this.inTenant(apply, commit);
    } catch (error) {
      if (!(error instanceof CandidatesMissing)) throw error;
      await saveCandidates((callback) => this.inStep(callback), error.candidates, { isOpen });
      return this.inTenant(apply, commit);
    }
  }

  private async inStep<T>(callback: (work: TenantWork) => Promise<T>): Promise<T> {
    const done = await this.inTenant(callback);
    await noteProgress();
    return done;
  }

  inTenant<T>(callback: (work: TenantWork) => Promise<T>, commit?: Commit): Promise<T> {
    return this.options.database.withTenant(
      this.options.tenantId,
      (work) => {
        this.transactionBeganAt = work.now;
        return callback(work);
      },
      commit,
    );
  }
}

/**
 * True if the number of records read equals the size of the list, both when reading began and now. Records
 * that were read twice have to be excluded separately: one of them can make up for one that was missed.
 */
export function addsUp(
  { recordsRead, expectedRecords }: { recordsRead: number; expectedRecords: number | null },
  total: number,
): boolean {
  return total === recordsRead && (expectedRecords ?? total) === total;
}

/** The ids of all records that a page shows to exist, readable or not. */
function listedIn({ records, unreadable }: ReadPage): string[] {
  // Of a record that is listed twice, the later entry counts.
  const isThere = new Map(records.map(({ remoteId, isDeleted }) => [remoteId, !isDeleted]));
  for (const { remoteId } of unreadable) if (remoteId !== null) isThere.set(remoteId, true);
  return sanitizeForPostgres([...isThere.keys()].filter((remoteId) => isThere.get(remoteId)));
}

/** Calls `request` once. The caller that awaits the page handles its rejection. */
function memoize<T>(request: () => Promise<T> | undefined): () => Promise<T> | undefined {
  let made: { result: Promise<T> | undefined } | undefined;
  return () => {
    if (made === undefined) {
      made = { result: request() };
      made.result?.catch(() => undefined);
    }
    return made.result;
  };
}
