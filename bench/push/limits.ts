/** What this machine allows for the same rows and the same bodies, without the service between. */
import type { Pool } from 'pg';
import { newUuid } from '../../db/sql/ids';
import { freePort } from '../../dev/start/ports';
import { answersHttp, waitUntilReady } from '../../dev/start/processes';
import { employees, inBatches } from '../employees';
import { eachOf } from '../measure';
import type { BenchEnvironment } from '../environment';
import { BATCH, REQUESTS_AT_ONCE } from './acceptance';

/**
 * Records, changes and pairs by bare inserts into tables with the same columns and indexes: no checks, no
 * policies, no HTTP. Rows per second.
 */
export async function bareInserts(pool: Pool, count: number): Promise<number> {
  for (const table of ['records', 'record_changes', 'record_syncs']) {
    await pool.query(`drop table if exists bare_${table}`);
    await pool.query(`create table bare_${table} (like ${table} including all)`);
  }
  const tenantId = newUuid();
  const integrationId = newUuid();
  const texts = inBatches(employees(count), BATCH).map((batch) =>
    JSON.stringify(batch.map((employee) => ({ ...employee, record_id: newUuid(), change_id: newUuid() }))),
  );
  const from = `from json_to_recordset($1::json) as row(record_id uuid, change_id uuid, record_type text, external_id text, fields jsonb)`;
  const startedAt = performance.now();
  await eachOf(texts, REQUESTS_AT_ONCE, async (text) => {
    const client = await pool.connect();
    try {
      await client.query('begin');
      await client.query(
        `insert into bare_records (tenant_id, record_id, record_type, external_id, version, fields, occurred_at, changed_at, changed_by, created_at)
         select $2, record_id, record_type, external_id, 1, fields, now(), now(), 'bench', now() ${from}`,
        [text, tenantId],
      );
      await client.query(
        `insert into bare_record_changes (tenant_id, record_id, change_id, version, outcome, is_delete, changed_fields, changed_by, occurred_at, changed_at, request_id)
         select $2, record_id, change_id, 1, 'applied', false, array(select json_object_keys(fields::json)), 'bench', now(), now(), 'bench' ${from}`,
        [text, tenantId],
      );
      await client.query(
        `insert into bare_record_syncs (tenant_id, integration_id, record_id, relevant_version, window_opened_at, due_at, window_reason)
         select $2, $3, record_id, 1, now(), now(), 'quiet' ${from}`,
        [text, tenantId, integrationId],
      );
      await client.query('commit');
    } finally {
      client.release();
    }
  });
  return (count / (performance.now() - startedAt)) * 1_000;
}

/** The same bodies to an Express server that parses them and sends them back. Changes per second. */
export async function bareHttp(environment: BenchEnvironment, count: number): Promise<number> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const server = await environment.startNode('echo', 'bench/push/echo-server.ts', {}, [String(port)]);
  await waitUntilReady(server, () => answersHttp(url));
  const bodies = inBatches(employees(count), BATCH).map((records) => JSON.stringify({ records }));
  const startedAt = performance.now();
  await eachOf(bodies, REQUESTS_AT_ONCE, async (body) =>
    (await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).text(),
  );
  const perSecond = (count / (performance.now() - startedAt)) * 1_000;
  await server.stop();
  return perSecond;
}
