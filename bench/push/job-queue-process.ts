/**
 * The same service on a job queue: graphile-worker with a job per record, `jobKey` replacing the waiting one
 * on each change. Arguments: `accept <port>`, `run` or `run squeezed`. The tenant comes in the environment.
 */
import { createRequire } from 'node:module';
import path from 'node:path';
import express from 'express';
import { Pool } from 'pg';
import { newUuid } from '../../db/sql/ids';
import type { Employee } from '../employees';
import { pushOneSqueezed } from './peer-squeezed';
import { acceptChanges, pushOne } from './peer-tables';

interface GraphileWorker {
  run(options: {
    connectionString: string;
    taskList: object;
    noHandleSignals: boolean;
    preset: object;
  }): Promise<{ promise: Promise<void> }>;
  WorkerPreset: object;
}

const environment = (name: string): string => process.env[name] ?? '';
const connectionString = environment('DATABASE_URL');
const tenant = { tenantId: environment('TENANT_ID'), integrationId: environment('INTEGRATION_ID') };
const JOBS_AT_ONCE = 20;
const pool = new Pool({ connectionString, max: JOBS_AT_ONCE });

/** Record, change, pair and job in one transaction. */
async function accept(records: Employee[], dueAt: Date): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const recordIds = await acceptChanges(
      client,
      tenant,
      records.map((record) => ({ ...record, record_id: newUuid(), change_id: newUuid() })),
      dueAt,
    );
    await client.query(
      `select count(*) from graphile_worker.add_jobs(array(
         select row('push', json_build_object('recordId', record_id), null, $2::timestamptz, 25::smallint, 'push:' || record_id, 0::smallint, null)::graphile_worker.job_spec
         from unnest($1::uuid[]) as row(record_id)))`,
      [recordIds, dueAt],
    );
    await client.query('commit');
  } finally {
    client.release();
  }
}

function serve(port: number): void {
  const app = express();
  app.use(express.json({ limit: '2mb' }));
  app.get('/', (_request, response) => void response.json({}));
  app.post('/', (request, response, next) => {
    const { records } = request.body as { records: Employee[] };
    accept(records, new Date(Date.now() + Number(environment('GRACE_MS')))).then(
      () => response.status(202).json({}),
      next,
    );
  });
  app.listen(port, '127.0.0.1');
}

/**
 * Settings as its documentation advises for throughput: a local queue, completions in batches, and a short
 * poll.
 */
async function work(): Promise<void> {
  const { run, WorkerPreset } = createRequire(path.resolve(__dirname, '../peers/package.json'))(
    'graphile-worker',
  ) as GraphileWorker;
  const push = process.argv[3] === 'squeezed' ? pushOneSqueezed : pushOne;
  const taskList = {
    push: ({ recordId }: { recordId: string }) => push(pool, tenant, { recordId, pushId: newUuid() }),
  };
  const worker = {
    concurrentJobs: JOBS_AT_ONCE,
    maxPoolSize: JOBS_AT_ONCE + 2,
    pollInterval: 100,
    localQueue: { size: 500 },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
  };
  const { promise } = await run({
    connectionString,
    taskList,
    noHandleSignals: true,
    preset: { extends: [WorkerPreset], worker },
  });
  console.log('peer running');
  await promise;
}

if (process.argv[2] === 'accept') serve(Number(process.argv[3]));
else void work();
