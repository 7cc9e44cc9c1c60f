/**
 * In an initial load the records of a page are inserted while the page before is still being stored, on a
 * connection of their own. Their transaction then waits for its turn: it makes every check of a page and
 * stores the checkpoint once the page before was committed. So a checkpoint says only what is stored, and a
 * page that is not wanted any more leaves nothing behind (docs/decisions/0017).
 */
import type { Commit, Database, TenantWork } from '../../db/database';
import { type BulkInsert, insertInitialPage } from '../../db/pull/apply-initial-page';
import type { AppliedPage, PassKey, PreparedPage, PullTarget } from '../../db/pull/page';
import { isDatabaseAway } from '../../db/sql/database-away';

/** Applies the page of the inserted records. */
type ApplyInserted = (work: TenantWork) => Promise<AppliedPage>;
type PageRecords = Pick<PreparedPage, 'records'>;
type InTenant = <T>(callback: (work: TenantWork) => Promise<T>, commit?: Commit) => Promise<T>;

/** Nothing of the page is stored. Without `outcome` the page can be applied as if nothing had happened. */
class NotStored extends Error {
  constructor(readonly outcome?: AppliedPage) {
    super('The page was not stored.');
  }
}

interface InsertAhead {
  bulk: BulkInsert;
  /** Continues its transaction, or takes it back. Resolves to undefined if the page is still to be applied. */
  end(apply: ApplyInserted | undefined): Promise<AppliedPage | undefined>;
}

export class InsertsAhead {
  /** Remote ids of the page that is being applied. */
  private applying: ReadonlySet<string> | undefined;
  private next: InsertAhead | undefined;
  private isOver = false;

  constructor(
    private readonly database: Pick<Database, 'hasSpareConnections'>,
    private readonly pages: { inTenant: InTenant },
    private readonly pass: PassKey,
  ) {}

  /**
   * Inserts the records of the next page, unless other work needs the connections. A record that is also on
   * the page before would wait for that page, which it must not do while it waits for its turn.
   */
  begin(target: PullTarget, { page, bulk }: { page: PageRecords; bulk: BulkInsert | undefined }): void {
    const { applying } = this;
    const { records } = page;
    if (bulk === undefined || this.isOver || applying === undefined || this.next !== undefined) return;
    if (records.length === 0 || records.some(({ remoteId }) => applying.has(remoteId))) return;
    if (!this.database.hasSpareConnections) return;
    const insert = (work: TenantWork) => insertInitialPage(work, { ...target, ...this.pass }, bulk);
    this.next = insertAhead(this.pages, bulk, insert);
  }

  /**
   * The turn of a page: applies it if its records were inserted, and allows the next page to be inserted.
   * @returns undefined if the page is still to be applied.
   */
  async apply(
    { records }: PageRecords,
    bulk: BulkInsert | undefined,
    apply: ApplyInserted,
  ): Promise<AppliedPage | undefined> {
    const { next } = this;
    this.next = undefined;
    this.applying = bulk && new Set(records.map(({ remoteId }) => remoteId));
    return next?.end(next.bulk === bulk ? apply : undefined);
  }

  /** No page follows. */
  async end(): Promise<void> {
    this.isOver = true;
    await this.next?.end(undefined);
  }
}

function insertAhead(
  pages: { inTenant: InTenant },
  bulk: BulkInsert,
  insert: (work: TenantWork) => Promise<void>,
): InsertAhead {
  let giveTurn: (apply: ApplyInserted | undefined) => void = () => undefined;
  const turn = new Promise<ApplyInserted | undefined>((resolve) => (giveTurn = resolve));
  let hasBegun = false;
  let isApplying = false;
  const inserted = pages.inTenant(
    async (work) => {
      if (hasBegun) throw new NotStored(); // not again after a collision
      hasBegun = true;
      await insert(work);
      const apply = await turn;
      isApplying = apply !== undefined;
      const applied = await apply?.(work).catch((error: unknown) => {
        throw isDatabaseAway(error) ? new NotStored() : error; // it may have waited for too long
      });
      if (applied?.kind !== 'applied') throw new NotStored(applied);
      return applied;
    },
    { waitsForDisk: false },
  );
  inserted.catch(() => undefined); // until its turn
  return {
    bulk,
    async end(apply) {
      giveTurn(apply);
      try {
        return await inserted;
      } catch (error) {
        if (error instanceof NotStored) return error.outcome;
        if (isApplying) throw error;
        return undefined;
      }
    },
  };
}
