/** As 2026-12-14-expected-rows, for tables whose rows a step finds by an integration or a run. */
import type { Kysely } from 'kysely';
import { expectManyRows } from '../table-options';

const SCOPES: Record<string, string> = {
  drifts: 'integration_id',
  emptied_records: 'integration_id',
  outage_give_ups: 'integration_id',
  push_references: 'integration_id',
  reference_promises: 'integration_id',
  sync_pages: 'sync_run_id',
};

export const up = (db: Kysely<unknown>): Promise<void> => expectManyRows(db, SCOPES);
