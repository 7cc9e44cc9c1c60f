/**
 * Finds the records that spoil a page (rules.md 51): halves of it are applied on trial until each is found.
 */
import { blamesNoRow } from '../../db/sql/database-away';
import type { PageToApply, PulledRecord, RecordError } from '../../db/pull/page';

/** More bad records than this are an error of the whole page. */
const SPOILERS_MAX = 20;

/**
 * @param attempt applies a page and takes it back; rejects if the page cannot be applied.
 * @returns the page with its bad records refused; undefined if no record alone spoils it, or too many do.
 */
export async function withoutSpoilers<Page extends PageToApply>(
  page: Page,
  attempt: (page: Page) => Promise<void>,
): Promise<Page | undefined> {
  const spoilers = new Map<PulledRecord, unknown>();
  const isSpoiled = async (records: readonly PulledRecord[]): Promise<boolean> => {
    if (records.length === 0 || spoilers.size > SPOILERS_MAX) return false;
    try {
      await attempt({ ...page, records, tombstones: [], refused: [] });
      return false;
    } catch (error) {
      if (blamesNoRow(error)) throw error;
      const [only, ...others] = records;
      if (only !== undefined && others.length === 0) spoilers.set(only, error);
      return true;
    }
  };
  const search = async (records: readonly PulledRecord[]): Promise<void> => {
    if (!(await isSpoiled(records)) || records.length === 1) return;
    const half = records.length >> 1;
    await search(records.slice(0, half));
    await search(records.slice(half));
  };
  await search(page.records);
  if (spoilers.size === 0 || spoilers.size > SPOILERS_MAX) return undefined;
  return {
    ...page,
    records: page.records.filter((record) => !spoilers.has(record)),
    refused: [
      ...page.refused,
      ...[...spoilers].map(([{ remoteId }, error]) => cannotBeStored(remoteId, error)),
    ],
  };
}

function cannotBeStored(remoteId: string, error: unknown): RecordError {
  return {
    remoteId,
    code: 'cannot_be_stored',
    message: `The record cannot be stored: ${error instanceof Error ? error.message : String(error)}`,
  };
}
