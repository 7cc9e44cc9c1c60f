import * as fc from 'fast-check';
import { type RawBuilder, sql } from 'kysely';
import { fromTypeId } from '../../../db/sql/ids';
import { RECORDS_SEARCHED_MAX } from '../../../db/records/records';
import {
  expectProblem,
  givenIntegration,
  type GivenTenant,
  type Service,
  startService,
} from '../support/service';

let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
  tenant = await service.givenTenant();
});
afterAll(() => service.close());

const MAPPING = {
  employees: {
    fields: [
      { name: 'email', to: 'userName' },
      { name: 'name', to: '/name/formatted' },
    ],
    filter: { kind: ['staff'] },
  },
};

describe('accepting changes', () => {
  it('answers 202 with the version and the due time per integration', async () => {
    const own = await service.givenTenant('Due');
    const { id } = await givenIntegration(own, { is_paused: false });

    const response = await own.operator.put('/v1/records/employees/e-1', {
      fields: { email: 'ada@example.org' },
    });

    expect(response.status).toBe(202);
    expect(response.body).toMatchObject({
      outcome: 'accepted',
      record_type: 'employees',
      external_id: 'e-1',
      version: 1,
      is_deleted: false,
    });
    expect(response.body.syncs).toEqual([
      { integration_id: id, status: 'sync_pending', due_at: expect.any(String) },
    ]);
  });

  it('leaves room behind the highest version of a caller', async () => {
    const path = '/v1/records/employees/highest';
    const highest = 9_000_000_000_000_000;
    expectProblem(
      await tenant.operator.put(path, { fields: { n: 0 }, version: Number.MAX_SAFE_INTEGER }),
      400,
      'invalid_body',
    );
    await tenant.operator.put(path, { fields: { n: 0 }, version: highest }).expect(202);
    for (const n of [1, 2]) {
      const { body } = await tenant.operator.put(path, { fields: { n } }).expect(202);
      expect(body).toMatchObject({ outcome: 'accepted', version: highest + n });
    }
  });

  it('keeps the newest version, in whatever order they arrive (rules.md 7)', async () => {
    const path = '/v1/records/employees/versions';
    await tenant.operator.put(path, { fields: { n: 2 }, version: 2 }).expect(202);

    const older = await tenant.operator.put(path, { fields: { n: 1 }, version: 1 });
    const same = await tenant.operator.put(path, { fields: { n: 2 }, version: 2 });
    const reused = await tenant.operator.put(path, { fields: { n: 3 }, version: 2 });
    const shown = await tenant.viewer.get(path);

    expect({ status: older.status, outcome: older.body.outcome, version: older.body.version }).toEqual({
      status: 200,
      outcome: 'stale',
      version: 2,
    });
    expect({ status: same.status, outcome: same.body.outcome }).toEqual({ status: 202, outcome: 'accepted' });
    expectProblem(reused, 409, 'version_reused');
    expect(shown.body).toMatchObject({ version: 2, fields: { n: 2 } });
  });

  it('applies an older PATCH of another field, and names the fields that stay (rules.md 55)', async () => {
    const path = '/v1/records/employees/late';
    const at = (minute: number) => ({ occurred_at: `2026-11-21T09:${minute}:00Z` });
    await tenant.operator.put(path, { fields: { a: 1, b: 1 }, ...at(10) }).expect(202);
    const newer = await tenant.operator.patch(path, { fields: { a: 3 }, ...at(30) }).expect(202);

    const late = await tenant.operator.patch(path, { fields: { b: 2 }, ...at(20) }).expect(202);
    const partly = await tenant.operator.patch(path, { fields: { a: 2, c: 2 }, ...at(20) }).expect(202);
    const stale = await tenant.operator.patch(path, { fields: { a: 2 }, ...at(20) }).expect(200);

    expect(newer.body.stale_fields).toEqual([]);
    expect(late.body).toMatchObject({ outcome: 'accepted', stale_fields: [] });
    expect(partly.body).toMatchObject({ outcome: 'accepted', stale_fields: ['a'] });
    expect(stale.body).toMatchObject({ outcome: 'stale', stale_fields: ['a'] });
    expect((await tenant.viewer.get(path)).body.fields).toEqual({ a: 3, b: 2, c: 2 });
  });

  it('changes only the named fields by PATCH, and null is a value', async () => {
    const path = '/v1/records/employees/patched';
    await tenant.operator.put(path, { fields: { a: 1, b: 2 } }).expect(202);

    await tenant.operator.patch(path, { fields: { b: null, c: 3 } }).expect(202);

    expect((await tenant.viewer.get(path)).body.fields).toEqual({ a: 1, b: null, c: 3 });
  });

  it('deletes softly, and restores by PUT', async () => {
    const path = '/v1/records/employees/deleted';
    await tenant.operator.put(path, { fields: { a: 1 } }).expect(202);

    const deleted = await tenant.operator.delete(path).expect(202);
    expect(deleted.body).toMatchObject({ is_deleted: true, version: 2 });
    expectProblem(await tenant.operator.patch(path, { fields: { a: 2 } }), 404, 'record_not_found');
    expect(
      (await tenant.viewer.get('/v1/records/employees?limit=200')).body.data.map(
        (record: { external_id: string }) => record.external_id,
      ),
    ).not.toContain('deleted');
    expect(
      (await tenant.viewer.get('/v1/records/employees?limit=200&include_deleted=true')).body.data.map(
        (record: { external_id: string }) => record.external_id,
      ),
    ).toContain('deleted');
    await tenant.operator.put(path, { fields: { a: 3 } }).expect(202);
    expect((await tenant.viewer.get(path)).body).toMatchObject({ is_deleted: false, version: 3 });
  });

  it('does not create a record by PATCH or DELETE', async () => {
    expectProblem(
      await tenant.operator.patch('/v1/records/employees/none', { fields: {} }),
      404,
      'record_not_found',
    );
    expectProblem(await tenant.operator.delete('/v1/records/employees/none'), 404, 'record_not_found');
  });

  it('accepts a change up to 5 minutes ahead of the server clock, and no later one', async () => {
    const at = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();

    await tenant.operator.put('/v1/records/employees/soon', { fields: {}, occurred_at: at(4) }).expect(202);
    expectProblem(
      await tenant.operator.put('/v1/records/employees/late', { fields: {}, occurred_at: at(6) }),
      400,
      'occurred_in_future',
    );
  });

  it('is one row and one answer when the same change arrives a hundred times at once (R11)', async () => {
    // They wait for each other's locks; a slow machine answers some of them 503 with Retry-After.
    const putUntilAvailable = async () => {
      for (;;) {
        const answer = await tenant.operator.put('/v1/records/employees/same', {
          fields: { a: 1 },
          version: 1,
        });
        if (answer.status !== 503) return answer;
      }
    };
    const answers = await Promise.all(Array.from({ length: 100 }, putUntilAvailable));
    const changes = await service.database.withTenant(tenant.uuid, ({ trx }) =>
      trx
        .selectFrom('recordChanges')
        .innerJoin('records', 'records.recordId', 'recordChanges.recordId')
        .select('changeId')
        .where('externalId', '=', 'same')
        .execute(),
    );

    expect(new Set(answers.map(({ status, body }) => JSON.stringify([status, body]))).size).toBe(1);
    expect(answers[0]?.status).toBe(202);
    expect(changes).toHaveLength(1);
  });

  it('returns every text byte for byte (S4)', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        "'; DROP TABLE records; --",
        '😀👩‍👩‍👧',
        'שלום',
        '\u00e9',
        'e\u0301',
        'x'.repeat(65_536),
        '<script>alert(1)</script>',
        '\u2028\r\n\t',
        '$1',
        '{{name}}',
      ),
    );
    const isStorable = (value: string) => !value.includes('\0') && !/\p{Surrogate}/u.test(value);

    await fc.assert(
      fc.asyncProperty(
        text.filter(isStorable),
        fc
          .string({ minLength: 1, maxLength: 50 })
          .filter((name) => isStorable(name) && !/^(__proto__|constructor|prototype)$/.test(name)),
        async (value, name) => {
          await tenant.operator.put('/v1/records/employees/bytes', { fields: { [name]: value } }).expect(202);

          const { body } = await tenant.viewer.get('/v1/records/employees/bytes');

          expect(body.fields).toEqual({ [name]: value });
        },
      ),
      { numRuns: 60 },
    );
    const { count } = await service.database.withTenant(tenant.uuid, ({ trx }) =>
      trx
        .selectFrom('records')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('externalId', '=', 'bytes')
        .executeTakeFirstOrThrow(),
    );
    expect(count).toBe(1);
  });

  it.each(['a/b?c#d e%f', 'Ünï-ço∂é 😀', "o'hara;--", '..a', '+1 555'])(
    'accepts the external id %j',
    async (externalId) => {
      const path = `/v1/records/employees/${encodeURIComponent(externalId)}`;

      await tenant.operator.put(path, { fields: { a: 1 } }).expect(202);

      expect((await tenant.viewer.get(path)).body.external_id).toBe(externalId);
    },
  );
});

describe('a batch', () => {
  it('has a result for each change: an invalid one gets its own problem, the others are accepted', async () => {
    const records = [
      { record_type: 'employees', external_id: 'b-1', fields: { a: 1 } },
      { record_type: 'Employees', external_id: 'b-2', fields: { a: 1 } },
      { operation: 'patch', record_type: 'employees', external_id: 'b-unknown', fields: { a: 1 } },
      { record_type: 'employees', external_id: 'b-3', fields: { a: 'nul\u0000' } },
      { operation: 'delete', record_type: 'employees', external_id: 'b-1' },
      { record_type: 'employees', external_id: 'b-4', fields: {}, occurred_at: '2999-01-01T00:00:00Z' },
      { record_type: 'employees', external_id: 'b-5', fields: {}, colour: 'red' },
      null,
      { operation: 'delete', record_type: 'employees', external_id: 'b-1', fields: {} },
      { record_type: 'employees', external_id: 'b-6', fields: { ok: true } },
    ];

    const { status, body } = await tenant.operator.post('/v1/records/batch', { records });

    expect(status).toBe(202);
    expect(
      body.results.map((result: { status: number; problem: { code: string } | null }) => [
        result.status,
        result.problem?.code ?? null,
      ]),
    ).toEqual([
      [202, null],
      [400, 'invalid_body'],
      [404, 'record_not_found'],
      [400, 'unacceptable_json'],
      [202, null],
      [400, 'occurred_in_future'],
      [400, 'invalid_body'],
      [400, 'invalid_body'],
      [400, 'invalid_body'],
      [202, null],
    ]);
    expect(body).toMatchObject({ accepted: 3, refused: 7 });
    expect(body.results[3].problem.errors[0].pointer).toBe('/records/3/fields/a');
    expect(body.results[1].problem.errors[0].pointer).toBe('/records/1/record_type');
    expect((await tenant.viewer.get('/v1/records/employees/b-1')).body).toMatchObject({
      is_deleted: true,
      version: 2,
    });
    expectProblem(await tenant.viewer.get('/v1/records/employees/b-3'), 404);
  });

  it('accepts 1 to 500 changes', async () => {
    const records = Array.from({ length: 501 }, (_, index) => ({
      record_type: 'contacts',
      external_id: `c-${index}`,
      fields: { index },
    }));

    const full = await tenant.operator.post('/v1/records/batch', { records: records.slice(0, 500) });

    expect(full.body).toMatchObject({ accepted: 500, refused: 0 });
    expectProblem(await tenant.operator.post('/v1/records/batch', { records }), 400, 'invalid_body');
    expectProblem(await tenant.operator.post('/v1/records/batch', { records: [] }), 400, 'invalid_body');
  });

  it('is refused as a whole if the error is outside its items', async () => {
    expectProblem(
      await tenant.operator.post('/v1/records/batch', { records: [{}], 'x\u0000': 1 }),
      400,
      'unacceptable_json',
    );
  });
});

describe('a record as it is shown', () => {
  it('has a badge, its state at every integration, and the integrations of each field', async () => {
    const own = await service.givenTenant('Badge');
    const { id: plain } = await givenIntegration(own, { is_paused: false, app: 'A' });
    const { id: filtered } = await givenIntegration(own, { app: 'B', record_types: MAPPING });
    await own.operator
      .put('/v1/records/employees/e-1', { fields: { email: 'a@example.org', kind: 'staff', secret: 1 } })
      .expect(202);
    await own.operator
      .put('/v1/records/employees/e-2', { fields: { email: 'b@example.org', kind: 'guest' } })
      .expect(202);

    const staff = (await own.viewer.get('/v1/records/employees/e-1')).body;
    const guest = (await own.viewer.get('/v1/records/employees/e-2')).body;
    const list = (await own.viewer.get('/v1/records/employees')).body;

    expect(staff.badge).toEqual({
      status: 'sync_pending',
      counts: { sync_failed: 0, syncing: 0, sync_pending: 2, synced: 0 },
      is_paused: true,
      is_unverified: false,
    });
    expect(guest.badge).toEqual({
      status: 'sync_pending',
      counts: { sync_failed: 0, syncing: 0, sync_pending: 1, synced: 0 },
      is_paused: false,
      is_unverified: false,
    });
    expect(staff.field_syncs.email).toEqual([plain, filtered]);
    expect(staff.field_syncs.secret).toBeUndefined();
    expect(guest.syncs).toEqual([
      expect.objectContaining({
        integration_id: plain,
        status: 'sync_pending',
        is_eligible: true,
        due_at: expect.any(String),
      }),
      expect.objectContaining({
        integration_id: filtered,
        status: null,
        is_eligible: false,
        is_paused: true,
      }),
    ]);
    expect(guest.syncs[1].fields).toEqual([
      { name: 'email', to: 'userName' },
      { name: 'name', to: '/name/formatted' },
    ]);
    expect(list.data.map((record: { badge: object }) => record.badge)).toEqual([staff.badge, guest.badge]);
  });
});

describe('actions on a record sync (rules.md 9)', () => {
  let own: GivenTenant;
  let integration: string;
  const act = (name: string, externalId = 'e-1') =>
    own.operator.post(`/v1/integrations/${integration}/records/employees/${externalId}/${name}`);
  beforeAll(async () => {
    own = await service.givenTenant('Acts');
    integration = (await givenIntegration(own, { is_paused: false, initial_push: 'none' })).id;
    await own.operator.put('/v1/records/employees/e-1', { fields: { email: 'a@example.org' } }).expect(202);
  });

  it('lists open windows by state and integration', async () => {
    const pending = await own.viewer
      .get(`/v1/record-syncs?status=sync_pending&integration_id=${integration}`)
      .expect(200);
    const failed = await own.viewer.get('/v1/record-syncs?status=sync_failed').expect(200);

    expect(pending.body.data).toEqual([
      expect.objectContaining({
        external_id: 'e-1',
        status: 'sync_pending',
        started_because: 'quiet',
        changed_by: ['key:operator of Acts'],
      }),
    ]);
    expect(failed.body.data).toEqual([]);
  });

  it('holds, releases, pushes now and discards', async () => {
    const held = await act('hold').expect(200);
    expect(held.body.syncs[0]).toMatchObject({ held_by: 'key:operator of Acts', status: 'sync_pending' });
    expect((await own.viewer.get('/v1/record-syncs?is_held=true')).body.data).toHaveLength(1);

    expect((await act('release').expect(200)).body.syncs[0].held_at).toBeNull();
    const before = Date.now();
    expect(Date.parse((await act('push-now').expect(200)).body.syncs[0].due_at)).toBeLessThan(
      before + 60_000,
    );
    expect((await act('discard').expect(200)).body.syncs[0]).toMatchObject({
      due_at: null,
      discarded_by: 'key:operator of Acts',
    });

    const [discarded] = (await own.viewer.get(`/v1/pushes?integration_id=${integration}`)).body.data;
    expect(discarded).toMatchObject({
      result: 'discarded',
      external_id: 'e-1',
      changed_by: expect.arrayContaining(['key:operator of Acts']),
    });
    const push = await own.viewer.get(`/v1/pushes/${discarded.id}`).expect(200);
    expect(push.body).toMatchObject({ id: discarded.id, payload: null, duration_ms: 0, attempts: 0 });
    expect((await own.viewer.get('/v1/pushes?record_type=employees&external_id=e-1')).body.data).toHaveLength(
      1,
    );
  });

  it('explains why an action is not possible', async () => {
    expectProblem(await act('push-now'), 409, 'nothing_pending');
    expectProblem(await act('hold'), 409, 'nothing_pending');
    expectProblem(await act('retry'), 409, 'nothing_failed');
    expectProblem(await act('hold', 'unknown'), 404, 'record_not_found');
    await own.operator.put('/v1/records/contacts/c-1', { fields: {} }).expect(202);
    expectProblem(
      await own.operator.post(`/v1/integrations/${integration}/records/contacts/c-1/hold`),
      404,
      'record_sync_not_found',
    );
  });

  it('retries all failed record syncs of an integration, a hundred per request', async () => {
    const records = Array.from({ length: 150 }, (_, index) => ({
      record_type: 'employees',
      external_id: `f-${index}`,
      fields: { email: `f${index}@example.org` },
    }));
    await own.operator.post('/v1/records/batch', { records }).expect(202);
    await service.database.withTenant(own.uuid, ({ trx }) =>
      trx
        .updateTable('recordSyncs')
        .set({ windowOpenedAt: null, dueAt: null, resultStatus: 'sync_failed' })
        .execute(),
    );

    const first = await own.operator
      .post('/v1/record-syncs/retry', { integration_id: integration })
      .expect(200);
    const second = await own.operator
      .post('/v1/record-syncs/retry', { integration_id: integration, cursor: first.body.next_cursor })
      .expect(200);

    expect(first.body.retried).toBe(100);
    expect(second.body).toEqual({ retried: 51, next_cursor: null });
    expect((await own.viewer.get('/v1/record-syncs?status=sync_failed')).body.data).toEqual([]);
  });

  it('pushes nothing while the integration is paused', async () => {
    await own.operator
      .put('/v1/records/employees/e-9', { fields: { email: 'nine@example.org' } })
      .expect(202);
    await own.operator.post(`/v1/integrations/${integration}/pause`).expect(200);

    expectProblem(await act('push-now', 'e-9'), 409, 'integration_paused');
    await act('hold', 'e-9').expect(200);
  });
});

it('lists records page by page; a cursor is valid for its own list only', async () => {
  const own = await service.givenTenant('Paging');
  const records = Array.from({ length: 5 }, (_, index) => ({
    record_type: 'employees',
    external_id: `p-${index}`,
    fields: {},
  }));
  await own.operator.post('/v1/records/batch', { records }).expect(202);

  const first = (await own.viewer.get('/v1/records/employees?limit=3')).body;
  const second = (await own.viewer.get(`/v1/records/employees?limit=3&cursor=${first.next_cursor}`)).body;

  expect([...first.data, ...second.data].map((record) => record.external_id)).toEqual([
    'p-0',
    'p-1',
    'p-2',
    'p-3',
    'p-4',
  ]);
  expect(second.next_cursor).toBeNull();
  expectProblem(
    await own.viewer.get(`/v1/records/contacts?cursor=${first.next_cursor}`),
    400,
    'invalid_cursor',
  );
  expectProblem(
    await own.viewer.get(`/v1/records/employees?include_deleted=true&cursor=${first.next_cursor}`),
    400,
    'invalid_cursor',
  );
  expectProblem(
    await tenant.viewer.get(`/v1/records/employees?cursor=${first.next_cursor}`),
    400,
    'invalid_cursor',
  );
});

describe('looking for records', () => {
  const idsOf = (body: { data: { external_id: string }[] }) => body.data.map((record) => record.external_id);

  it('finds those that contain every word, in the external id or in a value, in part and in any case; field names do not count', async () => {
    const own = await service.givenTenant('Search');
    const people = {
      's-1': { name: 'Ada "Lovelace"', job: 'Engineer' },
      's-2': { name: 'Grace Hopper', job: 'Engineer' },
      's-3': { name: '100%' },
    };
    const records = Object.entries(people).map(([id, fields]) => ({
      record_type: 'employees',
      external_id: id,
      fields,
    }));
    await own.operator.post('/v1/records/batch', { records }).expect(202);
    const found = async (q: string) =>
      idsOf((await own.viewer.get(`/v1/records/employees?q=${encodeURIComponent(q)}`).expect(200)).body);

    expect(await found('ENGIN')).toEqual(['s-1', 's-2']);
    expect(await found('engineer grace')).toEqual(['s-2']);
    expect(await found('"love')).toEqual(['s-1']);
    expect(await found('S-3')).toEqual(['s-3']);
    expect(await found('%')).toEqual(['s-3']);
    expect(await found('name')).toEqual([]);
  });

  it('finds those with a status, at one integration or at any', async () => {
    const own = await service.givenTenant('By status');
    const { id } = await givenIntegration(own, {
      is_paused: false,
      record_types: { employees: { ...MAPPING.employees, filter: undefined } },
    });
    await own.operator.put('/v1/records/employees/f-1', { fields: { email: 'one@example.org' } }).expect(202);
    await own.operator.put('/v1/records/contacts/f-2', { fields: { email: 'two@example.org' } }).expect(202);
    const found = async (query: string) =>
      idsOf((await own.viewer.get(`/v1/records/employees?${query}`).expect(200)).body);

    expect(await found('status=sync_pending')).toEqual(['f-1']);
    expect(await found(`status=sync_pending&integration_id=${id}`)).toEqual(['f-1']);
    expect(await found('status=sync_failed')).toEqual([]);
    expectProblem(
      await own.viewer.get('/v1/records/employees?integration_id=none'),
      404,
      'integration_not_found',
    );
  });

  it('examines a limited number of records for one page, and continues from there with the next', async () => {
    const own = await service.givenTenant('Many');
    await own.operator.put('/v1/records/employees/zz', { fields: { name: 'Last' } }).expect(202);
    await service.database.withTenant(own.uuid, ({ trx }) =>
      sql`insert into records (tenant_id, record_id, record_type, external_id, version, fields, occurred_at, changed_at, changed_by, created_at)
          select ${own.uuid}::uuid, gen_random_uuid(), 'employees', 'm-' || n, 1, '{}', now(), now(), 'test', now() from generate_series(1, ${RECORDS_SEARCHED_MAX}) n`.execute(
        trx,
      ),
    );

    const first = (await own.viewer.get('/v1/records/employees?q=last').expect(200)).body;
    const second = (
      await own.viewer.get(`/v1/records/employees?q=last&cursor=${first.next_cursor}`).expect(200)
    ).body;

    expect(first.data).toEqual([]);
    expect(idsOf(second)).toEqual(['zz']);
    expect(second.next_cursor).toBeNull();
  });

  it('returns the few records with a status at once, wherever they are in the list, page by page, with search words and without records of other types', async () => {
    const own = await service.givenTenant('Few');
    const few = [6, 7, 8, 9, 10].map((n) => `m-${String(RECORDS_SEARCHED_MAX + n).padStart(5, '0')}`);
    const { id } = await givenIntegration(own, {
      record_types: { employees: { ...MAPPING.employees, filter: undefined } },
    });
    await insertRecordSyncs(own, id, {
      count: RECORDS_SEARCHED_MAX + 10,
      status: (n) => sql`case when ${n} > ${RECORDS_SEARCHED_MAX + 5} then 'sync_failed' else 'synced' end`,
    });
    await own.operator.put('/v1/records/contacts/m-99999', { fields: {} }).expect(202);
    const list = async (query: string) =>
      (await own.viewer.get(`/v1/records/employees?status=sync_failed&${query}`).expect(200)).body;

    const first = await list('limit=2');
    const rest = await list(`limit=3&integration_id=${id}`);

    expect(idsOf(first)).toEqual(few.slice(0, 2));
    expect(idsOf(await list(`limit=200&cursor=${first.next_cursor}`))).toEqual(few.slice(2));
    expect(idsOf(rest)).toEqual(few.slice(0, 3));
    expect(idsOf(await list(`q=number%20${RECORDS_SEARCHED_MAX + 9}`))).toEqual([few[3]]);
    expect((await list('')).next_cursor).toBeNull();
  });

  it('reads the list in order if many records have a status, and skips none', async () => {
    const own = await service.givenTenant('Many with a status');
    const { id } = await givenIntegration(own, {
      record_types: { employees: { ...MAPPING.employees, filter: undefined } },
    });
    await insertRecordSyncs(own, id, {
      count: 5_000,
      status: (n) => sql`case when ${n} % 2 = 0 then 'sync_failed' else 'synced' end`,
    });
    const list = async (query: string) =>
      (await own.viewer.get(`/v1/records/employees?limit=2&${query}`).expect(200)).body;

    const first = await list('status=sync_failed');

    expect(idsOf(first)).toEqual(['m-00002', 'm-00004']);
    expect(idsOf(await list(`status=sync_failed&cursor=${first.next_cursor}`))).toEqual([
      'm-00006',
      'm-00008',
    ]);
    expect(idsOf(await list(`status=synced&integration_id=${id}`))).toEqual(['m-00001', 'm-00003']);
    expect(idsOf(await list(`integration_id=${id}`))).toEqual(['m-00001', 'm-00002']);
    expect(idsOf(await list('status=sync_failed&q=number%202222'))).toEqual(['m-02222']);
  });
});

/** Employees from `m-00001` on, each with one record sync. */
async function insertRecordSyncs(
  own: GivenTenant,
  integration: string,
  { count, status }: { count: number; status: (n: RawBuilder<number>) => RawBuilder<string> },
): Promise<void> {
  await service.database.withTenant(own.uuid, async ({ trx }) => {
    await sql`insert into records (tenant_id, record_id, record_type, external_id, version, fields, occurred_at, changed_at, changed_by, created_at)
      select ${own.uuid}::uuid, gen_random_uuid(), 'employees', 'm-' || lpad(n::text, 5, '0'), 1, jsonb_build_object('name', 'Number ' || n), now(), now(), 'test', now()
      from generate_series(1, ${count}::int) n`.execute(trx);
    await sql`insert into record_syncs (tenant_id, integration_id, record_id, relevant_version, result_status, result_version)
      select tenant_id, ${fromTypeId('int', integration)}::uuid, record_id, 1, ${status(sql`right(external_id, 5)::int`)}, 1
      from records where tenant_id = ${own.uuid}::uuid and record_type = 'employees'`.execute(trx);
  });
}
