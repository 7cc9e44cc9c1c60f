/** All migrations by name, in order. Forward only; a merged migration is never edited: add a new one. */
import type { Migration } from 'kysely';
import * as baseline from './2026-11-28-baseline';
import * as callPause from './2026-11-28-call-pause';

export const migrations: Record<string, Migration> = {
  '2026-11-28-baseline': baseline,
  '2026-11-28-call-pause': callPause,
};
