/** Peer: one workflow per record, from the first change to the last push less the grace period. */
import fs from 'node:fs';
import type { Client } from '@temporalio/client';
import { newUuid } from '../../db/sql/ids';
import { waitUntilReady } from '../../dev/start/processes';
import { employees, inBatches } from '../employees';
import { eachOf } from '../measure';
import type { BenchEnvironment } from '../environment';
import { BATCH } from './acceptance';
import { acceptChanges, createPeerTenant } from './peer-tables';
import { endOfPeer, type PeerRun } from './peer-run';
import { type RecordWorkflowInput, recordChangedSignal } from './workflow-per-record';

const SIGNALS_AT_ONCE = 40;

export async function runWorkflowPerRecord(
  environment: BenchEnvironment,
  { serverUrl, temporalAddress, temporal }: { serverUrl: string; temporalAddress: string; temporal: Client },
  { count, graceMs }: { count: number; graceMs: number },
): Promise<PeerRun & { eventsPerChange: number }> {
  const databaseUrl = await environment.createDatabase(serverUrl, 'workflow_per_record');
  const pool = environment.pool(databaseUrl);
  const tenant = { tenantId: newUuid(), integrationId: newUuid() };
  const client = await pool.connect();
  await createPeerTenant(client, tenant);
  const env = {
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: temporalAddress,
    TENANT_ID: tenant.tenantId,
    INTEGRATION_ID: tenant.integrationId,
  };
  const worker = await environment.startNode(
    'workflow-per-record',
    'bench/push/workflow-per-record-worker.ts',
    env,
  );
  await waitUntilReady(worker, () => fs.readFileSync(worker.logFile, 'utf8').includes('peer running'));

  const workflowId = (recordId: string) => `record-sync:${tenant.integrationId}:${recordId}`;
  const startedAt = Date.now();
  const recordIds: string[] = [];
  for (const batch of inBatches(employees(count), BATCH)) {
    await client.query('begin');
    // Due a little before the workflow's own deadline: its clock starts when it gets the signal.
    recordIds.push(
      ...(await acceptChanges(
        client,
        tenant,
        batch.map((record) => ({ ...record, record_id: newUuid(), change_id: newUuid() })),
        new Date(Date.now() + graceMs / 2),
      )),
    );
    await client.query('commit');
  }
  client.release();
  await eachOf(recordIds, SIGNALS_AT_ONCE, (recordId) =>
    temporal.workflow.signalWithStart('recordWorkflow', {
      workflowId: workflowId(recordId),
      taskQueue: 'workflow-per-record',
      args: [{ recordId, graceMs } satisfies RecordWorkflowInput],
      signal: recordChangedSignal,
      signalArgs: [{ version: 1 }],
    }),
  );
  const acceptedPerSecond = (count / (Date.now() - startedAt)) * 1_000;
  const endedAt = await endOfPeer(pool, tenant, { count, withinMs: graceMs + 180_000 });
  const { events } = await temporal.workflow.getHandle(workflowId(recordIds[0] as string)).fetchHistory();
  await worker.stop();
  return {
    acceptedPerSecond,
    totalSeconds: (endedAt - startedAt - graceMs) / 1_000,
    eventsPerChange: events?.length ?? 0,
  };
}
