/**
 * The whole push path as a customer meets it: over HTTP, on the real api and worker, real PostgreSQL and
 * Temporal, into software others wrote. Grace periods are short settings; the rules themselves are tested
 * where time can be skipped (test/workflows).
 */
import { Client, Connection } from '@temporalio/client';
import { Client as PostgresClient } from 'pg';
import { pushQueueQuery, recordPushWorkflowId, recordsDueSignal } from '../../contract/record-push';
import { SEARCH_ATTRIBUTES } from '../../contract/search-attributes';
import { fromTypeId } from '../../db/sql/ids';
import type { Json } from '../support/clients/api-client';
import { openStream } from '../support/clients/event-stream';
import { ledgerIntegration, type LedgerServer, startLedgerServer } from '../support/servers/ledger-server';
import {
  type LinkableThirdParty,
  startLinkableKinto,
  startLinkablePocketBase,
  startLinkableScim,
} from '../support/environments/linkable';
import { type Product, type ProductTenant, startProduct } from '../support/environments/product';
import { temporalAddress } from '../support/servers/shared-servers';
import { fastForward } from '../support/servers/temporal';
import { until } from '../support/until';

const HOUR = 3_600_000;
let product: Product;
let connection: Connection;
let temporal: Client;
let thirdParties: Record<'pocketBase' | 'scim' | 'kinto', LinkableThirdParty>;
let ledger: LedgerServer;
let tenant: ProductTenant;
let integrations: Record<'pocketBase' | 'scim' | 'kinto', string>;

const byText = (a: string, b: string): number => a.localeCompare(b);
const queueOf = (integrationId: string): string =>
  recordPushWorkflowId({ integrationId: fromTypeId('int', integrationId) as string });
const link = async (body: Record<string, unknown>): Promise<string> =>
  (await tenant.api.must('POST', '/v1/integrations', body)).id as string;
const linkLedger = (account: string, settings: Record<string, unknown> = {}) =>
  link(ledgerIntegration(ledger.url, account, settings));
const untilStatus = (externalId: string, integrationId: string, status: string): Promise<Json> =>
  until(`${externalId} is ${status}`, async () => {
    const sync = await tenant.api.sync(externalId, integrationId);
    return sync?.status === status && sync;
  });

/** By the clock of PostgreSQL: open windows of long grace periods have begun so much earlier. */
async function passTime(milliseconds: number): Promise<void> {
  const client = new PostgresClient({ connectionString: product.databaseUrl });
  await client.connect();
  await client.query(
    `update record_syncs set window_opened_at = window_opened_at - make_interval(secs => $1),
       due_at = due_at - make_interval(secs => $1) where due_at > now() + interval '30 minutes'`,
    [milliseconds / 1_000],
  );
  await client.end();
}

beforeAll(async () => {
  const [pocketBase, scim, kinto] = await Promise.all([
    startLinkablePocketBase(),
    startLinkableScim(),
    startLinkableKinto(),
  ]);
  thirdParties = { pocketBase, scim, kinto };
  ledger = await startLedgerServer();
  product = await startProduct();
  connection = await Connection.connect({ address: temporalAddress() });
  temporal = new Client({ connection, namespace: product.namespace });
  tenant = await product.givenTenant();
  integrations = {
    pocketBase: await link(pocketBase.integration()),
    scim: await link(scim.integration()),
    kinto: await link(kinto.integration()),
  };
}, 90_000);

afterAll(async () => {
  await connection?.close();
  await product?.stop();
  await Promise.all([
    ledger?.stop(),
    ...Object.values(thirdParties ?? {}).map((thirdParty) => thirdParty.stop()),
  ]);
});

describe('a changed employee', () => {
  it('shows Sync pending with its time, then Synced, and is in PocketBase, scim2-server and Kinto', async () => {
    const accepted = await tenant.api.put('ada', {
      first_name: 'Ada',
      last_name: 'Lovelace',
      email: 'ada@example.com',
      shoe_size: 38,
    });
    expect(accepted.syncs.map((sync: Json) => sync.status)).toEqual([
      'sync_pending',
      'sync_pending',
      'sync_pending',
    ]);
    expect(Date.parse(accepted.syncs[0].due_at)).toBeGreaterThan(Date.now());

    for (const integrationId of Object.values(integrations))
      await untilStatus('ada', integrationId, 'synced');

    const remote = {
      externalId: 'ada',
      isActive: true,
      firstName: 'Ada',
      lastName: 'Lovelace',
      email: 'ada@example.com',
    };
    for (const thirdParty of Object.values(thirdParties))
      expect(await thirdParty.list()).toMatchObject([remote]);
    const record = await tenant.api.record('ada');
    expect(record.badge).toMatchObject({ status: 'synced', counts: { synced: 3, sync_pending: 0 } });
    expect(record.field_syncs.email).toHaveLength(3);
    expect(record.field_syncs.shoe_size).toBeUndefined();
  });

  it('is not pushed when only an unmapped field has changed', async () => {
    const accepted = await tenant.api.patch('ada', { shoe_size: 39 });

    expect(accepted.syncs.map((sync: Json) => sync.status)).toEqual(['synced', 'synced', 'synced']);
  });

  it('is pushed with its last values when it changes again within the grace period, and the log names the reason and the person', async () => {
    await tenant.api.patch('ada', { first_name: 'Augusta' });
    await tenant.api.patch('ada', { first_name: 'Augusta Ada' });

    await untilStatus('ada', integrations.scim, 'synced');

    const [push, first, ...rest] = await tenant.api.list(
      `/v1/pushes?integration_id=${integrations.scim}&record_type=employees&external_id=ada`,
    );
    expect(rest).toEqual([]);
    expect(first).toMatchObject({ effect: 'created' });
    expect(push).toMatchObject({
      result: 'succeeded',
      effect: 'updated',
      started_because: 'quiet',
      changed_fields: ['first_name'],
      changed_by: ['key:test'],
      attempts: 1,
    });
    expect((await tenant.api.must('GET', `/v1/pushes/${push.id}`)).payload).toMatchObject({
      name: { givenName: 'Augusta Ada' },
    });
    expect(await thirdParties.scim.find('ada')).toMatchObject({ firstName: 'Augusta Ada' });
  });

  it('is pushed with many others from one batch', async () => {
    const externalIds = Array.from({ length: 30 }, (_, index) => `batch-${index}`);
    const records = externalIds.map((externalId) => ({
      record_type: 'employees',
      external_id: externalId,
      fields: { first_name: 'B', last_name: externalId, email: `${externalId}@example.com` },
    }));

    const answer = await tenant.api.must('POST', '/v1/records/batch', { records });
    expect(answer).toMatchObject({ accepted: 30, refused: 0 });
    await until(
      'all of the batch is synced',
      async () =>
        (await tenant.api.list('/v1/record-syncs?status=sync_pending')).length +
          (await tenant.api.list('/v1/record-syncs?status=syncing')).length ===
        0,
    );

    for (const thirdParty of Object.values(thirdParties)) {
      const held = (await thirdParty.list())
        .map((record) => record.externalId)
        .filter((externalId) => externalId.startsWith('batch-'));
      expect(held.sort()).toEqual([...externalIds].sort());
    }
  });

  it('shows the error of PocketBase at its field, and is pushed after the correction', async () => {
    await tenant.api.put('grace', { first_name: 'Grace', last_name: 'Hopper', email: 'not an address' });

    const failed = await untilStatus('grace', integrations.pocketBase, 'sync_failed');
    expect(failed.errors).toMatchObject([
      {
        category: 'rejected_record',
        origin: 'app',
        field: 'email',
        remote_field: 'email',
        code: 'validation_is_email',
      },
    ]);
    expect(failed.errors[0].message).toMatch(/email/i);
    expect((await tenant.api.record('grace')).badge.status).toBe('sync_failed');
    expect(await thirdParties.pocketBase.find('grace')).toBeUndefined();

    await tenant.api.patch('grace', { email: 'grace@example.com' });
    const mended = await untilStatus('grace', integrations.pocketBase, 'synced');
    expect(mended.errors).toEqual([]);
    expect(await thirdParties.pocketBase.find('grace')).toMatchObject({ email: 'grace@example.com' });
  });

  it('is deactivated or deleted there by the mapping when it is deleted in Syncline, and is restored', async () => {
    await tenant.api.put('edsger', {
      first_name: 'Edsger',
      last_name: 'Dijkstra',
      email: 'edsger@example.com',
    });
    for (const integrationId of Object.values(integrations))
      await untilStatus('edsger', integrationId, 'synced');

    await tenant.api.remove('edsger');
    for (const integrationId of Object.values(integrations))
      await untilStatus('edsger', integrationId, 'synced');
    expect(await thirdParties.pocketBase.find('edsger')).toMatchObject({ isActive: false });
    expect(await thirdParties.scim.find('edsger')).toMatchObject({ isActive: false });
    expect(await thirdParties.kinto.find('edsger')).toBeUndefined();

    await tenant.api.put('edsger', {
      first_name: 'Edsger',
      last_name: 'Dijkstra',
      email: 'edsger@example.com',
    });
    for (const integrationId of Object.values(integrations))
      await untilStatus('edsger', integrationId, 'synced');
    for (const thirdParty of Object.values(thirdParties))
      expect(await thirdParty.find('edsger')).toMatchObject({ isActive: true });
  });
});

describe('actions on a record sync', () => {
  it('is Syncing during the call, and Sync pending again if the record changed during it', async () => {
    const integrationId = await linkLedger('slow', { grace_period_ms: 700 });
    let answer = (): void => {};
    ledger.decide = async (call) => {
      if (call.account === 'slow' && call.kind === 'create')
        await new Promise<void>((resolve) => (answer = resolve));
      return undefined;
    };

    await tenant.api.put('slow', { name: 'A', rev: 1 }, { version: 1 });
    await untilStatus('slow', integrationId, 'syncing');
    await until('the call has arrived', () => ledger.changes('slow').length === 1);
    await tenant.api.put('slow', { name: 'B', rev: 2 }, { version: 2 });
    expect((await tenant.api.sync('slow', integrationId)).status).toBe('syncing');
    answer();
    await untilStatus('slow', integrationId, 'sync_pending');
    await untilStatus('slow', integrationId, 'synced');

    expect(ledger.changes('slow').map(({ kind, rev }) => [kind, rev])).toEqual([
      ['create', 1],
      ['update', 2],
    ]);
    ledger.reset();
  });

  it('is pushed now, held, released and discarded; record and audit log show each action', async () => {
    const integrationId = await linkLedger('acts', { grace_period_ms: HOUR, max_wait_ms: null });
    await Promise.all(
      ['now', 'held', 'gone'].map((externalId) => tenant.api.put(externalId, { name: externalId })),
    );

    expect((await tenant.api.act('push-now', integrationId, 'now')).status).toBe(200);
    expect((await tenant.api.act('hold', integrationId, 'held')).body.syncs).toMatchObject([
      { status: 'sync_pending', held_by: 'key:test' },
    ]);
    expect((await tenant.api.act('discard', integrationId, 'gone')).body.syncs).toMatchObject([
      { status: null, discarded_by: 'key:test' },
    ]);
    const pushed = await untilStatus('now', integrationId, 'synced');
    expect(pushed.last_push).toMatchObject({ started_because: 'manual', effect: 'created' });
    expect(
      await tenant.api.list(`/v1/record-syncs?is_held=true&integration_id=${integrationId}`),
    ).toMatchObject([{ external_id: 'held' }]);

    expect((await tenant.api.act('release', integrationId, 'held')).status).toBe(200);
    expect((await tenant.api.act('push-now', integrationId, 'held')).status).toBe(200);
    await untilStatus('held', integrationId, 'synced');
    expect((await tenant.api.act('push-now', integrationId, 'held')).body.code).toBe('nothing_pending');
    expect(
      ledger
        .people('acts')
        .map((person) => person.external_id)
        .sort(),
    ).toEqual(['held', 'now']);
    const audited = (await tenant.api.list('/v1/audit-log'))
      .filter((entry) => entry.detail.integration_id === integrationId)
      .map((entry) => entry.action as string);
    expect(audited.sort(byText)).toEqual(
      ['discarded', 'held', 'pushed_now', 'pushed_now', 'released'].map((act) => `record_sync.${act}`),
    );
  });

  it('is retried by a person after a failure, and not without one', async () => {
    const integrationId = await linkLedger('retried', { grace_period_ms: 0 });
    ledger.decide = (call) =>
      call.account === 'retried' && call.kind === 'create'
        ? { kind: 'status', status: 422, body: { message: 'Not today.' } }
        : undefined;
    await tenant.api.put('retried', { name: 'A' });
    const failed = await untilStatus('retried', integrationId, 'sync_failed');
    expect(failed.errors).toMatchObject([{ message: 'Not today.' }]);

    ledger.reset();
    expect((await tenant.api.act('retry', integrationId, 'retried')).status).toBe(200);
    expect((await untilStatus('retried', integrationId, 'synced')).last_push).toMatchObject({
      started_because: 'retry',
    });
    expect((await tenant.api.act('retry', integrationId, 'retried')).body.code).toBe('nothing_failed');
  });

  it('waits while its integration is paused, and is pushed after the resume', async () => {
    const integrationId = await linkLedger('paused', { grace_period_ms: 0 });
    await tenant.api.must('POST', `/v1/integrations/${integrationId}/pause`);

    await tenant.api.put('paused', { name: 'A' });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await tenant.api.sync('paused', integrationId)).toMatchObject({
      status: 'sync_pending',
      is_paused: true,
    });
    expect((await tenant.api.act('push-now', integrationId, 'paused')).body.code).toBe('integration_paused');
    expect(ledger.changes('paused')).toEqual([]);

    await tenant.api.must('POST', `/v1/integrations/${integrationId}/resume`);
    await untilStatus('paused', integrationId, 'synced');
  });

  it('waits for new credentials after a refusal, with one notification, and is pushed with them', async () => {
    const { pocketBase } = thirdParties;
    const { credentials, ...body } = pocketBase.integration({ grace_period_ms: 0 });
    const integrationId = await link({
      ...body,
      credentials: { ...(credentials as object), password: 'wrong' },
    });
    expect((await tenant.api.must('POST', `/v1/integrations/${integrationId}/check`)).ok).toBe(false);

    await tenant.api.put('keyless-1', { first_name: 'K', last_name: '1', email: 'k1@example.com' });
    await tenant.api.put('keyless-2', { first_name: 'K', last_name: '2', email: 'k2@example.com' });
    await until(
      'the integration asks for new credentials',
      async () =>
        (await tenant.api.must('GET', `/v1/integrations/${integrationId}`)).state === 'needs_reauthorization',
    );
    const ofIntegration = (await tenant.api.list('/v1/notifications')).filter(
      (notification) => notification.integration_id === integrationId,
    );
    expect(ofIntegration).toMatchObject([{ kind: 'integration_needs_reauthorization' }]);

    await tenant.api.must('PUT', `/v1/integrations/${integrationId}/credentials`, { credentials });
    await untilStatus('keyless-1', integrationId, 'synced');
    await untilStatus('keyless-2', integrationId, 'synced');
    expect((await tenant.api.must('POST', `/v1/integrations/${integrationId}/check`)).ok).toBe(true);
  });
});

describe('linking', () => {
  it('pushes existing records after edits, and a new mapping pushes the payloads that it changes', async () => {
    const own = await product.givenTenant('Newcomers');
    await Promise.all(
      Array.from({ length: 5 }, (_, index) =>
        own.api.put(`old-${index}`, { name: `Old ${index}`, nickname: 'N' }),
      ),
    );
    const { id } = await own.api.must(
      'POST',
      '/v1/integrations',
      ledgerIntegration(ledger.url, 'initial', { initial_push: 'all', grace_period_ms: 0 }),
    );
    await until('the old ones are there', () => ledger.people('initial').length === 5);
    const synced = async () =>
      (await own.api.list(`/v1/record-syncs?status=synced&integration_id=${id}`)).length === 5;
    await until('all are synced', synced);

    const { headers, body } = await own.api.call('GET', `/v1/integrations/${id}`);
    const mapping = {
      employees: {
        ...body.record_types.employees,
        fields: [...body.record_types.employees.fields, { name: 'nickname', to: 'nick' }],
      },
    };
    const ifMatch = { 'if-match': headers.get('etag') as string };
    const { preview } = await own.api.must(
      'PATCH',
      `/v1/integrations/${id}?dry_run=true`,
      { record_types: mapping },
      ifMatch,
    );
    expect(preview).toEqual({
      records_touched: 5,
      records_examined: 5,
      is_complete: true,
      effects: [],
    });
    await own.api.must('PATCH', `/v1/integrations/${id}`, { record_types: mapping }, ifMatch);
    await until('the new field is there', () =>
      ledger.people('initial').every((person) => person.fields.nick === 'N'),
    );

    await until('all are synced', synced);
    const reasons = (await own.api.list(`/v1/pushes?integration_id=${id}`)).map(
      (push) => push.started_because as string,
    );
    expect(reasons.sort(byText)).toEqual([
      ...Array<string>(5).fill('initial'),
      ...Array<string>(5).fill('mapping_changed'),
    ]);
  });
});

describe('the stream', () => {
  it('sends a change, its push and its result, and sends missed events again after the last id', async () => {
    const integrationId = await linkLedger('streamed', { grace_period_ms: 300 });
    const stream = await openStream(tenant, { topics: 'record_syncs' });

    await tenant.api.put('streamed', { name: 'A' });
    await untilStatus('streamed', integrationId, 'synced');
    const ofRecord = (events: Json[]) =>
      events.filter(({ data }) => data.records?.[0]?.external_id === 'streamed');
    await until('the stream has sent both', () => ofRecord(stream.events).length >= 2);
    stream.close();

    const [accepted, ...later] = ofRecord(stream.events);
    expect(accepted).toMatchObject({
      id: expect.stringMatching(/^\d+$/),
      event: 'record_syncs',
      data: { count: 1 },
    });
    expect(accepted.data.integration_ids).toContain(integrationId);
    const replayed = await openStream(tenant, { topics: 'record_syncs', lastEventId: accepted.id });
    await until('the later events are sent again', () => ofRecord(replayed.events).length >= later.length);
    replayed.close();
    expect(ofRecord(replayed.events).map(({ id }) => id)).toEqual(
      expect.arrayContaining(later.map(({ id }) => id)),
    );
    expect(replayed.events.map(({ id }) => id)).not.toContain(accepted.id);
  });

  it('sends a tenant nothing of another tenant', async () => {
    const other = await product.givenTenant('Other');
    const integrationId = await linkLedger('unheard', { grace_period_ms: 0 });
    const stream = await openStream(other);

    await tenant.api.put('unheard', { name: 'A' });
    await untilStatus('unheard', integrationId, 'synced');
    await new Promise((resolve) => setTimeout(resolve, 300));
    stream.close();

    expect(stream.events).toEqual([]);
  });
});

describe('the push queue in Temporal', () => {
  it('is found by its attributes, and shows pending records in its details and its timer in a summary', async () => {
    const integrationId = await linkLedger('readable', { grace_period_ms: HOUR, max_wait_ms: null });
    for (const externalId of ['readable-1', 'readable-2']) await tenant.api.put(externalId, { name: 'A' });
    await tenant.api.act('push-now', integrationId, 'readable-1'); // so that the push queue has run once
    await untilStatus('readable-1', integrationId, 'synced');
    const handle = temporal.workflow.getHandle(queueOf(integrationId));

    const found = await until('the push queue is found', async () => {
      for await (const execution of temporal.workflow.list({
        query: `IntegrationId = '${integrationId}' AND ExecutionStatus = 'Running'`,
      }))
        return execution;
      return undefined;
    });
    expect(found.workflowId).toBe(queueOf(integrationId));
    expect(found.typedSearchAttributes.get(SEARCH_ATTRIBUTES.tenantId)).toBe(tenant.id);
    const view = await until('the push queue knows what waits', async () => {
      const pushEnv = await handle.query(pushQueueQuery);
      return pushEnv.pendingRecords === 1 && pushEnv;
    });
    expect(view.nextDueAt).toBeGreaterThan(Date.now() + HOUR / 2);
    expect(await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata')).toMatchObject({
      currentDetails: expect.stringMatching(/1\W+record/),
    });
    const summaries = ((await handle.fetchHistory()).events ?? []).flatMap(({ userMetadata }) =>
      userMetadata?.summary?.data ? [String(Buffer.from(userMetadata.summary.data))] : [],
    );
    expect(summaries.join(' ')).toMatch(/until the next/);
  });

  it('keeps a grace period of an hour, although the clock of Temporal runs ahead', async () => {
    const integrationId = await linkLedger('patient', { grace_period_ms: HOUR, max_wait_ms: null });
    await tenant.api.put('patient', { name: 'A' });
    const handle = temporal.workflow.getHandle(queueOf(integrationId));
    await until('the push queue sleeps', async () => (await handle.query(pushQueueQuery)).nextDueAt !== null);

    await fastForward(temporal, queueOf(integrationId), HOUR / 2);
    await fastForward(temporal, queueOf(integrationId), HOUR / 2 + 1_000);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(ledger.changes('patient')).toEqual([]);

    await passTime(HOUR);
    await handle.signal(recordsDueSignal, { nextDueAt: 0 });

    await untilStatus('patient', integrationId, 'synced');
    expect(ledger.changes('patient')).toHaveLength(1);
  });

  it('is not running without pending changes', async () => {
    const integrationId = await linkLedger('idle', { grace_period_ms: 0 });
    await tenant.api.put('idle', { name: 'A' });
    await untilStatus('idle', integrationId, 'synced');

    const handle = temporal.workflow.getHandle(queueOf(integrationId));
    await until('the push queue has ended', async () => (await handle.describe()).status.name !== 'RUNNING');
    expect((await handle.describe()).status.name).toBe('COMPLETED');
  });
});

it('the worker stops cleanly and has logged no error', async () => {
  expect(await product.stopWorker()).toBe('ended with exit code 0');
  expect(product.logs()).not.toMatch(/"level":(50|60)/);
});
