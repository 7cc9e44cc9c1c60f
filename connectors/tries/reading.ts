/** Tries of reading: the list, its second page, its order, and what was modified since a time. */
import type { ReadPage } from '../connector';
import { RecordRejected } from '../errors';
import { fieldsSeen } from './fields-seen';
import { notPossible, passed, problem, type Run, type Step } from './run';

const DAY_MS = 24 * 3_600_000;
const SHOWN_MAX = 10;

function foundIn(page: ReadPage): NonNullable<Step['found']> {
  const times = page.records.flatMap(({ modifiedAt }) => (modifiedAt ? [modifiedAt.toISOString()] : []));
  return {
    records: page.records.length,
    ids: page.records.slice(0, SHOWN_MAX).map(({ remoteId }) => remoteId),
    hasNextPage: page.nextCursor !== null,
    fields: fieldsSeen(page.records.map(({ fields }) => fields)),
    modified: [...times].sort().slice(0, SHOWN_MAX),
  };
}

export function cannotRead(run: Run): Step | undefined {
  const { connector, context } = run.opened;
  const abilities = connector.readAbilities?.(context.config, run.recordType) ?? null;
  if (abilities !== null && connector.readPage !== undefined) return undefined;
  return notPossible(`The definition does not say how to list ${run.recordType}.`);
}

export async function firstPage(run: Run): Promise<ReadPage> {
  run.firstPage ??= await run.read();
  return run.firstPage;
}

export async function list(run: Run): Promise<Step> {
  const page = cannotRead(run) ?? (await firstPage(run));
  if ('outcome' in page) return page;
  const found = foundIn(page);
  const [unreadable] = page.unreadable;
  if (unreadable !== undefined)
    return {
      ...problem(
        run.pointer(unreadable.code === 'no_id' ? 'id' : 'list'),
        unreadable.code,
        unreadable.message,
      ),
      found,
    };
  if (found.records === 0 && !found.hasNextPage)
    return { ...passed('The list is empty. Add records to see what is understood of them.'), found };
  const ids = found.ids.slice(0, 3).join(', ');
  const more = found.hasNextPage ? 'There is a next page.' : 'It is the only page.';
  return { ...passed(`${counted(found)} with the ids ${ids}${ellipsis(found, 3)}. ${more}`), found };
}

const counted = ({ records }: { records: number }, kind = '') =>
  `${records} ${kind}record${records === 1 ? '' : 's'}`;
const ellipsis = ({ records }: { records: number }, shown: number) => (records > shown ? ', …' : '');
const idsOf = ({ records }: ReadPage) => records.map(({ remoteId }) => remoteId);

export async function nextPage(run: Run): Promise<Step> {
  const first = cannotRead(run) ?? (await firstPage(run));
  if ('outcome' in first) return first;
  if (first.nextCursor === null)
    return notPossible(
      'Everything is on one page. Set a smaller `size` in `paging`, or add records, to try the second page. ' +
        'If you know that there are more records, correct `paging`.',
    );
  const second = await run.read(null, first.nextCursor);
  const known = new Set(idsOf(first));
  const repeated = idsOf(second).filter((id) => known.has(id));
  const found = foundIn(second);
  if (repeated.length > 0 && first.mayRepeat !== true)
    return {
      ...problem(
        run.pointer('list/paging'),
        'paging_ignored',
        `The second page repeats ${repeated.length} records of the first one: ${repeated.slice(0, 3).join(', ')}.`,
      ),
      found,
    };
  if (found.records === 0) return { ...passed('The second page is empty, which ends the list.'), found };
  return { ...passed(`The second page has ${counted(found, 'other ')} and repeats none.`), found };
}

export async function sameOrder(run: Run): Promise<Step> {
  const first = cannotRead(run) ?? (await firstPage(run));
  if ('outcome' in first) return first;
  const again = await run.read();
  if (idsOf(first).join('\n') === idsOf(again).join('\n'))
    return passed('The first page has the same records in the same order when it is read again.');
  return problem(
    run.pointer('list/path'),
    'order_changes',
    'The first page has other records, or another order, when it is read again. Without an order, pages miss ' +
      'records: sort the list by something that does not change, such as the id.',
  );
}

export async function modifiedSince(run: Run): Promise<Step> {
  const first = cannotRead(run) ?? (await firstPage(run));
  if ('outcome' in first) return first;
  const { connector, context } = run.opened;
  const abilities = connector.readAbilities?.(context.config, run.recordType);
  if (abilities?.followsSyncToken === true)
    return notPossible(
      'Hourly runs continue from the sync token of the run before, which a try does not keep.',
    );
  if (abilities?.canFilterByModified !== true)
    return notPossible('The definition has no `modified_since`. Every hourly run reads the whole list.');
  const at = run.pointer(
    run.part('changes') === undefined ? 'list/modified_since' : 'changes/modified_since',
  );
  const blind = await isBlind(run, first);
  if (blind) return problem(at, 'filter_blind', blind);
  const since = run.plan.modifiedSince === undefined ? between(first) : new Date(run.plan.modifiedSince);
  if (since === undefined) return inTheFuture(run, first, at);
  const page = await run.read(since);
  const found = foundIn(page);
  const earliest = since.getTime() - graceOf(run);
  const older = page.records.filter(({ modifiedAt }) => modifiedAt && modifiedAt.getTime() < earliest);
  const words = since.toISOString();
  if (older.length > 0)
    return {
      ...problem(
        at,
        'filter_ignored',
        `${older.length} of ${found.records} records were not modified since ${words}.`,
      ),
      found,
    };
  return {
    ...passed(`${counted(found)} modified since ${words}: no older one is listed.`),
    found,
  };
}

/** The filter of some products knows days or seconds alone. */
function graceOf(run: Run): number {
  const { modified_since: filter } = (run.part('changes') ?? run.part('list') ?? {}) as {
    modified_since?: { format?: string };
  };
  return filter?.format === 'date' ? DAY_MS : 1_000;
}

/** A list of changes since ever must not be empty where there are records. */
async function isBlind(run: Run, first: ReadPage): Promise<string | undefined> {
  if (first.records.length === 0) return undefined;
  try {
    const all = await run.read(new Date(0));
    if (all.records.length > 0 || all.nextCursor !== null) return undefined;
    return 'There are records, but none that was modified since 1970, so incremental runs would find nothing.';
  } catch (error) {
    // Some accept recent times alone.
    if (error instanceof RecordRejected) return undefined;
    throw error;
  }
}

/** A time that some records of the page are older than, if the page says when they were modified. */
function between({ records }: ReadPage): Date | undefined {
  const times = records.flatMap(({ modifiedAt }) => (modifiedAt ? [modifiedAt.getTime()] : []));
  const [oldest, newest] = [Math.min(...times), Math.max(...times)];
  return newest > oldest ? new Date(newest) : undefined;
}

async function inTheFuture(run: Run, first: ReadPage, at: string): Promise<Step> {
  const hint =
    'To try more, say where the time of a change is (`modified` of the list), and modify one record.';
  try {
    const future = await run.read(new Date(Date.now() + 365 * DAY_MS));
    if (future.records.length > 0 && idsOf(future).join('\n') === idsOf(first).join('\n'))
      return problem(
        at,
        'filter_ignored',
        'Records that were modified after a time in the future are listed all the same: the filter is ignored.',
      );
    return passed(`No record is listed as modified after a time in the future. ${hint}`);
  } catch (error) {
    if (!(error instanceof RecordRejected)) throw error;
    return passed(`The filter refuses a time in the future, so it is read. ${hint}`);
  }
}
