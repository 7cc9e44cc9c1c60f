/**
 * Pulling as a customer sees it, from Kinto: the onboarding lock while everything is read for the first time
 * and the e-mail when it opens, then what changes, what is deleted, and what Kinto's schema gains. Over HTTP,
 * on the real api and worker.
 */
import path from 'node:path';
import { serveMailSink } from '../../dev/companions/mail-sink-server';
import type { SupervisedProcess } from '../../dev/start/processes';
import { documentedExample } from '../connectors/suite/documented';
import { KINTO_SCHEMA, kintoHarness, type StartedKinto } from '../connectors/suite/harness-kinto';
import type { Json } from '../support/clients/api-client';
import { type EventStream, openStream } from '../support/clients/event-stream';
import { freePort } from '../support/servers/free-port';
import { createLatch, type HttpRelay, startHttpRelay } from '../support/servers/http-relay';
import { type Product, type ProductTenant, startProduct } from '../support/environments/product';
import { PullingIntegration, setContactAddress } from '../support/environments/pulling-integration';
import { temporaryFolder } from '../support/servers/shared-servers';
import { until } from '../support/until';

const COLLECTION = '/buckets/hr/collections/employees';
const RECORDS = `${COLLECTION}/records`;
const COUNT = 130;
const PAGE_SIZE = 25;
const example = documentedExample('kinto-pull');

let kinto: StartedKinto;
let relay: HttpRelay;
let mailbox: { pageUrl: string; process: SupervisedProcess };
let product: Product;
let tenant: ProductTenant;
let integration: PullingIntegration;

const idOf = (index: number): string => `emp-${String(index).padStart(3, '0')}`;
const put = (id: string, more: object = {}) =>
  kinto.call('PUT', `${RECORDS}/${id}`, {
    email: `${id}@example.com`,
    name: { first: id, last: 'Kahn' },
    ...more,
  });
const isPage = ({ method, path: where }: { method: string; path: string }) =>
  method === 'GET' && where.includes('/records');
const pagesAsked = () => relay.requests.filter(isPage).length;

/** What Kinto holds, in our words. */
async function remoteRecords(): Promise<Record<string, Json>> {
  const held: Record<string, Json> = {};
  // Kinto gives at most 100 at once.
  for (let since = 0; ;) {
    const page = (await kinto.call('GET', `${RECORDS}?_sort=last_modified&_since=${since}`)) as Json[];
    for (const { id, name, email, grade, deleted } of page)
      if (deleted === undefined)
        held[id] = {
          first_name: name.first,
          last_name: name.last,
          email,
          ...(grade === undefined ? {} : { level: grade === 'junior' ? '1' : '2' }),
        };
    if (page.length < 100) return held;
    since = page.at(-1)?.last_modified as number;
  }
}

async function expectEqual(): Promise<void> {
  expect(Object.fromEntries(await integration.held())).toEqual(await remoteRecords());
}

const body = () => {
  const config = JSON.stringify({ ...example.config, base_url: `http://127.0.0.1:${relay.port}/v1` });
  return {
    ...example,
    config: JSON.parse(
      config.replace(
        '"name":"Next-Page"',
        `"name":"Next-Page","size":${PAGE_SIZE},"size_parameter":"_limit"`,
      ),
    ),
    credentials: kinto.credentials,
  };
};

interface Mail {
  subject: string;
  to: { address: string }[];
  text: string;
}
const mails = async (): Promise<Mail[]> =>
  (await (await fetch(`${mailbox.pageUrl}/api/email`)).json()) as Mail[];

beforeAll(async () => {
  const [folder, smtpPort, pagePort] = [temporaryFolder('mail'), await freePort(), await freePort()];
  [mailbox, kinto] = await Promise.all([
    serveMailSink({ folder, logFile: path.join(folder, 'log'), smtpPort, pagePort }),
    kintoHarness.start(),
  ]);
  relay = await startHttpRelay(Number(new URL(kinto.url).port));
  const env = {
    SMTP_URL: `smtp://127.0.0.1:${smtpPort}`,
    SMTP_FROM: 'Syncline <syncline@example.com>',
    PUBLIC_URL: 'https://syncline.example',
  };
  product = await startProduct({ env });
  tenant = await product.givenTenant();
  await setContactAddress(product, tenant, 'it@ada.example');
  for (let index = 0; index < COUNT; index += 1)
    await put(idOf(index), index % 10 === 0 ? { grade: 'junior' } : {});
}, 90_000);

afterEach(() => relay.reset());

afterAll(async () => {
  await product?.stop();
  await Promise.all([relay?.stop(), kinto?.stop(), mailbox?.process.stop()]);
});

describe('onboarding', () => {
  let stream: EventStream;

  it('refuses changes during the initial load, and shows that the records are partial, with the progress', async () => {
    const latch = createLatch();
    relay.before = (request) => (isPage(request) && pagesAsked() === 3 ? latch.wait() : undefined);
    stream = await openStream(tenant, { topics: 'sync_runs,integrations' });
    integration = await PullingIntegration.link(tenant, body());
    await until('two pages are here', async () => (await integration.held()).size === 2 * PAGE_SIZE);

    const known = integration.externalId(idOf(0));
    const refused = await tenant.api.call('PUT', `/v1/records/employees/new`, {
      fields: { first_name: 'N' },
    });
    const listed = await tenant.api.must('GET', '/v1/records/employees');
    const { data } = await tenant.api.must('GET', '/v1/onboarding');

    expect([refused.status, refused.body.code]).toEqual([409, 'onboarding_in_progress']);
    expect(listed.is_partial).toBe(true);
    expect((await tenant.api.record(known)).is_partial).toBe(true);
    expect(data).toMatchObject([
      {
        integration_id: integration.id,
        state: 'in_progress',
        refuses_changes: true,
        datasets: [{ record_type: 'employees', state: 'running', records_read: 2 * PAGE_SIZE }],
        message: expect.stringContaining('is being imported: 0 of 1 record types done, 50 records so far'),
      },
    ]);
    expect(await mails()).toEqual([]);
    latch.open();
    await integration.untilOnboarding('complete');
  });

  it('then has every record as in Kinto, accepts changes, and both totals match', async () => {
    await expectEqual();
    expect((await tenant.api.must('GET', '/v1/records/employees')).is_partial).toBe(false);
    expect((await tenant.api.must('GET', '/v1/onboarding')).data).toEqual([]);
    expect(
      (await tenant.api.call('PUT', '/v1/records/employees/own', { fields: { first_name: 'Own' } })).status,
    ).toBe(202);
    const [run] = await integration.runs();
    expect(run).toMatchObject({
      kind: 'onboarding',
      state: 'succeeded',
      successful_jobs: 2,
      failed_jobs: 0,
      is_sync_finished: true,
      progress: { records_read: COUNT, records_new: COUNT, records_failed: 0 },
    });
    expect(await integration.status()).toMatchObject({
      app: 'Kinto',
      account_name: 'HR bucket',
      sync_run_id: run?.id,
      total_difference: 0,
      total_syncline: COUNT,
      total_app: COUNT,
      breakdown: [{ record_type: 'employees', syncline: COUNT, app: COUNT, difference: 0 }],
    });
  });

  it('sends one e-mail to the contact address, with the counts and a link to the platform', async () => {
    const [mail, ...more] = await until('there is a mail', () =>
      mails().then((all) => all.length > 0 && all),
    );

    expect(more).toEqual([]);
    expect(mail?.to.map(({ address }) => address)).toEqual(['it@ada.example']);
    expect(mail?.subject).toBe('Kinto (HR bucket) is ready');
    expect(mail?.text).toContain(`employees: ${COUNT} records`);
    expect(mail?.text).toContain(`https://syncline.example/console/integrations/${integration.id}`);
  });

  it('sent every state on the stream', async () => {
    const [run] = await integration.runs();
    const states = () =>
      stream.events
        .filter(({ event, data }) => event === 'sync_runs' && data.sync_run_id === run?.id)
        .map(({ data }) => data.state);
    await until('the end was sent', () => states().includes('succeeded'));
    stream.close();

    expect(states()).toContain('running');
    expect(
      stream.events.some(
        ({ event, data }) => event === 'integrations' && data.integration_id === integration.id,
      ),
    ).toBe(true);
  });
});

describe('an incremental run', () => {
  it('changes nothing if nothing changed, although its window overlaps the last run', async () => {
    const before = await tenant.api.list('/v1/records/employees');

    const run = await integration.sync('incremental');

    expect(run).toMatchObject({
      state: 'succeeded',
      progress: { records_new: 0, records_changed: 0, records_deleted: 0 },
    });
    expect(run.progress.records_unchanged).toBe(run.progress.records_read);
    expect(relay.requests.filter(isPage)[0]?.path).toMatch(/_since=%22\d{13}%22/);
    expect(await tenant.api.list('/v1/records/employees')).toEqual(before);
  });

  it('applies changed and new records, under the names of our fields', async () => {
    await put(idOf(7), { name: { first: 'Seven', last: 'Kahn' }, grade: 'senior' });
    await put('emp-new');

    const run = await integration.sync('incremental');

    expect(run).toMatchObject({
      kind: 'incremental',
      scope: 'modified',
      state: 'succeeded',
      progress: { records_new: 1, records_changed: 1 },
    });
    expect(await integration.changes(run.id)).toEqual(['created emp-new', `updated ${idOf(7)}`]);
    expect((await tenant.api.record(integration.externalId(idOf(7)))).fields).toMatchObject({
      first_name: 'Seven',
      level: '2',
    });
    await expectEqual();
  });

  it('deletes nothing itself: a tombstone starts a full pass earlier, which deletes softly', async () => {
    await kinto.call('DELETE', `${RECORDS}/${idOf(9)}`);

    const run = await integration.sync('incremental');
    await integration.untilQuiet();

    const [repair, asked] = await integration.runs();
    expect(run.progress.records_deleted).toBe(0);
    expect(asked?.id).toBe(run.id);
    expect(repair).toMatchObject({
      kind: 'drift_repair',
      started_by: 'syncline',
      state: 'succeeded',
      progress: { records_deleted: 1 },
    });
    expect(await integration.changes(repair?.id)).toEqual([`deleted ${idOf(9)}`]);
    const gone = (await tenant.api.list('/v1/records/employees?include_deleted=true')).find(
      (one) => one.external_id === integration.externalId(idOf(9)),
    );
    expect(gone).toMatchObject({ is_deleted: true });
    await expectEqual();
    expect((await integration.status()).total_difference).toBe(0);
  });

  it('restores a record that reappears there, under its old id', async () => {
    await put(idOf(9), { name: { first: 'Again', last: 'Kahn' } });

    await integration.sync('incremental');

    expect(await tenant.api.record(integration.externalId(idOf(9)))).toMatchObject({
      is_deleted: false,
      fields: { first_name: 'Again' },
    });
    await expectEqual();
  });
});

describe('a full run', () => {
  it('detects a new picklist value and a new field', async () => {
    const grade = { type: 'string', enum: ['junior', 'senior', 'principal'] };
    const properties = { ...KINTO_SCHEMA.properties, grade, size: { type: 'integer' } };
    await kinto.call('PUT', COLLECTION, { schema: { ...KINTO_SCHEMA, properties } });

    const run = await integration.sync('full');

    const changes = await tenant.api.list(`/v1/metadata-changes?integration_id=${integration.id}`);
    expect(changes).toHaveLength(2);
    expect(changes).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: 'field_added', field: 'size', sync_run_id: run.id }),
        expect.objectContaining({
          kind: 'value_added',
          field: 'grade',
          detail: { value: 'principal' },
          sync_run_id: run.id,
        }),
      ]),
    );
  });

  it('misses no record while records are changed, created and deleted between its pages', async () => {
    let turn = 0;
    relay.before = async (request) => {
      if (!isPage(request) || !request.path.includes('_token') || (turn += 1) > 3) return;
      await put(idOf(turn), { name: { first: `Moved ${turn}`, last: 'Kahn' } });
      await put(idOf(100 + turn), { name: { first: `Moved ${turn}`, last: 'Kahn' } });
      await put(`late-${turn}`);
      await kinto.call('DELETE', `${RECORDS}/${idOf(110 + turn)}`);
    };

    const run = await integration.sync('full');
    await integration.untilQuiet();

    expect(turn).toBeGreaterThanOrEqual(3);
    expect(run.state).toBe('succeeded');
    await expectEqual();
    expect((await integration.status()).total_difference).toBe(0);
  });

  it('stops after the page in flight while it is paused, and continues from there', async () => {
    const latch = createLatch();
    relay.before = (request) => (isPage(request) && pagesAsked() === 3 ? latch.wait() : undefined);
    const { id } = await integration.start('full');
    await until('it reads the third page', () => latch.waiting > 0);

    await integration.act('pause');
    expect(
      (await tenant.api.call('POST', `/v1/integrations/${integration.id}/sync-runs`, { kind: 'full' })).body
        .code,
    ).toBe('integration_paused');
    latch.open();
    const waiting = await integration.untilState(id, 'waiting');
    const job = await integration.job(id);
    const asked = pagesAsked();
    expect(job).toMatchObject({ state: 'waiting', waiting_reason: 'paused', pages: 3 });
    expect(waiting.is_sync_finished).toBe(false);

    await integration.act('resume');
    const run = await integration.untilEnded(id);
    expect(run.state).toBe('succeeded');
    expect(run.progress.records_read).toBe((await integration.held()).size);
    // As many pages as the list has, and the one that was in flight at the most.
    expect(pagesAsked()).toBeLessThanOrEqual(Math.ceil(run.progress.records_read / PAGE_SIZE) + 1);
    expect(asked).toBeLessThanOrEqual(4);
  });

  it('that is canceled keeps the records it read, deletes nothing, and the next one starts from the beginning', async () => {
    await put(idOf(20), { name: { first: 'Not yet', last: 'Kahn' } });
    await kinto.call('DELETE', `${RECORDS}/${idOf(21)}`);
    const latch = createLatch();
    relay.before = (request) => (isPage(request) && pagesAsked() === 2 ? latch.wait() : undefined);
    const { id } = await integration.start('full');
    await until('it reads the second page', () => latch.waiting > 0);

    const answer = await tenant.api.must('POST', `/v1/sync-runs/${id}/cancel`);
    latch.open();
    const run = await integration.untilEnded(id);

    expect(answer).toMatchObject({ canceled_by: 'key:test' });
    expect(run).toMatchObject({ state: 'canceled', progress: { records_deleted: 0 } });
    expect((await tenant.api.record(integration.externalId(idOf(21)))).is_deleted).toBe(false);
    expect((await tenant.api.call('POST', `/v1/sync-runs/${id}/cancel`)).body.code).toBe('sync_run_finished');
    expect(await integration.sync('full')).toMatchObject({
      state: 'succeeded',
      progress: { records_deleted: 1 },
    });
    await expectEqual();
  });

  it('is one run for all requests while it waits, and one wider run follows', async () => {
    const latch = createLatch();
    relay.before = (request) => (isPage(request) ? latch.wait() : undefined);
    const atWork = await integration.start('incremental');
    await until('it reads', () => latch.waiting > 0);

    const same = await integration.start('incremental');
    const [wider, again] = [await integration.start('full'), await integration.start('full')];
    latch.open();
    await integration.untilQuiet();

    expect([same.id, same.coalesced]).toEqual([atWork.id, true]);
    expect([wider.coalesced, again.id, again.coalesced]).toEqual([false, wider.id, true]);
    expect(await integration.run(wider.id)).toMatchObject({
      state: 'succeeded',
      follows_sync_run_id: atWork.id,
    });
  });
});

it('the worker stops cleanly and has logged no error', async () => {
  expect(await product.stopWorker()).toBe('ended with exit code 0');
  expect(product.logs()).not.toMatch(/"level":(50|60)/);
});
