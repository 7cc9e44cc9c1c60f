/** Divides a large list into ranges before its first page is read. */
import type { ReadAbilities } from '../../connectors/connector';
import { isAtBeginning, type SyncJob, type SyncRun } from '../../db/pull/job-rows';
import type { PassKey } from '../../db/pull/page';
import { divideJob, listRanges, type SyncRange } from '../../db/pull/ranges/sync-ranges';
import type { OpenConnector, PullingLimits } from '../dependencies';
import { waitForThirdParty } from '../time-box';
import type { PageReader } from './page-reader';
import { readsAll } from './reads-all';

interface Options {
  run: SyncRun;
  opened: OpenConnector;
  ranges: PullingLimits['ranges'];
  divides: boolean;
}

/** The app is not asked for more pages at the same time than it bears calls. */
export function rangesAtOnce({ opened, ranges }: Pick<Options, 'opened' | 'ranges'>): number {
  const { connector, context } = opened;
  return Math.min(ranges.atMost, connector.callsAtOnce?.(context.config) ?? ranges.atMost);
}

/** @returns the ranges of the list; empty: it is read in one piece. */
export async function findRanges(
  pages: PageReader,
  pass: PassKey,
  options: Options,
  { job, abilities, isInitialLoad }: { job: SyncJob; abilities: ReadAbilities; isInitialLoad: boolean },
): Promise<SyncRange[]> {
  const known = await pages.inTenant((work) => listRanges(work, pass));
  const { connector, context } = options.opened;
  const { ranges } = connector;
  const atMost = rangesAtOnce(options);
  const mayDivide =
    options.divides &&
    atMost > 1 &&
    job.pages === 0 &&
    readsAll(job, abilities) &&
    options.run.overviewId === null;
  if (known.length > 0 || !mayDivide || ranges === undefined) return known;
  const { fromRecords } = options.ranges;
  const request = { recordType: pass.recordType, atMost, fromRecords };
  const bounds = await waitForThirdParty(() => ranges(request, context));
  if (bounds === null || bounds.length < 2) return [];
  const expectedRecords = await countFirst(pages, options.run, job, abilities);
  return pages.inTenant(async (work) =>
    (await divideJob(work, pass, { bounds, isInitialLoad, expectedRecords })) ? listRanges(work, pass) : [],
  );
}

/**
 * The size of a list that may change while it is read; compared later with what was read. Pages may report it
 * instead.
 */
export async function countFirst(
  pages: PageReader,
  { scope }: SyncRun,
  job: SyncJob,
  { isPagingStable }: ReadAbilities,
): Promise<number | null> {
  return scope === 'full' && !isPagingStable && isAtBeginning(job) ? pages.count() : null;
}
