/** All migrations by name, in order. Forward only; a merged migration is never edited: add a new one. */
import type { Migration } from 'kysely';
import * as baseline from './2026-11-28-baseline';

export const migrations: Record<string, Migration> = {
  '2026-11-28-baseline': baseline,
};
