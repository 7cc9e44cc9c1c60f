import supertest from 'supertest';
import { makeApiKey, publicIdOf } from '../../../api/auth/api-key';
import { eventually, expectProblem, type GivenTenant, type Service, startService } from '../support/service';

let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
  tenant = await service.givenTenant();
});
afterAll(() => service.close());

const SCANNER = /^syncline_live_[0-9A-Za-z]{8}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}$/;

describe('a key', () => {
  it('is shown once, found by scanners, and kept only as a hash', async () => {
    const { body: made } = await tenant.admin
      .post('/v1/api-keys', { name: 'payroll', role: 'operator' })
      .expect(201);
    const list = await tenant.admin.get('/v1/api-keys').expect(200);
    const rows = await service.database.withTenant(tenant.uuid, ({ trx }) =>
      trx.selectFrom('apiKeys').selectAll().execute(),
    );

    expect(made.key).toMatch(SCANNER);
    expect(made.key.startsWith(made.prefix)).toBe(true);
    expect(list.text).not.toContain(made.key);
    expect(JSON.stringify(rows)).not.toContain(made.key.split('_')[3]);
    expect(list.body.data.find((key: { id: string }) => key.id === made.id)).toMatchObject({
      name: 'payroll',
      role: 'operator',
      created_by: expect.stringMatching(/^key:admin/),
    });
  });

  it('expires after 365 days unless another time is asked for', async () => {
    const days = (key: { created_at: string; expires_at: string }) =>
      Math.round((Date.parse(key.expires_at) - Date.parse(key.created_at)) / 86_400_000);

    expect(days((await tenant.admin.post('/v1/api-keys', { name: 'a', role: 'viewer' })).body)).toBe(365);
    expect(
      days((await tenant.admin.post('/v1/api-keys', { name: 'b', role: 'viewer', expires_in_days: 7 })).body),
    ).toBe(7);
  });

  it('shows when it was last used', async () => {
    const own = await service.givenTenant('Used');

    await own.viewer.get('/v1/tenant').expect(200);
    await eventually(async () => {
      const { body } = await own.admin.get('/v1/api-keys');
      const used = body.data.find((key: { role: string }) => key.role === 'viewer');
      expect(Date.now() - Date.parse(used.last_used_at)).toBeLessThan(60_000);
    });
  });

  it('is one of at most 50 valid ones; a revoked one does not count', async () => {
    const own = await service.givenTenant('Fifty');
    const ids: string[] = [];
    for (let count = 3; count < 50; count += 1)
      ids.push(
        (await own.admin.post('/v1/api-keys', { name: `k${count}`, role: 'viewer' }).expect(201)).body.id,
      );

    expectProblem(
      await own.admin.post('/v1/api-keys', { name: 'one more', role: 'viewer' }),
      422,
      'too_many_api_keys',
    );
    await own.admin.delete(`/v1/api-keys/${ids[0]}`).expect(200);
    await own.admin.post('/v1/api-keys', { name: 'one more', role: 'viewer' }).expect(201);
  });
});

describe('a request without a valid key', () => {
  it('gets one and the same answer, whatever is wrong with the key (S8)', async () => {
    const own = await service.givenTenant('Keys');
    const { body: revoked } = await own.admin.post('/v1/api-keys', { name: 'revoked', role: 'admin' });
    await own.admin.delete(`/v1/api-keys/${revoked.id}`).expect(200);
    const { body: expired } = await own.admin.post('/v1/api-keys', { name: 'expired', role: 'admin' });
    await service.database.withTenant(own.uuid, ({ trx, now }) =>
      trx.updateTable('apiKeys').set({ expiresAt: now }).where('name', '=', 'expired').execute(),
    );
    const key = own.keys.admin;
    const secret = makeApiKey().text.split('_')[3] as string;

    const headers: (string | undefined)[] = [
      undefined,
      '',
      'Bearer',
      'Bearer x',
      `Basic ${Buffer.from(`key:${key}`).toString('base64')}`,
      `Bearer ${key.slice(0, -1)}`,
      `Bearer ${key.replace('_live_', '_test_')}`,
      `Bearer ${key
        .split('_')
        .map((part, index) => (index === 3 ? secret : part))
        .join('_')}`,
      `Bearer ${makeApiKey().text}`,
      `Bearer ${revoked.key}`,
      `Bearer ${expired.key}`,
      `Bearer ${'x'.repeat(5_000)}`,
      'Bearer platform-key-of-the-tests-012345678x',
    ];
    const answers = await Promise.all(
      headers.map((header) => {
        const test = supertest(service.app).get('/v1/tenant');
        return header === undefined ? test : test.set('Authorization', header);
      }),
    );

    for (const answer of answers) {
      expectProblem(answer, 401, 'unauthorized');
      expect(answer.headers['www-authenticate']).toBe('Bearer realm="syncline"');
    }
    const withoutId = answers.map(({ text }) => ({ ...JSON.parse(text), request_id: '' }));
    expect(new Set(withoutId.map((body) => JSON.stringify(body))).size).toBe(1);
  });

  it('is refused within a second of the revocation on every replica (S8)', async () => {
    const replica = await startService({ databaseUrl: service.databaseUrl });
    const { body: made } = await tenant.admin.post('/v1/api-keys', { name: 'short-lived', role: 'viewer' });
    await service.as(made.key).get('/v1/tenant').expect(200);
    await replica.as(made.key).get('/v1/tenant').expect(200);

    await tenant.admin.delete(`/v1/api-keys/${made.id}`).expect(200);
    await new Promise((resolve) => setTimeout(resolve, 1_000));

    const answers = [
      await service.as(made.key).get('/v1/tenant'),
      await replica.as(made.key).get('/v1/tenant'),
    ];
    await replica.close();
    expect(answers.map(({ status }) => status)).toEqual([401, 401]);
  });

  it('is slowed down after 100 tries a minute, while good keys behind the same address go on (S9)', async () => {
    const own = await startService({ databaseUrl: service.databaseUrl });
    const statuses: number[] = [];
    for (let count = 0; count < 101; count += 1)
      statuses.push((await own.as(makeApiKey().text).get('/v1/tenant')).status);

    const last = await own.as(makeApiKey().text).get('/v1/tenant');
    const good = await own.as(tenant.keys.viewer).get('/v1/tenant');
    await own.close();

    expect(statuses.slice(0, 100).every((status) => status === 401)).toBe(true);
    expectProblem(last, 429, 'too_many_failed_authentications');
    expect(Number(last.headers['retry-after'])).toBeGreaterThan(0);
    expect(last.headers.ratelimit).toContain('failed-authentications');
    expect(good.status).toBe(200);
  });
});

describe('a role', () => {
  it('lets a viewer read and not write (403)', async () => {
    await tenant.viewer.get('/v1/integrations').expect(200);
    expectProblem(
      await tenant.viewer.put('/v1/records/employees/e-1', { fields: {} }),
      403,
      'role_insufficient',
    );
    expectProblem(await tenant.viewer.post('/v1/records/batch', { records: [] }), 403, 'role_insufficient');
    expectProblem(await tenant.viewer.get('/v1/api-keys'), 403, 'role_insufficient');
  });

  it('lets an operator change records and not integrations or keys', async () => {
    await tenant.operator.put('/v1/records/employees/e-1', { fields: {} }).expect(202);
    expectProblem(await tenant.operator.post('/v1/integrations', {}), 403, 'role_insufficient');
    expectProblem(
      await tenant.operator.post('/v1/api-keys', { name: 'x', role: 'admin' }),
      403,
      'role_insufficient',
    );
  });

  it('keeps the platform and its tenants apart', async () => {
    expectProblem(await tenant.admin.get('/v1/tenants'), 403, 'platform_key_required');
    expectProblem(
      await tenant.admin.post(`/v1/tenants/${tenant.id}/api-keys`, { name: 'x', role: 'admin' }),
      403,
      'platform_key_required',
    );
    expectProblem(await service.platform.get('/v1/integrations'), 403, 'tenant_key_required');
  });
});

it('limits requests per key, with headers that say how many are left, and other keys go on', async () => {
  const own = await startService({ databaseUrl: service.databaseUrl, config: { rateLimitPerSecond: 5 } });
  const answers = [];
  for (let count = 0; count < 11; count += 1)
    answers.push(await own.as(tenant.keys.viewer).get('/v1/time-zones'));
  const other = await own.as(tenant.keys.admin).get('/v1/time-zones');
  await own.close();

  expect(answers.slice(0, 10).map(({ status }) => status)).toEqual(Array(10).fill(200));
  expect(answers[0]?.headers).toMatchObject({
    'ratelimit-policy': expect.stringContaining('q=10; w=2'),
    ratelimit: expect.stringContaining('r=9'),
  });
  const refused = answers[10] as supertest.Response;
  expectProblem(refused, 429, 'too_many_requests');
  const seconds = Number(/t=(\d+)/.exec(refused.headers.ratelimit as string)?.[1]);
  expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(seconds);
  expect(other.status).toBe(200);
});

it('creates keys that contain their id and a checksum', () => {
  const { text, publicId } = makeApiKey();

  expect(publicIdOf(text)).toBe(publicId);
  for (let place = 14; place < text.length; place += 7) {
    const altered = `${text.slice(0, place)}${text[place] === 'a' ? 'b' : 'a'}${text.slice(place + 1)}`;
    expect(publicIdOf(altered)).toBeUndefined();
  }
});

it('a tenant with many keys cannot take the capacity of other tenants (X11)', async () => {
  const own = await startService({ databaseUrl: service.databaseUrl, config: { rateLimitPerSecond: 5 } });
  const [greedy, other] = [await service.givenTenant(), await service.givenTenant()];
  const names = Array.from({ length: 6 }, (_, index) => `Reader ${index}`);
  const keys: string[] = [];
  for (const name of names)
    keys.push((await greedy.admin.post('/v1/api-keys', { name, role: 'viewer' }).expect(201)).body.key);

  const answers = await Promise.all(
    keys.flatMap((key) => Array.from({ length: 9 }, () => own.as(key).get('/v1/time-zones'))),
  );
  const ofOther = await own.as(other.keys.viewer).get('/v1/time-zones');
  await own.close();

  expectProblem(answers.find(({ status }) => status === 429) as supertest.Response, 429, 'too_many_requests');
  expect(ofOther.status).toBe(200);
});
