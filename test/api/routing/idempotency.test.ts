import {
  expectProblem,
  type GivenTenant,
  PLATFORM_KEY,
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

const KEY = { name: 'payroll', role: 'viewer' };
const BATCH = { records: [{ record_type: 'employees', external_id: 'i-1', fields: { a: 1 } }] };

describe('a POST with an Idempotency-Key (S24)', () => {
  it('has one effect and one answer, and says when the answer is a repetition', async () => {
    const first = await tenant.operator.post('/v1/records/batch', BATCH).set('Idempotency-Key', 'k-1');
    const again = await tenant.operator.post('/v1/records/batch', BATCH).set('Idempotency-Key', 'k-1');
    const log = await tenant.admin.get('/v1/audit-log?action=records.changed');

    expect(first.headers['idempotent-replayed']).toBeUndefined();
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect({ status: again.status, body: again.body }).toEqual({ status: first.status, body: first.body });
    expect(log.body.data).toHaveLength(1);
  });

  it('shows the secret again when the request is repeated, and stores it encrypted', async () => {
    const first = await tenant.admin.post('/v1/api-keys', KEY).set('Idempotency-Key', 'k-2').expect(201);
    const again = await tenant.admin.post('/v1/api-keys', KEY).set('Idempotency-Key', 'k-2').expect(201);
    const stored = await service.database.withTenant(tenant.uuid, ({ trx }) =>
      trx.selectFrom('idempotencyKeys').select('response').where('idempotencyKey', '=', 'k-2').execute(),
    );

    expect(again.body).toEqual(first.body);
    expect(JSON.stringify(stored)).not.toContain(first.body.key.split('_')[3]);
  });

  it('is refused when it is another request: another body, another path (422)', async () => {
    await tenant.admin.post('/v1/api-keys', KEY).set('Idempotency-Key', 'k-3').expect(201);

    expectProblem(
      await tenant.admin.post('/v1/api-keys', { ...KEY, role: 'admin' }).set('Idempotency-Key', 'k-3'),
      422,
      'idempotency_key_reused',
    );
    expectProblem(
      await tenant.admin.post('/v1/records/batch', BATCH).set('Idempotency-Key', 'k-3'),
      422,
      'idempotency_key_reused',
    );
  });

  it('has one effect when it arrives twenty times at once: the others wait or get 409', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        tenant.admin.post('/v1/api-keys', { ...KEY, name: 'at once' }).set('Idempotency-Key', 'k-4'),
      ),
    );
    const { body } = await tenant.admin.get('/v1/api-keys?limit=200');

    expect(body.data.filter((key: { name: string }) => key.name === 'at once')).toHaveLength(1);
    for (const answer of answers)
      if (answer.status !== 201) expectProblem(answer, 409, 'idempotency_key_in_use');
    expect(
      answers.filter(({ status, headers }) => status === 201 && headers['idempotent-replayed'] === undefined),
    ).toHaveLength(1);
    expect(
      answers.filter(({ status }) => status === 409).every(({ headers }) => headers['retry-after'] === '1'),
    ).toBe(true);
  });

  it.each([
    ['256 characters', 'x'.repeat(256)],
    ['no ASCII', 'schlüssel'],
    ['nothing', ''],
  ])('is refused with a key of %s (400)', async (_name, key) => {
    const header = Buffer.from(key, 'latin1').toString('latin1');

    expectProblem(
      await tenant.admin.post('/v1/api-keys', KEY).set('Idempotency-Key', header),
      400,
      'invalid_header',
    );
  });

  it('leaves no answer behind when it failed: the corrected request may use the same key', async () => {
    expectProblem(
      await tenant.admin
        .post('/v1/integrations', { connector: 'fax', config: {} })
        .set('Idempotency-Key', 'k-5'),
      422,
      'unknown_connector',
    );

    await tenant.admin.post('/v1/api-keys', KEY).set('Idempotency-Key', 'k-5').expect(201);
  });

  it('is a new request after 24 hours', async () => {
    const first = await tenant.admin.post('/v1/api-keys', KEY).set('Idempotency-Key', 'k-6').expect(201);
    await service.database.withTenant(tenant.uuid, ({ trx, now }) =>
      trx
        .updateTable('idempotencyKeys')
        .set({ createdAt: new Date(now.getTime() - 24 * 3_600_000 - 1_000) })
        .where('idempotencyKey', '=', 'k-6')
        .execute(),
    );

    const later = await tenant.admin.post('/v1/api-keys', KEY).set('Idempotency-Key', 'k-6').expect(201);

    expect(later.body.id).not.toBe(first.body.id);
    expect(later.headers['idempotent-replayed']).toBeUndefined();
  });

  it('works for the platform key too, even if the request creates the tenant', async () => {
    const platform = service.as(PLATFORM_KEY);
    const [first, again] = [
      await platform.post('/v1/tenants', { name: 'Once' }).set('Idempotency-Key', 'p-1'),
      await platform.post('/v1/tenants', { name: 'Once' }).set('Idempotency-Key', 'p-1'),
    ];
    const other = await platform.post('/v1/tenants', { name: 'Twice' }).set('Idempotency-Key', 'p-1');

    expect(first.status).toBe(201);
    expect(again.body).toEqual(first.body);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expectProblem(other, 422, 'idempotency_key_reused');
  });
});

it('creates a new object each time without a key', async () => {
  const [first, second] = [
    await tenant.admin.post('/v1/api-keys', KEY),
    await tenant.admin.post('/v1/api-keys', KEY),
  ];

  expect(first.body.id).not.toBe(second.body.id);
});
