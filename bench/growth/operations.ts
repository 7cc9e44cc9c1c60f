/** What a service does all day, on one tenant, by the functions that api and worker call. */
import pino from 'pino';
import type { Database } from '../../db/database';
import { findIntegration } from '../../db/integrations/integrations';
import { claimDuePushes } from '../../db/push/claim-pushes';
import { listPushes } from '../../db/push/push-log';
import { recordPushResults } from '../../db/push/record-push-results';
import { acceptChanges } from '../../db/records/accept-changes';
import { listRecords } from '../../db/records/records';
import { beginSyncRun } from '../../db/sync-runs/sync-jobs';
import { listSyncStatuses } from '../../db/sync-runs/sync-status-log';
import { listSyncRuns } from '../../db/sync-runs/sync-runs';
import { requestSyncRun } from '../../db/sync-runs/sync-run-requests';
import { OUTAGE_LIMITS } from '../../domain/retry';
import { sweep as sweepOnce } from '../../worker/stalled-work-sweeper';
import { inBatches } from '../employees';
import { type MeasuredTenant, typeOf } from './fill';

export interface Installation {
  database: Database;
  tenant: MeasuredTenant;
}

type Operation = (installation: Installation, round: number) => Promise<void>;

const BATCH = 500;
const LEASE_MS = 60_000;

const times = async (count: number, work: (index: number) => Promise<unknown>): Promise<void> => {
  for (let index = 0; index < count; index += 1) await work(index);
};

/** All records of the tenant change; the changes are due at once. */
const changes: Operation = async ({ database, tenant }, round) => {
  for (const [index] of tenant.integrationIds.entries()) {
    const ofType = Array.from({ length: 1_000 }, (_, n) => ({
      recordType: typeOf(index),
      externalId: `record-${n + 1}`,
      kind: 'put' as const,
      fields: { name: `Name ${n} in round ${round}` },
    }));
    for (const batch of inBatches(ofType, BATCH))
      await database.withTenant(tenant.tenantId, (work) =>
        acceptChanges(work, batch, { actor: 'bench', requestId: 'bench' }, { recordsPerType: 10_000_000 }),
      );
  }
};

/** What the changes before made due is claimed and recorded as pushed. */
const claims: Operation = async ({ database, tenant }) => {
  let pushed = 0;
  for (const integrationId of tenant.integrationIds) {
    for (;;) {
      const now = new Date();
      const taken = await database.withTenant(tenant.tenantId, async (work) => {
        const integration = await findIntegration(work, { integrationId });
        if (integration === undefined) throw new Error('The integration is missing.');
        const { pushes } = await claimDuePushes(work, {
          integration,
          firedAt: now,
          now,
          leaseUntil: new Date(now.getTime() + LEASE_MS),
          giveUpAfterMs: OUTAGE_LIMITS.giveUpAfterMs,
          limit: BATCH,
          onlyWindows: false,
        });
        return pushes;
      });
      if (taken.length === 0) break;
      pushed += taken.length;
      await database.withTenant(tenant.tenantId, (work) =>
        recordPushResults(work, {
          integrationId,
          finished: taken.map((push) => ({
            push,
            outcome: {
              kind: 'succeeded',
              effect: 'updated',
              remoteId: push.remoteId ?? '',
              remoteVersion: null,
            },
          })),
          now,
        }),
      );
    }
  }
  if (pushed !== 10_000) throw new Error(`10,000 changes were due, and ${pushed} were claimed.`);
};

const sweep: Operation = ({ database }) =>
  times(20, () =>
    sweepOnce({ database, handleRow: () => Promise.resolve(), log: pino({ level: 'silent' }) }),
  );

const listPage: Operation = ({ database, tenant }) =>
  times(500, (index) =>
    database.withTenant(tenant.tenantId, async (work) => {
      const integrationId = tenant.integrationIds[index % 10] as string;
      await listRecords(work, { recordType: typeOf(index % 10), limit: 50, withDeleted: false });
      await listPushes(work, { integrationId, limit: 50 });
      await listSyncRuns(work, { integrationId, limit: 50 });
    }),
  );

const syncStatusPage: Operation = ({ database, tenant }) =>
  times(500, () => database.withTenant(tenant.tenantId, (work) => listSyncStatuses(work, { limit: 50 })));

/** A run is requested and started; the transaction is undone, so that each start finds the same. */
const runStart: Operation = ({ database, tenant }) =>
  times(200, async (index) => {
    const integrationId = tenant.integrationIds[index % 10] as string;
    await database
      .withTenant(tenant.tenantId, async (work) => {
        await requestSyncRun(work, { integrationId, kind: 'hourly', startedBy: 'bench' });
        if ((await beginSyncRun(work, { integrationId })) === undefined)
          throw new Error('No run has started.');
        throw new Undone();
      })
      .catch((error: unknown) => {
        if (!(error instanceof Undone)) throw error;
      });
  });

class Undone extends Error {}

export const OPERATIONS: Record<string, Operation> = {
  changes,
  claims,
  sweep,
  list_page: listPage,
  sync_status_page: syncStatusPage,
  run_start: runStart,
};
