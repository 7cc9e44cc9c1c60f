/** When what webhooks have named is read, and by which run (decision 0035). */
import { sql } from 'kysely';
import { addIncomingChanges, readNamedRecords } from '../../../db/integrations/incoming/incoming-changes';
import { noteCall } from '../../../db/integrations/incoming/addresses';
import { replaceIncomingAddress } from '../../../db/integrations/incoming/incoming-addresses';
import { tellOfSilentWebhooks } from '../../../db/sync-runs/schedules/silent-webhooks';
import { decideScheduledRun } from '../../../db/sync-runs/scheduled-requests';
import { startIncomingReads } from '../../../db/sync-runs/schedules/incoming-runs';
import { beginSyncRun, cancelSyncRun } from '../../../db/sync-runs/sync-jobs';
import { requestSyncRun } from '../../../db/sync-runs/sync-run-requests';
import { endNamedRecords } from '../../../db/integrations/incoming/incoming-changes';
import { untilWaitedFor } from '../../support/until-waited-for';
import { GivenTenant, openTestDb, type TestDb } from '../given';

let db: TestDb;
let tenant: GivenTenant;
let integrationId: string;
let now: Date;

beforeAll(async () => {
  db = await openTestDb(() => now);
});
afterAll(() => db.end());
beforeEach(async () => {
  now = new Date('2026-12-20T12:00:00Z');
  tenant = await GivenTenant.create(db);
  integrationId = await tenant.integration({
    connector: 'crm',
    recordTypes: {
      contacts: { direction: 'pull', fields: [{ name: 'name', to: 'name' }], onDelete: 'leave' },
      deals: { direction: 'push', fields: [{ name: 'name', to: 'name' }], onDelete: 'leave' },
    },
  });
  await tenant.work(({ trx }) =>
    sql`update integrations set onboarded_at = now(), is_hourly_sync_on = true`.execute(trx),
  );
  await tenant.work(({ trx }) => sql`update sync_runs set state = 'succeeded'`.execute(trx));
});

const after = (seconds: number) => (now = new Date(now.getTime() + seconds * 1_000));
const name = (...ids: (string | null)[]) =>
  tenant.work((work) =>
    addIncomingChanges(work, {
      integrationId,
      changes: ids.map((remoteId) => ({ recordType: 'contacts', remoteId })),
    }),
  );
const look = () => tenant.work((work) => startIncomingReads(work, { integrationId }));
const begin = () => tenant.work((work) => beginSyncRun(work, { integrationId }));
const runs = () =>
  tenant.work(({ trx }) =>
    trx
      .selectFrom('syncRuns')
      .select(['syncRunId', 'kind', 'state', 'recordTypes'])
      .where('state', 'in', ['queued', 'running', 'waiting'])
      .orderBy('syncRunId')
      .execute(),
  );
const named = (syncRunId: string) =>
  tenant.work(async (work) => {
    const of = { integrationId, syncRunId, recordType: 'contacts', after: '', limit: 100 };
    return (await readNamedRecords(work, of)).remoteIds;
  });

it('waits for five seconds of quiet, a minute at most', async () => {
  await name('c1');
  expect(await look()).toEqual({ nextDueAt: new Date('2026-12-20T12:00:05Z'), waiting: 1 });
  for (let second = 0; second < 56; second += 4) {
    after(4);
    await name('c1');
    expect((await look()).waiting).toBe(1);
  }
  after(3);
  await name('c2');
  expect(await look()).toEqual({ nextDueAt: new Date('2026-12-20T12:01:00Z'), waiting: 2 });
  after(1);
  expect(await look()).toEqual({ nextDueAt: new Date('2026-12-20T12:01:05Z'), waiting: 0 });
  after(5);
  expect(await look()).toEqual({ nextDueAt: null, waiting: 0 });

  const [run, ...others] = await runs();
  expect([run?.kind, run?.recordTypes, others]).toEqual(['webhook', ['contacts'], []]);
  expect(await named(run?.syncRunId ?? '')).toEqual(['c1', 'c2']);
});

it('one message brings forward what is named within a few seconds', async () => {
  const text = `select 1 from outbox where topic = 'incoming_changes' and subject_id = $1`;
  const messages = () => db.superuser(text, [integrationId]);
  await name('c1');
  after(3);
  await name('c2', 'c1');
  expect(await messages()).toHaveLength(1);
  after(4);
  await name('c3');
  expect(await messages()).toHaveLength(2);
});

it('a record that is named while its run reads it is read once more, by the next run', async () => {
  await name('c1', 'c2');
  after(5);
  await look();
  const run = await begin();
  const syncRunId = run?.syncRunId ?? '';

  await name('c1');
  await tenant.work((work) =>
    endNamedRecords(work, { integrationId, syncRunId, recordType: 'contacts', remoteIds: ['c1', 'c2'] }),
  );
  after(5);
  await look();

  const [first, second] = await runs();
  expect([first?.syncRunId, second?.kind]).toEqual([syncRunId, 'webhook']);
  expect(await named(second?.syncRunId ?? '')).toEqual(['c1']);
});

it('further records join the run that has not begun', async () => {
  await name('c1');
  after(5);
  await look();
  await name('c2', null);
  after(5);
  await look();

  const [run, ...others] = await runs();
  expect(others).toEqual([]);
  expect(await named(run?.syncRunId ?? '')).toEqual(['', 'c1', 'c2'].filter((id) => id !== ''));
});

it('a record type that is named while the run is requested waits for a run that reads it', async () => {
  await name('c1');
  after(5);
  await look();
  await name('c2');
  after(5);

  const { looking } = await tenant.work(async ({ trx }) => {
    await sql`select from sync_runs where state = 'queued' for update`.execute(trx);
    const begun = look();
    await untilWaitedFor({ trx });
    const changes = [{ recordType: 'companies', remoteId: 'x' }];
    await tenant.work((work) => addIncomingChanges(work, { integrationId, changes }));
    return { looking: begun };
  });
  await looking;

  const waiting = await tenant.work(({ trx }) =>
    trx.selectFrom('incomingChanges').select('remoteId').where('syncRunId', 'is', null).execute(),
  );
  expect([(await runs()).map(({ recordTypes }) => recordTypes), waiting]).toEqual([
    [['contacts']],
    [{ remoteId: 'x' }],
  ]);
});

it('covers no other request, and a schedule is not skipped because of it', async () => {
  await name('c1');
  after(5);
  await look();
  await begin();
  const scheduledAt = now;

  expect(
    await tenant.work((work) => decideScheduledRun(work, { integrationId, schedule: 'hourly', scheduledAt })),
  ).toMatchObject({ outcome: 'requested' });
  const asked = { integrationId, kind: 'incremental', recordTypes: ['contacts'], startedBy: 'test' } as const;
  expect(await tenant.work((work) => requestSyncRun(work, asked))).toMatchObject({ isCoalesced: true });
  expect((await runs()).map(({ kind }) => kind)).toEqual(['webhook', 'hourly']);
});

it('while the integration is paused, webhooks are forgotten', async () => {
  await name('c1');
  await tenant.work(({ trx }) => sql`update integrations set paused_at = now()`.execute(trx));
  after(5);

  expect(await look()).toEqual({ nextDueAt: null, waiting: 0 });
  expect(await runs()).toEqual([]);
});

it('what a run that has ended could not read is forgotten', async () => {
  await name('c1');
  after(5);
  await look();
  await tenant.work(({ trx }) => sql`update sync_runs set state = 'failed'`.execute(trx));
  await name('c2');
  after(5);
  await look();

  const rows = await tenant.work(({ trx }) => trx.selectFrom('incomingChanges').select('remoteId').execute());
  expect(rows).toEqual([{ remoteId: 'c2' }]);
});

it('a record type that a run has read as a whole does not count as announced any more', async () => {
  await name(null);
  after(5);
  await look();
  const run = await begin();
  await name('c1');
  await tenant.work((work) => cancelSyncRun(work, { syncRunId: run?.syncRunId ?? '', by: 'test' }));

  const rows = await tenant.work(({ trx }) => trx.selectFrom('incomingChanges').select('remoteId').execute());
  expect(rows).toEqual([{ remoteId: 'c1' }]);
});

it('many webhooks at the same time lose nothing', async () => {
  const ids = Array.from({ length: 40 }, (_, index) => `c${String(index).padStart(2, '0')}`);
  await Promise.all(ids.map((_id, index) => name(...ids.slice(index), ...ids.slice(0, index))));
  after(5);
  await Promise.all([look(), look(), look()]);

  const [run, ...others] = await runs();
  expect(others).toEqual([]);
  expect(await named(run?.syncRunId ?? '')).toEqual(ids);
});

describe('webhooks that have stopped', () => {
  const ended = (missed: number | null) =>
    tenant.work((work) =>
      tellOfSilentWebhooks(work, { integrationId, scope: 'full' }, [{ webhooksMissed: missed }]),
    );
  const open = () =>
    tenant.work(({ trx }) =>
      trx
        .selectFrom('notifications')
        .select(['kind', 'detail'])
        .where('kind', '=', 'webhooks_silent')
        .where('resolvedAt', 'is', null)
        .execute(),
    );
  beforeEach(async () => {
    const tokenHash = Buffer.from(integrationId);
    await tenant.work((work) => replaceIncomingAddress(work, { integrationId, tokenHash }));
  });

  it('are told once a full sync has found changes, and no longer once they come again', async () => {
    await ended(3);
    expect(await open()).toEqual([]);
    after(25 * 3_600);
    await ended(0);
    await ended(null);
    expect(await open()).toEqual([]);

    await ended(3);
    await ended(2);
    expect(await open()).toMatchObject([{ detail: expect.stringContaining('changes') }]);

    await tenant.work((work) => noteCall(work, { integrationId }, { isRefused: false }));
    await ended(0);
    expect(await open()).toEqual([]);
  });
});
