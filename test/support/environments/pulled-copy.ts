/** What Syncline holds of a list server's datasets, compared record by record. Straight from its database: there are many. */
import { Client } from 'pg';
import { fromTypeId } from '../../../db/sql/ids';
import type { ListServer } from '../servers/list-server';

export interface Copy {
  /** How many of theirs differ from ours or are missing here, and how many of ours are gone there. */
  differences: number;
  held: number;
  /** Pages that are noted more than once, or out of order. */
  pagesNotedWrongly: number;
}

export async function compareCopy(
  databaseUrl: string,
  integrationId: string,
  lists: ListServer,
  dataset: string,
): Promise<Copy> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const parameters = [fromTypeId('int', integrationId), dataset];
    const { rows } = await client.query<{ remote_id: string; name: string }>(
      `select link.remote_id, record.fields->>'name' as name from record_links link join records record using (tenant_id, record_id)
       where link.integration_id = $1 and link.record_type = $2 and record.deleted_at is null`,
      parameters,
    );
    const theirs = lists.held(dataset);
    const same = rows.filter(({ remote_id: id, name }) => theirs.get(id) === name).length;
    const pages = await client.query<{ wrong: number }>(
      `select coalesce(sum(abs(numbered.page - numbered.expected)), 0)::int as wrong from (
         select page.page, row_number() over (partition by page.sync_run_id order by page.page) - 1 as expected
         from sync_pages page join sync_runs run using (tenant_id, sync_run_id)
         where run.integration_id = $1 and page.record_type = $2 and page.seen is not null) numbered`,
      parameters,
    );
    return {
      differences: theirs.size - same + (rows.length - same),
      held: rows.length,
      pagesNotedWrongly: pages.rows[0]?.wrong ?? -1,
    };
  } finally {
    await client.end();
  }
}
