/** A tenant of which every list about sync runs has two entries at least, and a run at work. */
import { sql } from 'kysely';
import { toTypeId } from '../../../db/sql/ids';
import { saveRecordTypes } from '../../../db/integrations/metadata';
import { changeSyncJob } from '../../../db/sync-runs/sync-jobs';
import { compareSides } from '../../../db/pull/comparison/compare-sides';
import { planDeletions } from '../../../db/pull/delete-missing';
import { givenOnboarded, remote } from './simulated-worker';
import type { GivenTenant, Service } from './service';

export interface RunHistory {
  /** At work. */
  run: string;
  /** Open. */
  conflict: string;
  integration: string;
  /** Pending. */
  review: string;
}

const COUNT = 30;
const all = Array.from({ length: COUNT }, (_, index) =>
  remote(String(index), { email: `double-${index % 2}@example.org` }),
);
const BOTH = {
  record_types: {
    contacts: { direction: 'pull', fields: [{ name: 'email', to: 'email' }], match_by: 'email' },
    deals: { direction: 'pull' },
  },
};

export async function givenRunHistory(service: Service, tenant: GivenTenant): Promise<RunHistory> {
  // Two local records for each remote one, so the match is ambiguous.
  for (const index of [0, 1, 2, 3])
    await tenant.operator
      .put(`/v1/records/contacts/double-${index}`, { fields: { email: `double-${index % 2}@example.org` } })
      .expect(202);
  const worker = await givenOnboarded(service, tenant, { contacts: all.slice(0, 2), deals: all }, BOTH);
  await worker.work(({ trx, now }) =>
    sql`update record_links set updated_at = ${new Date(now.getTime() - 60_000)}`.execute(trx),
  );
  const { integration } = worker;
  const startFull = () =>
    tenant.operator.post(`/v1/integrations/${integration.id}/sync-runs`, { kind: 'full' }).expect(202);

  for (const last of [false, true]) {
    await startFull();
    const run = await worker.begin();
    const refused = [1, 2].map((number) => ({
      remoteId: `bad-${number}`,
      code: 'too_large',
      message: 'The record is too large.',
    }));
    await worker.page(
      run,
      'contacts',
      [remote('new-1', { email: 'x' }), remote('new-2', { email: `y ${String(last)}` })],
      { refused, nextCursor: 'more' },
    );
    await worker.page(run, 'deals', all.slice(0, 2));
    const place = { integrationId: integration.uuid, syncRunId: run.syncRunId, recordType: 'deals' };
    await compareSides((compare) => worker.work(compare), place);
    await worker.work((work) => planDeletions(work, place));
    await worker.work((work) => changeSyncJob(work, place, { state: 'succeeded' }));
    for (const values of [['a'], [`b-${String(last)}`]])
      await worker.work((work) =>
        saveRecordTypes(work, {
          ...place,
          seen: [
            {
              name: 'deals',
              label: 'Deals',
              fields: [{ name: 'x', label: 'X', type: 'string', isRequired: false, values }],
            },
          ],
        }),
      );
    if (!last) await worker.end(run);
    else {
      const review = (await tenant.viewer.get('/v1/deletion-reviews?state=pending').expect(200)).body.data[0]
        .id as string;
      const { body } = await tenant.viewer.get('/v1/sync-conflicts?state=open').expect(200);
      const conflict = body.data[0].id as string;
      return { run: toTypeId('run', run.syncRunId), conflict, integration: integration.id, review };
    }
  }
  throw new Error('No run is at work.');
}
