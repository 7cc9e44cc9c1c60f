/** Lists of history say since when they are complete (rules.md 62): what is older may have been deleted. */
import type { z } from 'zod';
import type { Work } from '../../db/database';
import type { Retention } from '../../domain/retention';
import type { RouteServices } from '../dependencies';
import { instant, toInstant } from './common-schemas';
import { listOf } from './pagination';

export const oldestKeptAt = instant.meta({
  description: 'The list is complete from this time on. Older items may have been deleted.',
});

export const historyOf = <Item extends z.ZodType>(item: Item) =>
  listOf(item).extend({ oldest_kept_at: oldestKeptAt });

export const keptSince = (
  { now }: Pick<Work, 'now'>,
  { config }: Pick<RouteServices, 'config'>,
  kind: keyof Retention,
): Date => new Date(now.getTime() - config.retention[kind] * 86_400_000);

export const withOldestKept = <Body extends object>(body: Body, since: Date) => ({
  ...body,
  oldest_kept_at: toInstant(since),
});
