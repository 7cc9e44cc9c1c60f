/** Third parties in trouble while they are read, on skipped time (rules.md 10, 11, 35, 38; R8, R9). */
import { MockActivityEnvironment } from '@temporalio/testing';
import { createSyncRunActivities } from '../../../activities/sync-runs/sync-run';
import { RateLimited, RecordRejected, Unauthorized, Unavailable } from '../../../connectors/errors';
import type { ReadRequest } from '../../../connectors/connector';
import type { SyncJobReport } from '../../../contract/sync-run';
import { METADATA_JOB } from '../../../db/tables/pull';
import { PushEnvironment, type TestTenant } from '../../support/environments/push-environment';
import { Random } from '../../support/random';
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
const random = new Random();

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  environment.limit();
  tenant = await environment.tenant();
});

const types = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`type_${index}`, CONTACTS]));
const linked = async (count: number, settings: Parameters<typeof CrmIntegration.link>[1] = {}) => {
  const pulled = await CrmIntegration.onboarded(tenant, settings, async (account) => {
    for (const type of Object.keys(settings.recordTypes ?? {})) account.type(type);
    await fill(environment, count)(account);
  });
  await environment.sleep(600_000);
  pulled.account.reads.length = 0;
  return pulled;
};
const failing =
  (error: () => Error, isMeant: (request: ReadRequest) => boolean = () => true) =>
  (request: ReadRequest) => {
    if (isMeant(request)) throw error();
  };
const well = ({ account }: CrmIntegration) => {
  account.beforePage = () => undefined;
  account.beforePush = () => undefined;
  account.beforeCheck = () => undefined;
};
const hours = async (pulled: CrmIntegration, syncRunId: string) => {
  const { startedAt, finishedAt } = await pulled.run(syncRunId);
  return ((finishedAt?.getTime() ?? Number.NaN) - (startedAt?.getTime() ?? 0)) / HOUR;
};

it('rule 58: an outage in which some answers ask to wait counts from its beginning', async () => {
  const pulled = await linked(3);
  let checks = 0;
  const down = () => new Unavailable('Service Unavailable', 503);
  pulled.account.beforePage = failing(down);
  pulled.account.beforeCheck = () => {
    checks += 1;
    throw checks % 2 === 0 ? new RateLimited('Service Unavailable', 60_000, true) : down();
  };
  const outageSince = async () =>
    (
      await environment.database.withTenant(tenant.tenantId, ({ trx }) =>
        trx
          .selectFrom('integrations')
          .select('outageSince')
          .where('integrationId', '=', pulled.integrationId)
          .executeTakeFirstOrThrow(),
      )
    ).outageSince;
  await pulled.begin('full');
  await environment.sleep(10_000);
  const since = await outageSince();
  expect(since).not.toBeNull();
  await environment.sleep(HOUR / 2);
  expect(await outageSince()).toEqual(since);
  expect((await tenant.notifications()).map(({ kind }) => kind)).toContain('integration_unavailable');
  well(pulled);
  await pulled.settle();
  expect(await outageSince()).toBeNull();
});

describe('rule 35: a page that fails', () => {
  it('once is read again, and nothing counts twice', async () => {
    const pulled = await linked(9);
    let left = 1;
    pulled.account.beforePage = ({ cursor }) => {
      if (cursor === 'p002' && left-- > 0) throw new Unavailable('Bad gateway.', 502);
    };
    const run = await pulled.sync('full');
    expect(run).toMatchObject({ state: 'succeeded', failedJobs: 0 });
    expect(await pulled.job(run.syncRunId)).toMatchObject({
      attempts: 2,
      recordsRead: 9,
      recordsUnchanged: 9,
      error: null,
      isLastAttemptFailed: false,
    });
  });

  it.each(['count', 'describeRecordTypes'] as const)(
    'is not reported for a job that recovered after its pages: %s',
    async (call) => {
      const pulled = await linked(3);
      const { connector } = environment.crm;
      const usual = connector[call] as (...given: never[]) => Promise<never>;
      let left = 1;
      connector[call] = async (...given: never[]) => {
        if (left-- > 0) throw new Unavailable('Bad gateway.', 502);
        return usual(...given);
      };
      const run = await pulled.sync('full');
      connector[call] = usual;
      const job = await pulled.job(run.syncRunId, call === 'count' ? 'contacts' : METADATA_JOB);
      expect(job).toMatchObject({
        state: 'succeeded',
        attempts: 2,
        error: null,
        isLastAttemptFailed: false,
        failingSince: null,
      });
    },
  );

  it('for an hour keeps its run waiting, with the error, and the others are read', async () => {
    const pulled = await linked(3, { recordTypes: { ...types(5), contacts: CONTACTS } });
    await pulled.account.put('contacts', 'p001', { name: 'Changed' });
    pulled.account.beforePage = failing(
      () => new Unavailable('Broken.', 500),
      ({ recordType }) => recordType !== 'contacts' && recordType !== 'type_4',
    );
    const syncRunId = await pulled.begin('full');
    await environment.sleep(HOUR);

    expect(await pulled.job(syncRunId)).toMatchObject({ state: 'succeeded', recordsChanged: 1 });
    expect(await pulled.job(syncRunId, 'type_4')).toMatchObject({ state: 'succeeded' });
    expect(await pulled.job(syncRunId, 'type_0')).toMatchObject({
      state: 'waiting',
      waitingReason: 'retry',
      error: { code: 'http_500', message: 'Broken.' },
    });
    expect(await pulled.run(syncRunId)).toMatchObject({
      state: 'waiting',
      successfulJobs: 3,
      failedJobs: 4,
      isSyncFinished: false,
    });
    well(pulled);
    await pulled.settle();
    expect(await pulled.run(syncRunId)).toMatchObject({
      state: 'succeeded',
      failedJobs: 0,
      successfulJobs: 7,
    });
  });

  it('for longer than 72 hours, shortened to 13, has failed; its run is finished, with one event after 12 h', async () => {
    expect(environment.dependencies.pulling.outage.giveUpAfterMs).toBe(72 * HOUR);
    environment.limit({ giveUpAfterMs: 13 * HOUR });
    const pulled = await linked(3, { recordTypes: { contacts: CONTACTS, companies: CONTACTS } });
    pulled.account.beforePage = failing(
      () => new Unavailable('Broken.', 500),
      ({ recordType }) => recordType === 'contacts',
    );
    const syncRunId = await pulled.begin('full');
    await environment.sleep(12 * HOUR + 60_000);
    expect(await pulled.run(syncRunId)).toMatchObject({
      isSyncFinished: false,
      failedJobs: 1,
      successfulJobs: 2,
      milestones: [expect.any(Date)],
    });
    await pulled.settle();

    const run = await pulled.run(syncRunId);
    expect(run).toMatchObject({ state: 'partially_succeeded', failedJobs: 1, isSyncFinished: true });
    expect(await hours(pulled, syncRunId)).toBeGreaterThanOrEqual(13);
    expect(await hours(pulled, syncRunId)).toBeLessThan(14);
    expect(
      run.milestones.map((at) => Math.round((at.getTime() - (run.startedAt?.getTime() ?? 0)) / HOUR)),
    ).toEqual([12]);
    expect((await pulled.held()).size).toBe(3);
  });

  it('because of a defect in Syncline fails its dataset after five attempts, and no other', async () => {
    const pulled = await linked(3, { recordTypes: { contacts: CONTACTS, companies: CONTACTS } });
    pulled.account.beforePage = failing(
      () => new TypeError('x is not a function'),
      ({ recordType }) => recordType === 'companies',
    );
    const run = await pulled.sync('full');
    expect(run.state).toBe('partially_succeeded');
    expect(await pulled.job(run.syncRunId, 'companies')).toMatchObject({
      state: 'failed',
      error: { category: 'internal' },
    });
    expect(pulled.account.reads.filter(({ recordType }) => recordType === 'companies')).toHaveLength(5);
  });

  it('because of an error that passes is read on, however often the app had failed before', async () => {
    const pulled = await linked(21);
    const troubles = new Map<string, Error>();
    for (const id of ['p002', 'p005', 'p008', 'p011', 'p014'])
      troubles.set(id, new Unavailable('Bad gateway.', 502));
    troubles.set('p017', new TypeError('x is not a function'));
    pulled.account.beforePage = ({ cursor }) => {
      const trouble = troubles.get(cursor ?? '');
      troubles.delete(cursor ?? '');
      if (trouble !== undefined) throw trouble;
    };
    const run = await pulled.sync('full');

    expect(await pulled.job(run.syncRunId)).toMatchObject({
      state: 'succeeded',
      attempts: 7,
      recordsRead: 21,
    });
    // Each of them was the first in a row, and waited for two seconds.
    expect(await hours(pulled, run.syncRunId)).toBeLessThan(0.01);
  });

  it.each([
    ['after five of them in a row, however often the job was started before', { waits: false, tries: 5 }],
    ['after five of them in a row, although rate limits are between them', { waits: true, tries: 9 }],
  ])('because of defects in Syncline fails its dataset %s', async (_title, { waits, tries }) => {
    const pulled = await linked(21);
    const isRead = new Set<string>();
    let defects = 0;
    pulled.account.beforePage = ({ cursor }) => {
      if (cursor === 'p017') {
        defects += 1;
        if (waits && defects % 2 === 0) throw new RateLimited('Slow down.', 1_000);
        throw new TypeError('x is not a function');
      }
      if (cursor === null || isRead.has(cursor)) return;
      isRead.add(cursor);
      throw new Unavailable('Bad gateway.', 502);
    };
    const run = await pulled.sync('full');

    expect(await pulled.job(run.syncRunId)).toMatchObject({
      state: 'failed',
      attempts: isRead.size + 5,
      error: { category: 'internal' },
    });
    expect([isRead.size, defects]).toEqual([5, tries]);
  });

  it('with endless rate limits has failed after 72 h too, shortened to 6', async () => {
    environment.limit({ giveUpAfterMs: 6 * HOUR });
    const pulled = await linked(3);
    pulled.account.beforePage = failing(() => new RateLimited('Slow down.', HOUR));
    const run = await pulled.sync('full');
    expect(run).toMatchObject({ state: 'failed', isSyncFinished: true });
    expect(await pulled.job(run.syncRunId)).toMatchObject({ error: { category: 'rate_limited' } });
    expect(await hours(pulled, run.syncRunId)).toBeLessThan(8);
    expect(pulled.account.reads.length).toBeLessThan(20);
  });
});

describe('rule 35: a dataset that cannot be read', () => {
  it('because its table was dropped has failed at once, by name, and the others succeed', async () => {
    const pulled = await linked(3, { recordTypes: { contacts: CONTACTS, companies: CONTACTS } });
    pulled.account.types.delete('companies');
    const run = await pulled.sync('nightly');
    expect(run).toMatchObject({ state: 'partially_succeeded', successfulJobs: 2, failedJobs: 1 });
    expect(await pulled.job(run.syncRunId, 'companies')).toMatchObject({
      state: 'failed',
      error: { message: 'The table companies does not exist.' },
    });
    expect(pulled.account.reads.filter(({ recordType }) => recordType === 'companies')).toHaveLength(1);
  });

  it('without the permission has failed, and does not block the integration', async () => {
    const pulled = await linked(3);
    pulled.account.beforePage = failing(() => new RecordRejected('Not for you.', [], true));
    const run = await pulled.sync('full');
    expect(await pulled.job(run.syncRunId)).toMatchObject({
      state: 'failed',
      error: { message: 'Not for you.' },
    });
    expect((await pulled.integration()).needsReauthorizationAt).toBeNull();
  });
});

describe('rule 11: a third party that is down', () => {
  const down = ({ account }: CrmIntegration) => {
    account.beforePage = failing(() => new Unavailable('connect ECONNREFUSED'));
    account.beforePush = () => {
      throw new Unavailable('connect ECONNREFUSED');
    };
    account.beforeCheck = () => {
      throw new Unavailable('connect ECONNREFUSED');
    };
  };

  it('for longer than 72 h, shortened to 3, ends its runs', async () => {
    environment.limit({ giveUpAfterMs: 3 * HOUR });
    const pulled = await linked(3, { recordTypes: { contacts: CONTACTS, companies: CONTACTS } });
    down(pulled);
    const syncRunId = await pulled.begin('incremental');
    await environment.sleep(HOUR);
    expect(await pulled.run(syncRunId)).toMatchObject({ state: 'waiting', isSyncFinished: false });
    await environment.sleep(HOUR / 2);
    expect((await pulled.run(syncRunId)).isSyncFinished).toBe(false);
    await pulled.settle();

    expect(await pulled.run(syncRunId)).toMatchObject({
      state: 'failed',
      isSyncFinished: true,
      failedJobs: 2,
    });
    expect(await hours(pulled, syncRunId)).toBeLessThan(3.3);
    expect(await pulled.job(syncRunId)).toMatchObject({ error: { category: 'transient' } });
    well(pulled);
    await environment.sleep(HOUR);
    expect((await pulled.sync('nightly')).state).toBe('succeeded');
  });
});

describe('rule 58: a third party that takes no writes', () => {
  it('is read to the end of its list by a full run, which begins no page twice', async () => {
    const pulled = await linked(9, { recordTypes: { contacts: BOTH_WAYS } });
    pulled.account.beforePush = () => {
      throw new Unavailable('Maintenance.', 503);
    };
    for (const id of ['our-1', 'our-2', 'our-3'])
      await tenant.change(id, { name: id }, { recordType: 'contacts' });
    await environment.sleep(600_000);
    expect(await pulled.integration()).toMatchObject({ blockedReason: 'outage', isWriteOutage: true });
    await pulled.account.remove('contacts', 'p004');
    pulled.account.reads.length = 0;

    const { syncRunId } = await pulled.request('full');
    const activities = createSyncRunActivities(environment.dependencies);
    const place = { tenantId: tenant.tenantId, integrationId: pulled.integrationId };
    await activities.startNextSyncRun(place);
    const report = (await new MockActivityEnvironment().run(activities.advanceSyncJob, {
      ...place,
      syncRunId,
      job: { kind: 'pull' as const, recordType: 'contacts' },
      firedAt: await environment.now(),
    })) as SyncJobReport;

    expect(report).toEqual({ state: 'ended' });
    expect(await pulled.job(syncRunId)).toMatchObject({ state: 'succeeded', recordsDeleted: 1 });
    expect(new Set(pulled.account.reads.map(({ cursor }) => cursor)).size).toBe(pulled.account.reads.length);
  });
});

describe('R9: a rate limit', () => {
  it('during a read: no call is made before that time, pushes included', async () => {
    const pulled = await linked(9, { recordTypes: { contacts: BOTH_WAYS } });
    let left = 1;
    let requestedAt = 0;
    pulled.account.beforePage = async ({ cursor }) => {
      if (cursor !== 'p002' || left-- <= 0) return;
      requestedAt = await environment.now();
      throw new RateLimited('Slow down.', 30 * 60_000);
    };
    await tenant.change('our-1', { name: 'Local' }, { recordType: 'contacts' });
    const { syncRunId } = await pulled.request('full');
    await pulled.settle();
    await environment.sleep(HOUR);

    const later = [...pulled.account.reads, ...pulled.account.pushes]
      .map(({ at }) => at)
      .filter((at) => at > requestedAt);
    expect(Math.min(...later)).toBeGreaterThanOrEqual(requestedAt + 30 * 60_000);
    expect(pulled.account.pushes).toHaveLength(1);
    expect(await pulled.job(syncRunId)).toMatchObject({ state: 'succeeded', recordsRead: 9, attempts: 1 });
  });

  it('during a push: a run waits too, and counts no failed attempt', async () => {
    const pulled = await linked(3, { recordTypes: { contacts: BOTH_WAYS } });
    let left = 1;
    pulled.account.beforePush = () => {
      if (left-- > 0) throw new RateLimited('Slow down.', 2 * HOUR);
    };
    await tenant.change('our-1', { name: 'Local' }, { recordType: 'contacts' });
    await environment.sleep(10 * 60_000);
    const syncRunId = await pulled.begin('full');
    await environment.sleep(HOUR);
    expect(pulled.account.reads).toEqual([]);
    expect(await pulled.job(syncRunId)).toMatchObject({
      state: 'waiting',
      waitingReason: 'rate_limit',
      isLastAttemptFailed: false,
    });
    await pulled.settle();
    expect((await pulled.run(syncRunId)).state).toBe('succeeded');
  });
});

describe('rule 10: credentials that are refused in the middle', () => {
  it('have no effect if they were replaced: the run continues with the new ones', async () => {
    const pulled = await linked(9);
    pulled.account.beforePage = async ({ cursor }) => {
      if (cursor !== 'p002') return;
      well(pulled);
      await pulled.newCredentials();
      throw new Unauthorized('Token revoked.');
    };
    const run = await pulled.sync('full');
    expect(run.state).toBe('succeeded');
    expect(await pulled.integration()).toMatchObject({ needsReauthorizationAt: null });
    expect(await pulled.notifications('integration_needs_reauthorization')).toEqual([]);
  });

  it('fail the jobs with that error, notify people once, and new jobs read what is missing', async () => {
    const pulled = await linked(9, { recordTypes: { contacts: CONTACTS, companies: CONTACTS } });
    await pulled.account.put('contacts', 'p001', { name: 'First page' });
    await pulled.account.put('contacts', 'p008', { name: 'Last page' });
    pulled.account.beforePage = failing(
      () => new Unauthorized('Token revoked.'),
      ({ cursor, recordType }) => cursor === 'p005' || recordType === 'companies',
    );
    const run = await pulled.sync('full');
    expect(run).toMatchObject({ state: 'failed', failedJobs: 2, isSyncFinished: true });
    for (const type of ['contacts', 'companies'])
      expect(await pulled.job(run.syncRunId, type)).toMatchObject({
        state: 'failed',
        error: { category: 'credentials' },
      });
    expect((await pulled.integration()).needsReauthorizationAt).not.toBeNull();
    expect(await pulled.notifications('integration_needs_reauthorization')).toHaveLength(1);
    const reads = pulled.account.reads.length;
    expect((await pulled.sync('incremental')).state).toBe('failed');
    expect(pulled.account.reads).toHaveLength(reads);

    well(pulled);
    await pulled.newCredentials();
    await pulled.settle();
    expect((await pulled.runs()).at(-1)).toMatchObject({
      kind: 'incremental',
      startedBy: 'credentials',
      state: 'succeeded',
    });
    expect(await pulled.differences()).toEqual([]);
    expect(await pulled.notifications('integration_needs_reauthorization')).toMatchObject([
      { resolvedAt: expect.any(Date) },
    ]);
  });
});

describe('a worker that dies', () => {
  it('costs the page in flight, and nothing counts twice', async () => {
    const pulled = await linked(12);
    for (const id of people(12)) await pulled.account.put('contacts', id, { name: `new ${id}` });
    const failures = new Set(['p002', 'p005', 'p008']);
    pulled.account.beforePage = ({ cursor }) => {
      // As an activity ends whose process is gone: nothing is noted, Temporal begins it again.
      if (cursor !== null && failures.delete(cursor))
        throw Object.assign(new Error('gone'), { code: 'ECONNRESET' });
    };
    const run = await pulled.sync('full');
    expect(await pulled.job(run.syncRunId)).toMatchObject({
      state: 'succeeded',
      recordsRead: 12,
      recordsChanged: 12,
      pages: 4,
    });
    expect(pulled.account.reads).toHaveLength(4 + 3);
    expect(await pulled.differences()).toEqual([]);
  });

  it('and returns while another has taken over: two attempts at once count each page once', async () => {
    const pulled = await linked(30);
    for (const id of people(30))
      await pulled.account.put('contacts', id, { name: `new ${id}`, email: `${id}@example.org` });
    await pulled.account.remove('contacts', 'p000');
    pulled.account.beforePage = () => new Promise((resolve) => setTimeout(resolve, random.next() * 5));
    const { syncRunId } = await pulled.request('full');
    const activities = createSyncRunActivities(environment.dependencies);
    const place = { tenantId: tenant.tenantId, integrationId: pulled.integrationId };
    await activities.startNextSyncRun(place);
    const firedAt = await environment.now();
    const attempt = async () => {
      const activityEnvironment = new MockActivityEnvironment();
      for (;;) {
        const report = (await activityEnvironment.run(activities.advanceSyncJob, {
          ...place,
          syncRunId,
          job: { kind: 'pull' as const, recordType: 'contacts' },
          firedAt,
        })) as SyncJobReport;
        if (report.state === 'ended') return;
      }
    };
    await Promise.all([attempt(), attempt(), attempt()]);

    expect(await pulled.job(syncRunId)).toMatchObject({
      state: 'succeeded',
      recordsRead: 29,
      recordsChanged: 29,
      recordsDeleted: 1,
      recordsNew: 0,
    });
    await pulled.settle();
    expect((await pulled.run(syncRunId)).state).toBe('succeeded');
    expect(await pulled.differences()).toEqual([]);
  });
});
