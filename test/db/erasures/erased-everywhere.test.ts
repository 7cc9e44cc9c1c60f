/** A marker in every place that may name a record is gone after the erasure (rules.md 62). */
import { advanceErasure, type ErasureLimits } from '../../../db/erasures/advance-erasure';
import { confirmErasure, findErasure, liftErasure, requestErasure } from '../../../db/erasures/erasures';
import { PERSONAL_DATA } from '../../../db/erasures/personal-data';
import { readChunk } from '../../../db/overviews/local-chunk';
import type { OverviewJob } from '../../../db/overviews/overview-jobs';
import { readLocalRecords } from '../../../db/overviews/overview-pages';
import { appendAuditEntry } from '../../../db/platform/audit-log';
import { appendStreamEvent } from '../../../db/platform/change-feed';
import { storeIdempotentAnswer } from '../../../db/platform/idempotency';
import { applyEmptied } from '../../../db/pull/apply-emptied';
import { recordPushResults } from '../../../db/push/record-push-results';
import { emitFailedPushes } from '../../../db/records/record-events';
import { newUuid, toTypeId } from '../../../db/sql/ids';
import type { EraseAs, ErasureSearch } from '../../../db/tables/erasures';
import { GivenTenant, GRACE_MS, openTestDb, type TestDb } from '../given';

const LIMITS: ErasureLimits = {
  rowsPerStep: 3,
  recordsPerStep: 1,
  settleMs: 0,
  answersMs: 0,
  thirdPartyMs: 0,
  lastPassMs: 0,
};

let MARKER: string;
let EXTERNAL: string;
let REMOTE: string;
let db: TestDb;
let tenant: GivenTenant;
let integrationId: string;
let recordId: string;
let otherId: string;

beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());

/** The columns whose text contains the marker, as `table.column`. */
async function placesOf(marker: string): Promise<string[]> {
  const columns = await db.superuser(`
    select relname as "table", attname as "column" from pg_attribute join pg_class on pg_class.oid = attrelid
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
      and attnum > 0 and not attisdropped order by 1, 2`);
  const places: string[] = [];
  for (const { table, column } of columns) {
    const [row] = await db.superuser(
      `select exists (select from "${String(table)}" where strpos("${String(column)}"::text, $1) > 0) as found`,
      [marker],
    );
    if (row?.found === true) places.push(`${String(table)}.${String(column)}`);
  }
  return places;
}

const LEDGER = {
  app: 'Ledger',
  direction: 'push',
  fields: [{ name: 'name', to: 'name' }],
  onDelete: 'keep',
} as const;

async function erase(
  search: ErasureSearch,
  actions: ReadonlyMap<string, EraseAs> = new Map(),
  limits = LIMITS,
): Promise<string> {
  const { erasureId } = await tenant.work((work) => requestErasure(work, { search, requestedBy: 'key_x' }));
  await advance(erasureId, limits);
  await tenant.work(async (work) => {
    const ready = await findErasure(work, { erasureId }, { forUpdate: true });
    if (ready?.state !== 'ready') throw new Error(`The erasure is ${ready?.state}.`);
    await confirmErasure(work, ready, { actions, confirmedBy: 'key_x' });
  });
  await advance(erasureId, limits);
  return erasureId;
}

async function advance(erasureId: string, limits: ErasureLimits): Promise<void> {
  for (let steps = 0; steps < 2_000; steps += 1) {
    const step = await advanceErasure(db.database, { tenantId: tenant.tenantId, erasureId }, limits);
    if (step.state === 'ended') return;
    if (step.state === 'waiting' && (limits.settleMs > 0 || +step.until > Date.now() + 30_000)) return;
  }
  throw new Error('The erasure does not end.');
}

const read = (erasureId: string) => tenant.work((work) => findErasure(work, { erasureId }));

async function givenRecord(): Promise<void> {
  MARKER = `zoe.marker-${newUuid().slice(-6)}`;
  [EXTERNAL, REMOTE] = [`ext-${MARKER}`, `remote-${MARKER}`];
  tenant = await GivenTenant.create(db);
  integrationId = await tenant.integration({ recordTypes: { employees: LEDGER } as never });
  const fields = { name: `Zoe ${MARKER}`, email: `${MARKER}@example.com` };
  const [one, other] = await tenant.accept(
    { externalId: EXTERNAL, fields },
    { externalId: 'other', fields: { name: 'Other Person', email: 'other@example.com' } },
  );
  recordId = one?.recordId as string;
  otherId = other?.recordId as string;
  await pushAll();
}

/** Everything that is due is pushed; the third party quotes the marker when it refuses the other record. */
async function pushAll(at = new Date(Date.now() + 2 * GRACE_MS)): Promise<string[]> {
  const { pushes } = await tenant.claim(integrationId, at);
  const refused = {
    kind: 'failed' as const,
    isCertain: true,
    errors: [
      {
        category: 'rejected_record' as const,
        origin: 'app' as const,
        code: 'taken',
        field: null,
        remote_field: null,
        message: `Taken by ${MARKER}@example.com`,
        explanation: '',
      },
    ],
  };
  const done = (remoteId: string) => ({
    kind: 'succeeded' as const,
    effect: 'created' as const,
    remoteId,
    remoteVersion: '1',
  });
  await tenant.work((work) =>
    recordPushResults(work, {
      integrationId,
      now: at,
      finished: pushes.map((push) => ({
        push,
        outcome: push.recordId === recordId ? done(REMOTE) : refused,
      })),
    }),
  );
  return pushes.map(({ operation, externalId }) => `${operation} ${externalId}`);
}

/** One row per table, with the marker in every column that the list names for records. */
async function plant(): Promise<void> {
  await tenant.work(async (work) => {
    await appendAuditEntry(work, {
      actor: 'test',
      action: 'record.put',
      target: `employees/${EXTERNAL}`,
      detail: { target: EXTERNAL, kept: 'other' },
      ip: null,
      requestId: 'r',
    });
    await appendStreamEvent(work, { topic: 'record_syncs', body: { records: [{ external_id: EXTERNAL }] } });
    const response = { record_type: 'employees', external_id: EXTERNAL };
    await storeIdempotentAnswer(work, {
      key: `put ${EXTERNAL}`,
      fingerprint: Buffer.from('x'),
      status: 202,
      response,
    });
    await emitFailedPushes(work, integrationId, [
      { recordType: 'employees', externalId: EXTERNAL, pushId: newUuid(), errors: [] },
      { recordType: 'employees', externalId: 'other', pushId: newUuid(), errors: [] },
    ]);
  });
  const planted: Record<string, Record<string, unknown>> = {
    remote_claims: { external_id: EXTERNAL },
    push_references: { record_id: otherId, external_id: EXTERNAL, remote_id: REMOTE, state: 'waiting' },
    reference_promises: { record_id: otherId, remote_id: REMOTE, value: [REMOTE] },
    incoming_addresses: { subscription_error: `No ${MARKER}` },
    incoming_changes: { remote_id: REMOTE },
    drifts: { record_id: recordId, expected: { v: MARKER }, found: { v: MARKER } },
    emptied_records: { record_id: recordId, remote: { v: MARKER } },
    match_keys: { record_id: recordId, value: MARKER },
    overview_items: {
      record_id: null,
      external_id: EXTERNAL,
      remote_id: REMOTE,
      remote_hash: MARKER,
      before: { v: MARKER },
      after: { v: MARKER },
      reason: MARKER,
      direction: 'pull',
      action: 'update',
    },
    sync_conflicts: {
      record_id: null,
      remote_id: REMOTE,
      kind: 'already_linked',
      ours: MARKER,
      theirs: MARKER,
      detail: MARKER,
      state: 'open',
      winner: null,
      decision: null,
    },
    sync_record_errors: { remote_id: REMOTE, message: MARKER },
    emails: { kind: 'x', content: { text: `About ${MARKER}@example.com.` }, last_error: `No ${MARKER}` },
    notifications: { kind: 'x', detail: `About ${EXTERNAL}`, integration_id: null },
    integration_trials: {
      result: { message: `${MARKER}@example.com` },
      tries: { record: { email: `${MARKER}@example.com` } },
      samples: { employees: { problem: `No ${MARKER}@example.com` } },
    },
    definition_rollout_integrations: { problems: [{ message: `${MARKER}@example.com` }], state: 'held_back' },
    connect_sessions: { problem: { message: `No ${MARKER}` }, state: 'failed' },
    oauth_accounts: { refused_reason: `No ${MARKER}` },
    oauth_consents: { result: { message: `${MARKER}@example.com` } },
    overview_jobs: { error: { message: `Bad row ${REMOTE}` }, direction: 'pull' },
    webhook_attempts: {
      error: MARKER,
      request_headers: { h: EXTERNAL },
      response_headers: { h: EXTERNAL },
      response_body: `Got ${EXTERNAL}`,
    },
    webhook_deliveries: { last_error: `No ${EXTERNAL}` },
    undeliverable_addresses: { detail: `No ${MARKER}` },
  };
  await db.superuser('set session_replication_role = replica'); // without foreign keys
  for (const [table, values] of Object.entries(planted)) await insertRow(table, values);
  await db.superuser('set session_replication_role = default');
  await db.superuser(
    `update integrations set blocked_detail = $1, last_check = jsonb_build_object('message', $1::text) where tenant_id = $2`,
    [`Refused ${MARKER}@example.com`, tenant.tenantId],
  );
  await db
    .superuser(`insert into sync_runs select (jsonb_populate_record(null::sync_runs, $1)).*`, [
      JSON.stringify(
        await complete('sync_runs', {
          integration_id: integrationId,
          kind: 'manual',
          scope: 'full',
          state: 'failed',
        }),
      ),
    ])
    .catch(() => undefined);
  await db.superuser('set session_replication_role = replica');
  await insertRow('sync_jobs', { state: 'failed', error: { message: `Bad row ${REMOTE}` } });
  await db.superuser('set session_replication_role = default');
  await db.superuser(
    `update record_links set notation = jsonb_build_object('v', $1::text), agreed = jsonb_build_object('v', $1::text),
       remote_hash = $1, remote_version = $1 where record_id = $2`,
    [MARKER, recordId],
  );
  await db.superuser(`update record_syncs set push_hash = $1, result_hash = $1 where record_id = $2`, [
    MARKER,
    recordId,
  ]);
}

/** Values for all columns that may not be null. */
async function complete(table: string, values: Record<string, unknown>): Promise<Record<string, unknown>> {
  const columns = await db.superuser(
    `select attname as name, format_type(atttypid, null) as type from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and attnotnull and attgenerated = '' and attidentity = ''`,
    [table],
  );
  const keys: Record<string, unknown> = { tenant_id: tenant.tenantId, integration_id: integrationId };
  const filled = Object.fromEntries(
    columns.map(({ name, type }) => [name, keys[String(name)] ?? SAMPLES[String(type)] ?? 1]),
  );
  return { ...filled, ...values };
}

const SAMPLES: Record<string, unknown> = {
  uuid: newUuid(),
  text: 'employees',
  jsonb: {},
  boolean: false,
  'timestamp with time zone': '2026-01-01T00:00:00Z',
  'text[]': [],
  'uuid[]': [],
};

async function insertRow(table: string, values: Record<string, unknown>): Promise<void> {
  const row = await complete(table, values);
  const names = Object.keys(row);
  const constraints = await db.superuser(
    `select conname from pg_constraint where conrelid = $1::regclass and contype = 'c'`,
    [table],
  );
  for (const { conname } of constraints)
    await db.superuser(`alter table ${table} drop constraint ${String(conname)}`);
  await db.superuser(
    `insert into ${table} (${names.join(', ')})
     select ${names.join(', ')} from jsonb_populate_record(null::${table}, $1)`,
    [JSON.stringify(row)],
  );
}

describe('rule 62: an erased record', () => {
  beforeEach(givenRecord);

  it('is gone from every column that may name it, and other records are left', async () => {
    await plant();
    const before = await placesOf(MARKER);
    const listed = Object.entries(PERSONAL_DATA).flatMap(([table, { columns }]) =>
      table.startsWith('eras')
        ? []
        : Object.entries(columns).flatMap(([column, holds]) =>
            ['row', 'ids', 'words'].includes(holds) ? [`${table}.${column}`] : [],
          ),
    );
    expect(listed.filter((place) => !before.includes(place))).toEqual([]);

    const erasureId = await erase({ records: [{ recordType: 'employees', externalId: EXTERNAL }] });

    expect(await placesOf(MARKER)).toEqual([]);
    expect(await read(erasureId)).toMatchObject({ state: 'done', records: 1, search: {} });
    const [event] = await db.superuser(`select payload->'data'->'records' as records from events
      where tenant_id = '${tenant.tenantId}' and payload->>'type' = 'RECORD_SYNC_FAILED' order by sequence desc limit 1`);
    expect(event?.records).toMatchObject([{ external_id: '[erased]' }, { external_id: 'other' }]);
    const left = await db.superuser(`select external_id, fields from records where tenant_id = $1`, [
      tenant.tenantId,
    ]);
    expect(left).toEqual([
      { external_id: 'other', fields: { name: 'Other Person', email: 'other@example.com' } },
    ]);
  });

  it('takes nothing with it that belongs to the record with the same id in another app', async () => {
    const elsewhere = newUuid();
    await db.superuser('set session_replication_role = replica');
    for (const integration_id of [integrationId, elsewhere]) {
      const named = { integration_id, remote_id: REMOTE };
      await insertRow('incoming_changes', named);
      await insertRow('reference_promises', { ...named, record_id: otherId, value: [REMOTE] });
      await insertRow('sync_conflicts', {
        ...named,
        record_id: null,
        sync_conflict_id: newUuid(),
        theirs: { id: REMOTE },
        detail: `${REMOTE} is linked already`,
        state: 'open',
      });
    }
    await db.superuser('set session_replication_role = default');

    await erase({ recordIds: [recordId] });

    for (const table of ['incoming_changes', 'reference_promises', 'sync_conflicts']) {
      const left = await db.superuser(`select * from ${table} where tenant_id = $1`, [tenant.tenantId]);
      expect(left).toMatchObject([{ integration_id: elsewhere, remote_id: REMOTE }]);
      expect(JSON.stringify(left)).not.toContain('[erased]');
    }
  });

  it('is also found by how the app shows its values', async () => {
    await db.superuser(
      `update record_links set notation = '{"phone": {"ours": "0170123", "shown": "+49 170 123"}}' where record_id = $1`,
      [recordId],
    );
    await db.superuser('set session_replication_role = replica');
    await insertRow('notifications', {
      kind: 'x',
      detail: `${MARKER.toUpperCase()}@EXAMPLE.COM, +49 170 123`,
      integration_id: null,
    });
    await db.superuser('set session_replication_role = default');

    await erase({ recordIds: [recordId] });

    const [notification] = await db.superuser(`select detail from notifications where tenant_id = $1`, [
      tenant.tenantId,
    ]);
    expect(notification?.detail).toBe('[erased], [erased]');
  });

  it('is found where only its name stands in capital letters or escapes', async () => {
    await db.superuser(
      `update record_links set notation = '{"name": {"ours": "O.", "shown": ["Οδυσσευς Groß", "Deniz Çiftçi"]}}'
       where record_id = $1`,
      [recordId],
    );
    await db.superuser('set session_replication_role = replica');
    const detail = 'ΟΔΥΣΣΕΥΣ GROSS or DENİZ ÇİFTÇİ or =?utf-8?q?Deniz_=C3=87ift=C3=A7i?= is no customer';
    await insertRow('notifications', { kind: 'x', detail, integration_id: null });
    await db.superuser('set session_replication_role = default');

    await erase({ recordIds: [recordId] });

    const [notification] = await db.superuser(`select detail from notifications where tenant_id = $1`, [
      tenant.tenantId,
    ]);
    expect(notification?.detail).toBe('[erased] or [erased] or [erased] is no customer');
  });

  it('is not kept in an answer of a receiver that was sent its name just before', async () => {
    const limits = { ...LIMITS, answersMs: 60_000 };
    await tenant.work((work) =>
      emitFailedPushes(work, integrationId, [
        { recordType: 'employees', externalId: EXTERNAL, pushId: newUuid(), errors: [] },
      ]),
    );
    const erasureId = await erase({ recordIds: [recordId] }, new Map(), limits);
    await db.superuser('set session_replication_role = replica');
    await insertRow('webhook_attempts', { request_headers: {}, response_body: `Got ${EXTERNAL}` });
    await db.superuser('set session_replication_role = default');
    expect((await read(erasureId))?.state).toBe('erasing');

    await advance(erasureId, limits);
    expect((await read(erasureId))?.state).toBe('erasing');
    await db.superuser(`update erasures set progress = progress || '{"until": 0}' where erasure_id = $1`, [
      erasureId,
    ]);
    await advance(erasureId, limits);

    expect((await read(erasureId))?.state).toBe('done');
    expect(await placesOf(MARKER)).toEqual([]);
  });

  it('is not kept in an answer of a mail server to an e-mail that was being sent meanwhile', async () => {
    const limits = { ...LIMITS, answersMs: 60_000 };
    await db.superuser('set session_replication_role = replica');
    await insertRow('emails', { kind: 'x', content: { text: `About ${MARKER}@example.com` } });
    await db.superuser('set session_replication_role = default');
    const erasureId = await erase({ recordIds: [recordId] }, new Map(), limits);
    const answer = `550 No =?utf-8?b?${Buffer.from(MARKER).toString('base64')}?= <${MARKER}@EXAMPLE.com>`;
    await db.superuser('update emails set last_error = $2, failed_at = now() where tenant_id = $1', [
      tenant.tenantId,
      answer,
    ]);
    await db.superuser('set session_replication_role = replica');
    await insertRow('undeliverable_addresses', { detail: answer });
    await db.superuser('set session_replication_role = default');

    await db.superuser(`update erasures set progress = progress || '{"until": 0}' where erasure_id = $1`, [
      erasureId,
    ]);
    await advance(erasureId, limits);

    const [email] = await db.superuser(`select content, last_error from emails where tenant_id = $1`, [
      tenant.tenantId,
    ]);
    expect(email?.content).toEqual({ text: 'About [erased]' });
    expect(email?.last_error).not.toMatch(new RegExp(MARKER, 'i'));
    expect((await read(erasureId))?.erased).toMatchObject({ emails: 2, undeliverable_addresses: 1 });
    expect(await placesOf(MARKER)).toEqual([]);
  });

  it('is counted once by a preview where an answer is examined twice', async () => {
    await db.superuser('set session_replication_role = replica');
    await insertRow('emails', { kind: 'x', content: { text: `About ${MARKER}@example.com` } });
    await db.superuser('set session_replication_role = default');
    const { erasureId } = await tenant.work((work) =>
      requestErasure(work, { search: { recordIds: [recordId] }, requestedBy: 'key_x' }),
    );
    await advance(erasureId, LIMITS);

    expect((await read(erasureId))?.found).toMatchObject({ emails: 1 });
  });

  it('is not kept by the error of a Sync Now, which names it as Syncline does', async () => {
    await db.superuser('set session_replication_role = replica');
    const error = { record_type: 'push:employees', code: 'held', message: 'The record is held.' };
    await insertRow('sync_record_errors', { ...error, remote_id: EXTERNAL, sync_record_error_id: newUuid() });
    await insertRow('sync_record_errors', { ...error, remote_id: 'other', sync_record_error_id: newUuid() });
    await db.superuser('set session_replication_role = default');

    await erase({ recordIds: [recordId] });

    const left = await db.superuser('select remote_id from sync_record_errors where tenant_id = $1', [
      tenant.tenantId,
    ]);
    expect(left).toEqual([{ remote_id: 'other' }]);
  });

  it('leaves the rows of a record whose id begins like its own', async () => {
    const longer = `${EXTERNAL}.2`;
    await db.superuser('set session_replication_role = replica');
    await insertRow('remote_claims', { external_id: longer });
    await db.superuser('set session_replication_role = default');
    await tenant.work((work) =>
      emitFailedPushes(work, integrationId, [
        { recordType: 'employees', externalId: longer, pushId: newUuid(), errors: [] },
        { recordType: 'employees', externalId: EXTERNAL, pushId: newUuid(), errors: [] },
      ]),
    );

    await erase({ recordIds: [recordId] });

    const claims = await db.superuser('select external_id from remote_claims where tenant_id = $1', [
      tenant.tenantId,
    ]);
    expect(claims).toEqual([{ external_id: longer }]);
    const [event] = await db.superuser(`select payload->'data'->'records' as records from events
      where tenant_id = '${tenant.tenantId}' order by sequence desc limit 1`);
    expect(event?.records).toMatchObject([{ external_id: longer }, { external_id: '[erased]' }]);
  });

  it('is on no page of an overview that is stored while it is erased', async () => {
    const limits = { ...LIMITS, settleMs: 1, thirdPartyMs: 3_600_000 };
    await erase({ recordIds: [recordId] }, new Map(), limits);

    const local = await tenant.work((work) => readLocalRecords(work, [recordId, otherId]));
    const job = { recordType: 'employees', afterRecordId: null } as OverviewJob;
    const chunk = await tenant.work((work) => readChunk(work, job, { integrationId, limit: 10 }));
    expect(local.map((one) => one.recordId)).toEqual([otherId]);
    expect(new Map(chunk.map((one) => [one.recordId, one.isAbsent]))).toEqual(
      new Map([
        [recordId, true],
        [otherId, false],
      ]),
    );
  });

  it('does not get back its values when emptied fields are approved while it is erased', async () => {
    const pulled = { app: 'Ledger', direction: 'pull', fields: [{ name: 'name', to: 'name' }] };
    await db.superuser(`update integrations set record_types = $2 where integration_id = $1`, [
      integrationId,
      JSON.stringify({ employees: pulled }),
    ]);
    const remote = { remoteId: REMOTE, externalId: null, fields: { name: null }, hash: 'h', title: MARKER };
    await db.superuser('set session_replication_role = replica');
    await insertRow('emptied_records', { record_id: recordId, fields: ['name'], remote });
    // Read after the last push of the record.
    await db.superuser(`update emptied_records set at = now() + interval '1 hour'`);
    await db.superuser('set session_replication_role = default');
    const limits = { ...LIMITS, settleMs: 1, thirdPartyMs: 3_600_000 };
    await erase({ recordIds: [recordId] }, new Map(), limits);

    const pass = { integrationId, syncRunId: newUuid(), recordType: 'employees' };
    const { handled } = await tenant.work((work) => applyEmptied(work, pass, { limit: 10, after: null }));

    const rows = await db.superuser(
      `select fields, changed_by, deleted_at is null as is_alive from records where record_id = $1`,
      [recordId],
    );
    expect([handled, rows]).toEqual([1, [{ fields: {}, changed_by: 'erasure', is_alive: false }]]);
  });

  it('is erased from the rest of the tables by a release that has more of them', async () => {
    const limits = { ...LIMITS, settleMs: 1, thirdPartyMs: 3_600_000 };
    const erasureId = await erase({ recordIds: [recordId] }, new Map(), limits);
    const progress = { table: 0, name: 'webhook_deliveries', after: null };
    await db.superuser(`update erasures set state = 'erasing', progress = $2 where erasure_id = $1`, [
      erasureId,
      JSON.stringify(progress),
    ]);
    const step = () => advanceErasure(db.database, { tenantId: tenant.tenantId, erasureId }, LIMITS);
    for (let steps = 0; steps < 5; steps += 1) await step();

    expect((await read(erasureId))?.state).toBe('removing');
  });

  it('cannot be written again until the erasure is lifted', async () => {
    const erasureId = await erase({ recordIds: [recordId] });

    const [again] = await tenant.accept({ externalId: EXTERNAL, fields: { name: 'Back' } });
    expect(again).toMatchObject({ outcome: 'erased', recordId: null });
    await tenant.work((work) => liftErasure(work, { erasureId }));
    const [after] = await tenant.accept({ externalId: EXTERNAL, fields: { name: 'Back' } });
    expect(after).toMatchObject({ outcome: 'accepted' });
  });

  it('is found by an e-mail address, in any case', async () => {
    const erasureId = await erase({ email: `${MARKER.toUpperCase()}@Example.com` });

    expect(await read(erasureId)).toMatchObject({ state: 'done', records: 1, erased: { records: 1 } });
    expect(await placesOf(MARKER)).toEqual([]);
  });

  it.each([
    ['decomposed letters', 'jo\u0308rg@example.com', 'J\u00F6rg@example.com'],
    ['capital letters beyond ASCII', 'J\u00D6RG@example.com', 'j\u00F6rg@example.com'],
    ['its domain in Punycode', 'ada@xn--mller-kva.example', 'ada@m\u00FCller.example'],
    ['its domain in letters', 'ada@m\u00FCller.example', 'ada@xn--mller-kva.example'],
  ])('is found by an e-mail address that the record has with %s', async (_, stored, asked) => {
    await tenant.accept({ externalId: 'written-otherwise', fields: { name: 'Jo', email: stored } });

    const erasureId = await erase({ email: asked });

    expect(await read(erasureId)).toMatchObject({ records: 1, erased: { records: 1 } });
  });

  it('that an app sent and Syncline refused leaves no address in the error', async () => {
    await db.superuser('set session_replication_role = replica');
    await insertRow('sync_record_errors', { remote_id: 'r-7', message: 'No name: refused.one@example.com' });
    await db.superuser('set session_replication_role = default');

    const erasureId = await erase({ email: 'Refused.One@example.com' });

    expect(await read(erasureId)).toMatchObject({ records: 0, erased: { sync_record_errors: 1 } });
    expect(await placesOf('refused.one')).toEqual([]);
  });

  it('is one of 1,000 at most, also where a step finds more', async () => {
    await db.superuser(
      `insert into records select (jsonb_populate_record(record, jsonb_build_object(
         'record_id', gen_random_uuid(), 'external_id', 'copy-' || n))).*
       from records record, generate_series(1, 1100) n where record_id = $1`,
      [recordId],
    );
    const { erasureId } = await tenant.work((work) =>
      requestErasure(work, { search: { email: `${MARKER}@example.com` }, requestedBy: 'key_x' }),
    );
    const key = { tenantId: tenant.tenantId, erasureId };
    await advanceErasure(db.database, key, { ...LIMITS, rowsPerStep: 2_000 });

    expect(await read(erasureId)).toMatchObject({ state: 'counting', records: 1_000 });
  });

  it('is deleted at the third party although the mapping keeps records there, and the receipt says so', async () => {
    const limits = { ...LIMITS, thirdPartyMs: 3_600_000, settleMs: 1 };
    const { erasureId } = await tenant.work((work) =>
      requestErasure(work, { search: { recordIds: [recordId] }, requestedBy: 'key_x' }),
    );
    await advance(erasureId, limits);
    await tenant.work(async (work) => {
      const ready = await findErasure(work, { erasureId }, { forUpdate: true });
      if (ready === undefined) throw new Error('No erasure.');
      await confirmErasure(work, ready, {
        actions: new Map([[integrationId, 'delete']]),
        confirmedBy: 'key_x',
      });
    });
    await advance(erasureId, limits);
    expect((await read(erasureId))?.state).toBe('third_parties');

    const at = new Date(Date.now() + 1_000);
    const { pushes } = await tenant.claim(integrationId, at);
    expect(pushes).toMatchObject([{ operation: 'delete', remoteId: REMOTE, payload: {}, fields: {} }]);
    await tenant.work((work) =>
      recordPushResults(work, {
        integrationId,
        now: at,
        finished: pushes.map((push) => ({
          push,
          outcome: { kind: 'succeeded', effect: 'deleted', remoteId: null, remoteVersion: null },
        })),
      }),
    );
    await advance(erasureId, { ...limits, settleMs: 0 });

    expect(await read(erasureId)).toMatchObject({
      state: 'done',
      thirdParties: [{ action: 'delete', records: 1, succeeded: 1, failed: 0, unanswered: 0 }],
    });
    expect(await placesOf(MARKER)).toEqual([]);
  });

  it('lowers the count of records of its type', async () => {
    await db.superuser(`delete from record_counts where tenant_id = $1`, [tenant.tenantId]);
    await db.superuser(`insert into record_counts values ($1, 'employees', 0, 2)`, [tenant.tenantId]);
    await erase({ recordIds: [recordId] });

    const [count] = await db.superuser(
      `select sum(records)::int as records from record_counts where tenant_id = $1`,
      [tenant.tenantId],
    );
    expect(count?.records).toBe(1);
  });

  it('keeps its receipt without personal data, with what was erased', async () => {
    const erasureId = await erase({ recordIds: [recordId, otherId] });

    const receipt = await read(erasureId);
    expect(receipt?.erased).toMatchObject({
      records: 2,
      record_changes: 2,
      pushes: 2,
      record_syncs: 2,
      record_links: 1,
    });
    expect(JSON.stringify(receipt)).not.toContain(toTypeId('rec', recordId));
    expect(JSON.stringify(receipt)).not.toContain('other');
  });
});
