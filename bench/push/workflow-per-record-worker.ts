/** The worker of the peer with a workflow per record. The tenant comes in the environment. */
import { NativeConnection, Worker } from '@temporalio/worker';
import { Pool } from 'pg';
import { newUuid } from '../../db/sql/ids';
import { pushOne } from './peer-tables';

async function main(): Promise<void> {
  const environment = (name: string): string => process.env[name] ?? '';
  const tenant = { tenantId: environment('TENANT_ID'), integrationId: environment('INTEGRATION_ID') };
  const pool = new Pool({ connectionString: environment('DATABASE_URL'), max: 20 });
  const worker = await Worker.create({
    connection: await NativeConnection.connect({ address: environment('TEMPORAL_ADDRESS') }),
    taskQueue: 'workflow-per-record',
    workflowsPath: require.resolve('./workflow-per-record'),
    maxCachedWorkflows: 2_000, // all of them: none is replayed
    activities: {
      async pushRecord({ recordId, version }: { recordId: string; version: number }): Promise<number> {
        await pushOne(pool, tenant, { recordId, pushId: newUuid() });
        return version;
      },
    },
  });
  console.log('peer running');
  await worker.run();
}

void main();
