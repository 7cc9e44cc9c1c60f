/**
 * The ids of the records that a list held. They are read some pages at a time, and kept in eight bytes each:
 * a set of a million ids takes 16 MB, and about 32 MB at its peak while it is built. A longer list is handled
 * in parts, by the last byte of the ids. Two ids with the same 62 random bits would be taken for one, and the
 * missing one would stay.
 */
import { setImmediate } from 'node:timers/promises';
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

export const ID_BYTES = 16;
const SHORT_BYTES = 8;
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
  /** A hash table of pairs of numbers. Both are 0 at an empty place. */
  private readonly table: Uint32Array;
  #repeated = 0;

  /** `ids`: the last eight bytes of each id. `room`: the number of ids for which there is space. */
  constructor(ids: readonly Buffer[], room = countOf(ids)) {
    this.table = new Uint32Array(2 ** (Math.ceil(Math.log2(room + 1)) + 2));
    for (const bytes of ids) this.addAll(bytes);
  }

  /** How many ids the list held more than once. */
  get repeated(): number {
    return this.#repeated;
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
    const seen = new SeenIds([], countOf(ids));
    for (const bytes of ids) {
      seen.addAll(bytes);
      await setImmediate(); // a million ids take a quarter of a second
    }
    return seen;
  }

  has(id: string): boolean {
    return this.hasAt(bytesOf(id), 0);
  }

  /** @param ids sixteen bytes each. @returns those that the list did not contain. */
  missingOf(ids: Buffer): string[] {
    const missing: string[] = [];
    for (let at = 0; at < ids.length; at += ID_BYTES) if (!this.hasAt(ids, at)) missing.push(idAt(ids, at));
    return missing;
  }

  private hasAt(ids: Buffer, at: number): boolean {
    const place = this.placeOf(headOf(ids, at + SHORT_BYTES), ids.readUInt32BE(at + SHORT_BYTES + 4));
    return this.table[place] !== 0;
  }

  private addAll(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += SHORT_BYTES) {
      const [first, second] = [headOf(bytes, at), bytes.readUInt32BE(at + 4)];
      const place = this.placeOf(first, second);
      if (this.table[place] !== 0) this.#repeated += 1;
      this.table[place] = first;
      this.table[place + 1] = second;
    }
  }

  /** Where the id is, or would be. At most half of the places are taken. */
  private placeOf(first: number, second: number): number {
    const { table } = this;
    const mask = table.length - 1;
    let place = (first << 1) & mask; // the lower bits are random, also within a part
    while (table[place] !== 0 && (table[place] !== first || table[place + 1] !== second))
      place = (place + 2) & mask;
    return place;
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

const countOf = (ids: readonly Buffer[]): number =>
  ids.reduce((sum, { length }) => sum + length / SHORT_BYTES, 0);

/** The first bit belongs to the variant, which is the same in all ids of Syncline, so no id becomes 0. */
const headOf = (ids: Buffer, at: number): number => (ids.readUInt32BE(at) | 0x8000_0000) >>> 0;

const bytesOf = (id: string): Buffer => Buffer.from(id.replaceAll('-', ''), 'hex');

function idAt(ids: Buffer, at: number): string {
  const digits = ids.toString('hex', at, at + ID_BYTES);
  const [a, b, c] = [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16)];
  return `${a}-${b}-${c}-${digits.slice(16, 20)}-${digits.slice(20)}`;
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
