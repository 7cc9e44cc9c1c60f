/**
 * The ids of the records that a list held. They are read some pages at a time, and kept in eight bytes each:
 * a set of a million ids takes 8 MB, and about 32 MB at its peak while it is built. A longer list is handled
 * in parts, by the last byte of the ids. Two ids with the same 62 random bits would be taken for one, and the
 * missing one would stay.
 */
import { type RawBuilder, sql } from 'kysely';
import type { TenantWork } from '../../database';
import { opaqueToPlanner } from '../../sql/bulk-rows';
import { isOfPass } from '../ranges/sync-ranges';

export type InTenant = <T>(callback: (work: TenantWork) => Promise<T>) => Promise<T>;

/** The pages of a list: what follows `from`, as `page`. */
export type PagesOf = (tenantId: string) => RawBuilder<unknown>;

export interface Part {
  part: number;
  parts: number;
}

const PAGES_PER_STATEMENT = 10;
const IDS_PER_PART = 1_000_000;
const PARTS_MAX = 256;

/** How many parts a list of `ids` has. */
export const partsFor = (ids: number, idsPerPart = IDS_PER_PART): number =>
  Math.min(PARTS_MAX, Math.max(1, Math.ceil(ids / idsPerPart)));

export const isInPart = (id: string, { part, parts }: Part): boolean =>
  Number.parseInt(id.slice(-2), 16) % parts === part;

export const pagesOfJob =
  ({
    syncRunId,
    recordType,
    firstPage,
  }: {
    syncRunId: string;
    recordType: string;
    firstPage: number;
  }): PagesOf =>
  (tenantId) =>
    sql`sync_pages page where page.tenant_id = ${opaqueToPlanner(tenantId)}
    and page.sync_run_id = ${opaqueToPlanner(syncRunId)} and page.record_type = ${recordType}
    and ${isOfPass(sql`page.page`, sql`${firstPage}::int`)} and page.seen is not null`;

export class SeenIds {
  private readonly sorted: BigUint64Array;

  constructor(ids: readonly Buffer[]) {
    const all = Buffer.concat(ids);
    this.sorted = new BigUint64Array(new Uint8Array(all).buffer).toSorted();
  }

  static async read(inTenant: InTenant, pages: PagesOf, part: Part): Promise<SeenIds> {
    const ids: Buffer[] = [];
    const readAfter = (after: number) => inTenant((work) => readChunk(work, pages, { ...part, after }));
    let chunk = await readAfter(-1);
    ids.push(...chunk.ids);
    while (chunk.after !== null) {
      chunk = await readAfter(chunk.after);
      ids.push(...chunk.ids);
    }
    return new SeenIds(ids);
  }

  has(id: string): boolean {
    const sought = shortened(id);
    let [from, to] = [0, this.sorted.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.sorted[middle] as bigint) < sought) from = middle + 1;
      else to = middle;
    }
    return this.sorted[from] === sought;
  }

  /** How many ids the list held more than once. */
  get repeated(): number {
    return this.sorted.reduce((count, id, at) => count + (at > 0 && this.sorted[at - 1] === id ? 1 : 0), 0);
  }
}

/** Number of repeated records: the list changed while it was read, or contains some records twice. */
export async function countSeenAgain(
  inTenant: InTenant,
  pages: PagesOf,
  { total, idsPerPart }: { total: number; idsPerPart?: number },
): Promise<number> {
  const parts = partsFor(total, idsPerPart);
  let count = 0;
  for (let part = 0; part < parts; part += 1)
    count += (await SeenIds.read(inTenant, pages, { part, parts })).repeated;
  return count;
}

/** The last eight bytes, in the byte order of this machine. */
function shortened(id: string): bigint {
  const bytes = Uint8Array.from(Buffer.from(id.slice(19).replace('-', ''), 'hex'));
  return new BigUint64Array(bytes.buffer)[0] as bigint;
}

async function readChunk(
  { trx, tenantId }: TenantWork,
  pages: PagesOf,
  { part, parts, after }: Part & { after: number },
): Promise<{ ids: Buffer[]; after: number | null }> {
  const { rows } = await sql<{ page: number; ids: Buffer | null }>`
    select page.page, (
      select string_agg(substr(uuid_send(id), 9), ''::bytea) from unnest(page.seen) as id
      where get_byte(uuid_send(id), 15) % ${parts}::int = ${part}::int) as ids
    from (
      select page.page, page.seen from ${pages(tenantId)} and page.page > ${after}::int
      order by page.page limit ${PAGES_PER_STATEMENT}) page
    order by page.page`.execute(trx);
  return {
    ids: rows.flatMap(({ ids }) => ids ?? []),
    after: rows.length < PAGES_PER_STATEMENT ? null : (rows.at(-1)?.page ?? null),
  };
}
