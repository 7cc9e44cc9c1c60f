/** A page of a search for overdue work (stalled-work.ts). */
import type { Work } from '../database';
import type { OutboxMessage } from './outbox';

export type StalledWork = OutboxMessage & { tenantId: string };

export interface StalledWorkSearch {
  overdueSince: Date;
  /** Where the page before ended; undefined = at the beginning. */
  after: string | undefined;
  /** The most that is examined or found in one page. */
  limit: number;
}

export interface StalledWorkPage {
  stalled: StalledWork[];
  /** Where this page ended; undefined = it was the last one. */
  end: string | undefined;
}

export type FindStalledWork = (work: Work, search: StalledWorkSearch) => Promise<StalledWorkPage>;

export const pageOf = <Row>(
  rows: readonly Row[],
  limit: number,
  idOf: (row: Row) => string,
  stalledOf: (row: Row) => StalledWork[],
): StalledWorkPage => {
  const last = rows.at(-1);
  return {
    stalled: rows.flatMap(stalledOf),
    end: last === undefined || rows.length < limit ? undefined : idOf(last),
  };
};
