/** A list that cannot be continued where it was read last, because its cursor or sync token has expired. */
import { SyncTokenExpired } from '../../connectors/errors';
import type { PassKey } from '../../db/pull/page';
import { restartPass } from '../../db/pull/pass-state';
import { CursorExpired } from './dataset-failed';
import type { PageReader } from './page-reader';

/** Lets the pass start over, a few times before the dataset fails. Other errors are thrown again. */
export async function restartIfExpired(
  pages: PageReader,
  pass: PassKey,
  error: unknown,
  at: { range?: number | undefined; pages: number },
): Promise<'more'> {
  const isTokenExpired = error instanceof SyncTokenExpired;
  if (!isTokenExpired && !(error instanceof CursorExpired)) throw error;
  const from = { ...at, readsAll: isTokenExpired };
  if (await pages.inTenant((work) => restartPass(work, pass, from))) return 'more';
  throw isTokenExpired ? error : error.refusal;
}
