/** The events of runs and of records, on skipped time (rules.md 38 to 40). */
import { sql } from 'kysely';
import { RecordRejected, Unauthorized, Unavailable } from '../../../connectors/errors';
import { giveUpWaiting, unreachableError } from '../../../db/integrations/outage-pushes';
import { decideDeletionReview } from '../../../db/pull/decide-deletion-review';
import { lockDeletionReview } from '../../../db/pull/deletion-reviews';
import { emitSyncMilestone } from '../../../db/sync-runs/sync-jobs';
import { toTypeId } from '../../../db/sql/ids';
import { OUTAGE_LIMITS } from '../../../domain/retry';
import { PushEnvironment, type TestTenant } from '../../support/environments/push-environment';
import { eventsOf } from '../../support/clients/events';
import {
  BOTH_WAYS,
  CONTACTS,
  fill,
  people,
  CrmIntegration,
} from '../../support/environments/crm-integration';

let environment: PushEnvironment;
let tenant: TestTenant;
const HOUR = 3_600_000;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  environment.limit();
  tenant = await environment.tenant();
});

const down = ({ account }: CrmIntegration) => {
  account.beforePage = account.beforeCheck = () => {
    throw new Unavailable('connect ECONNREFUSED');
  };
};
const well = ({ account }: CrmIntegration) => {
  account.beforePage = account.beforeCheck = () => undefined;
};
/** An onboarded integration, without the events of its onboarding. */
const linked = async (count: number, settings: Parameters<typeof CrmIntegration.link>[1] = {}) => {
  const pulled = await CrmIntegration.onboarded(tenant, settings, fill(environment, count));
  await environment.sleep(600_000);
  await pulled.inTenant(({ trx }) =>
    sql`select set_config('role', 'none', true), 1`
      .execute(trx)
      .then(() => sql`delete from events`.execute(trx)),
  );
  return pulled;
};

describe('rule 38: SYNC_COMPLETE', () => {
  it('is sent at the end of each scheduled run, with its jobs and the state of each dataset', async () => {
    const pulled = await CrmIntegration.onboarded(
      tenant,
      { recordTypes: { contacts: CONTACTS, companies: CONTACTS } },
      fill(environment, 2),
    );
    const [run] = await pulled.runs();
    expect(await eventsOf(tenant, 'SYNC_COMPLETE')).toEqual([
      {
        integration_id: toTypeId('int', pulled.integrationId),
        sync_run_id: toTypeId('run', run?.syncRunId ?? ''),
        kind: 'onboarding',
        successful_jobs: 2,
        failed_jobs: 1,
        is_sync_finished: true,
        is_first_sync: true,
        datasets: [
          { record_type: 'companies', state: 'failed' },
          { record_type: 'contacts', state: 'succeeded' },
        ],
      },
    ]);
    await pulled.sync('hourly');
    await pulled.sync('nightly');
    expect(
      (await eventsOf(tenant, 'SYNC_COMPLETE')).map(({ kind, is_first_sync }) => [kind, is_first_sync]),
    ).toEqual([
      ['onboarding', true],
      ['hourly', false],
      ['nightly', false],
    ]);
  });

  it('is sent by a requested run that a scheduled one has joined, and the run reads metadata (rule 30)', async () => {
    const pulled = await linked(1);
    const partial = await pulled.request('full', { recordTypes: ['contacts'] });
    const joined = await pulled.request('nightly', { localDate: '2026-11-28' });
    await pulled.settle();

    expect(joined).toEqual({ syncRunId: partial.syncRunId, isCoalesced: true });
    expect(await pulled.run(partial.syncRunId)).toMatchObject({
      kind: 'full',
      standsFor: ['full', 'nightly'],
      recordTypes: null,
      state: 'succeeded',
    });
    expect(await eventsOf(tenant, 'SYNC_COMPLETE')).toMatchObject([
      { kind: 'nightly', sync_run_id: toTypeId('run', partial.syncRunId), is_sync_finished: true },
    ]);
  });

  it('is sent by an hourly run that a wider request has turned into a full one', async () => {
    const pulled = await linked(1);
    await pulled.request('hourly');
    const { syncRunId } = await pulled.request('full');
    await pulled.settle();

    expect(await eventsOf(tenant, 'SYNC_COMPLETE')).toMatchObject([
      { kind: 'hourly', is_sync_finished: true },
    ]);
    expect(await pulled.job(syncRunId, '')).toMatchObject({ state: 'succeeded' });
  });

  it('is not sent by a run that was requested', async () => {
    const pulled = await linked(1);
    for (const kind of ['full', 'incremental', 'sign_in', 'last_day', 'drift_repair'] as const)
      await pulled.sync(kind);
    expect(await eventsOf(tenant, 'SYNC_COMPLETE')).toEqual([]);
  });

  it('is sent with false at 12 h and at 24 h of an outage of 30 h, and then with true once', async () => {
    environment.limit({ probeEachMs: HOUR });
    const pulled = await linked(3);
    down(pulled);
    const syncRunId = await pulled.begin('nightly');
    await environment.sleep(30 * HOUR);
    const unfinished = {
      kind: 'nightly',
      is_sync_finished: false,
      is_first_sync: false,
      failed_jobs: 1,
      successful_jobs: 1,
    };
    expect(await eventsOf(tenant, 'SYNC_COMPLETE')).toMatchObject([unfinished, unfinished]);
    await pulled.inTenant((work) => emitSyncMilestone(work, { syncRunId, count: 2 }));

    well(pulled);
    await pulled.settle();
    const sent = await eventsOf(tenant, 'SYNC_COMPLETE');
    expect(sent.map(({ is_sync_finished }) => is_sync_finished)).toEqual([false, false, true]);
    expect(sent.at(-1)).toMatchObject({
      failed_jobs: 0,
      successful_jobs: 2,
      datasets: [{ record_type: 'contacts', state: 'succeeded' }],
    });
    await pulled.inTenant((work) => emitSyncMilestone(work, { syncRunId, count: 3 }));
    expect(await eventsOf(tenant, 'SYNC_COMPLETE')).toHaveLength(3);
  });

  it('is sent with true once for a run that is canceled before it read anything, and for one whose integration is deleted', async () => {
    environment.limit({ probeEachMs: HOUR });
    const pulled = await linked(1);
    down(pulled);
    // Requested and canceled before the workflow gets the signal: no dataset has begun.
    const { syncRunId } = await pulled.request('nightly');
    await pulled.cancel(syncRunId);
    await pulled.settle();
    expect(await eventsOf(tenant, 'SYNC_COMPLETE')).toMatchObject([{ is_sync_finished: true, datasets: [] }]);

    await pulled.begin('nightly');
    await environment.sleep(13 * HOUR);
    await pulled.remove();
    await environment.sleep(HOUR);
    expect((await eventsOf(tenant, 'SYNC_COMPLETE')).map(({ is_sync_finished }) => is_sync_finished)).toEqual(
      [true, false, true],
    );
  });
});

describe('rule 39: FIRST_SYNC_COMPLETE', () => {
  it('is sent with SYNC_COMPLETE and the totals, and never again', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 4));
    await pulled.sync('nightly');
    await pulled.sync('hourly');
    const [first, ...more] = await eventsOf(tenant, 'FIRST_SYNC_COMPLETE');
    expect(first).toMatchObject({
      kind: 'onboarding',
      is_first_sync: true,
      is_sync_finished: true,
      totals: [{ record_type: 'contacts', records: 4 }],
    });
    expect(more).toEqual([]);
  });

  it('is sent after a full pass with a success: metadata alone is not one', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, (account) => account.types.clear());
    await pulled.sync('nightly');
    expect(await eventsOf(tenant, 'FIRST_SYNC_COMPLETE')).toEqual([]);
    expect((await eventsOf(tenant, 'SYNC_COMPLETE')).map(({ is_first_sync }) => is_first_sync)).toEqual([
      true,
      true,
    ]);

    pulled.account.type('contacts');
    await pulled.account.put('contacts', 'p1', { name: 'Ada' });
    await pulled.sync('nightly');
    expect(await eventsOf(tenant, 'FIRST_SYNC_COMPLETE')).toMatchObject([{ kind: 'nightly' }]);
  });

  it('is not sent by a requested full run, but with the next SYNC_COMPLETE', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, (account) => account.types.clear());
    pulled.account.type('contacts');
    await pulled.sync('full');
    expect(await eventsOf(tenant, 'FIRST_SYNC_COMPLETE')).toEqual([]);
    await pulled.sync('hourly');
    expect(await eventsOf(tenant, 'FIRST_SYNC_COMPLETE')).toMatchObject([{ kind: 'hourly' }]);
  });

  it('is sent once for each integration', async () => {
    for (const count of [1, 2]) await CrmIntegration.onboarded(tenant, {}, fill(environment, count));
    expect((await eventsOf(tenant, 'FIRST_SYNC_COMPLETE')).map(({ totals }) => totals)).toEqual([
      [{ record_type: 'contacts', records: 1 }],
      [{ record_type: 'contacts', records: 2 }],
    ]);
  });
});

describe('rule 40: records', () => {
  it('have no events until the first full pass ended', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 10));
    expect((await pulled.held()).size).toBe(10);
    expect(await eventsOf(tenant, 'DATA_NEW')).toEqual([]);
  });

  it('have events after a requested full run where no schedule will end the first pass', async () => {
    const off = { isHourlySyncOn: false, nightlySyncAt: null };
    const pulled = await CrmIntegration.link(tenant, off, (account) => account.types.clear());
    await pulled.settle();
    pulled.account.type('contacts');
    await pulled.account.put('contacts', 'p1', { name: 'Ada' });
    await pulled.sync('full');
    await environment.sleep(600_000);
    await pulled.account.put('contacts', 'p2', { name: 'Bob' });
    await pulled.sync('full');

    expect(await eventsOf(tenant, 'DATA_NEW')).toMatchObject([
      { records: [{ external_id: await pulled.externalId('p2') }] },
    ]);
  });

  it('that are new, changed and deleted have events with ids and the names of changed fields; unchanged ones have none', async () => {
    const pulled = await linked(4);
    await pulled.account.put('contacts', 'p000', { name: 'Ada', email: 'p000@example.org' });
    await pulled.account.put('contacts', 'new', { name: 'New', email: 'new@example.org' });
    const gone = await pulled.externalId('p003');
    await pulled.account.remove('contacts', 'p003');
    const run = await pulled.sync('nightly');

    const place = {
      integration_id: toTypeId('int', pulled.integrationId),
      sync_run_id: toTypeId('run', run.syncRunId),
      record_type: 'contacts',
    };
    const id = expect.stringMatching(/^rec_/) as string;
    expect(await eventsOf(tenant, 'DATA_UPDATE')).toEqual([
      { ...place, records: [{ id, external_id: await pulled.externalId('p000'), changed_fields: ['name'] }] },
    ]);
    expect(await eventsOf(tenant, 'DATA_NEW')).toEqual([
      { ...place, records: [{ id, external_id: await pulled.externalId('new') }] },
    ]);
    expect(await eventsOf(tenant, 'DATA_DELETE')).toEqual([
      { ...place, records: [{ id, external_id: gone }] },
    ]);

    await pulled.sync('nightly');
    expect((await eventsOf(tenant)).filter(({ type }) => type.startsWith('DATA_'))).toHaveLength(3);
  });

  it('are in events of at most 100, each record once', async () => {
    const pulled = await linked(1);
    pulled.account.pageSize = 250;
    for (const id of people(230)) await pulled.account.put('contacts', `n-${id}`, { name: id });
    await pulled.sync('hourly');
    const batches = (await eventsOf(tenant, 'DATA_NEW')).map(({ records }) => records as { id: string }[]);
    expect(batches.map((records) => records.length)).toEqual([100, 100, 30]);
    expect(new Set(batches.flat().map(({ id }) => id)).size).toBe(230);
  });

  it('whose deletion needed a review have an event when a person approves it', async () => {
    const pulled = await linked(60);
    for (const id of people(60).slice(0, 30)) await pulled.account.remove('contacts', id);
    await pulled.sync('nightly');
    expect(await eventsOf(tenant, 'DATA_DELETE')).toEqual([]);

    const [review] = await pulled.reviews();
    await pulled.inTenant(async (work) => {
      const locked = await lockDeletionReview(work, { deletionReviewId: review?.deletionReviewId ?? '' });
      if (locked !== undefined)
        await decideDeletionReview(work, { review: locked, decision: 'approved', by: 'ana' });
    });
    const [event, ...more] = await eventsOf(tenant, 'DATA_DELETE');
    expect(event?.records).toHaveLength(30);
    expect(more).toEqual([]);
  });
});

describe('events that need a person', () => {
  it('INTEGRATION_NEEDS_REAUTHORIZATION is sent once, until new credentials are refused too', async () => {
    const pulled = await linked(1);
    pulled.account.beforePage = pulled.account.beforeCheck = () => {
      throw new Unauthorized('No.');
    };
    await pulled.sync('nightly');
    expect(await eventsOf(tenant, 'INTEGRATION_NEEDS_REAUTHORIZATION')).toEqual([
      { integration_id: toTypeId('int', pulled.integrationId) },
    ]);
    await pulled.newCredentials();
    await pulled.settle();
    expect(await eventsOf(tenant, 'INTEGRATION_NEEDS_REAUTHORIZATION')).toHaveLength(2);
  });

  it('RECORD_SYNC_FAILED is sent for refused pushes, together, and not for waiting ones', async () => {
    const pulled = await linked(1, { recordTypes: { contacts: BOTH_WAYS } });
    pulled.account.beforePush = ({ payload }) => {
      if (payload?.['name'] === 'bad') throw new RecordRejected('Bad name.', [], false);
    };
    await tenant.accept(
      ...['a', 'b', 'c'].map((externalId) => ({
        externalId,
        recordType: 'contacts',
        fields: { name: externalId === 'c' ? 'good' : 'bad' },
      })),
    );
    await environment.sleep(HOUR);
    const [event, ...more] = await eventsOf(tenant, 'RECORD_SYNC_FAILED');
    const failed = event?.records as { external_id: string }[] | undefined;
    expect(failed?.map(({ external_id }) => external_id).toSorted()).toEqual(['a', 'b']);
    expect(event).toMatchObject({
      records: [
        {
          record_type: 'contacts',
          push_id: expect.stringMatching(/^psh_/),
          error_codes: [expect.any(String)],
        },
        {},
      ],
    });
    expect(more).toEqual([]);

    down(pulled);
    pulled.account.beforePush = () => {
      throw new Unavailable('connect ECONNREFUSED');
    };
    await tenant.accept(
      ...people(120).map((externalId) => ({
        externalId,
        recordType: 'contacts',
        fields: { name: externalId },
      })),
    );
    await environment.sleep(HOUR);
    expect(await eventsOf(tenant, 'RECORD_SYNC_FAILED')).toHaveLength(1);
    const later = new Date((await environment.now()) + 73 * HOUR);
    await pulled.inTenant((work) =>
      giveUpWaiting(work, {
        integrationId: pulled.integrationId,
        limit: 1_000,
        now: later,
        retryClockStoppedMs: 0,
        error: unreachableError('connect ECONNREFUSED', OUTAGE_LIMITS),
      }),
    );
    const given = (await eventsOf(tenant, 'RECORD_SYNC_FAILED'))
      .slice(1)
      .map(({ records }) => (records as unknown[]).length);
    expect(given).toEqual([100, 20]);
  });
});
