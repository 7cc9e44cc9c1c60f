/** Addresses of webhook endpoints that the egress policy refuses: rules.md 43, S12. */
import { NOT_PUBLIC } from '../../support/fakes/not-public-addresses';
import { expectProblem, type GivenTenant, type Service, startService } from '../support/service';

const ADDRESS = 'https://hooks.example.com/syncline';
let service: Service;
let tenant: GivenTenant;
let id: string;

beforeAll(async () => {
  service = await startService();
  tenant = await service.givenTenant();
  ({ id } = (await tenant.admin.post('/v1/webhook-endpoints', { url: ADDRESS }).expect(201)).body);
});
afterAll(() => service.close());

describe('the address (S12)', () => {
  const ADDRESSES = [
    ...Object.values(NOT_PUBLIC).map((host) => `https://${host}/hooks`),
    'http://hooks.example.com/',
    'file:///etc/passwd',
    'ftp://hooks.example.com/',
    'javascript:alert(1)',
    'https://user:password@hooks.example.com/',
    'https://user@hooks.example.com/',
    ...[22, 25, 80, 5432, 6379, 9000].map((port) => `https://hooks.example.com:${port}/`),
    'https://',
    'hooks.example.com',
    '//hooks.example.com',
    'https://hooks example.com',
    'nonsense',
    'https://hooks.example.com/a\r\nX-Injected: 1',
    'https://hooks.example.com/a\nb',
    'https://hooks.example.com/\tb',
  ];

  it.each(ADDRESSES)('is refused, new and changed, when it is %s', async (url) => {
    const made = await tenant.admin.post('/v1/webhook-endpoints', { url });

    expectProblem(made, 422, 'egress_refused');
    expect(made.body.errors).toEqual([
      { pointer: '/url', code: 'egress_refused', message: expect.any(String) },
    ]);
    expectProblem(
      await tenant.admin.patch(`/v1/webhook-endpoints/${id}`, { url }).set('If-Match', '"1"'),
      422,
      'egress_refused',
    );
    expect((await tenant.admin.get(`/v1/webhook-endpoints/${id}`)).body.url).toBe(ADDRESS);
  });
});

it.each([
  'https://hooks.example.com/p%2Fa?x=1&y=%20z&sig=a+b',
  'https://hooks.example.com//double//',
  'https://hooks.example.com/ü?q=ä',
  'https://hooks.example.com',
  'HTTPS://Hooks.Example.com/UPPER',
  '  https://hooks.example.com/blanks  ',
])('B53: an address is shown as it was typed: %j', async (url) => {
  const { body: made } = await tenant.admin.post('/v1/webhook-endpoints', { url }).expect(201);

  const { body: shown } = await tenant.admin.get(`/v1/webhook-endpoints/${made.id}`).expect(200);

  expect([made.url, shown.url]).toEqual([url, url]);
});

describe('what a viewer sees of an address (B58)', () => {
  it.each([
    'https://prod-1.logic.azure.com/workflows/a?sig=canary-query',
    'https://hooks.slack.com/services/T000/B000/canary-path',
  ])('a viewer does not see the secret in %s; an admin does', async (url) => {
    const { body: made } = await tenant.admin.post('/v1/webhook-endpoints', { url }).expect(201);

    const shown = await tenant.viewer.get(`/v1/webhook-endpoints/${made.id}`);
    const listed = await tenant.viewer.get('/v1/webhook-endpoints');
    const forAdmin = await tenant.admin.get(`/v1/webhook-endpoints/${made.id}`);

    expect(shown.body.url).toBe(`${new URL(url).origin}/…`);
    expect(shown.text + listed.text).not.toContain('canary');
    expect(forAdmin.body.url).toBe(url);
  });

  it('the audit log names both hosts of an address that moved, without path and query', async () => {
    const url = 'https://a.example.com/?sig=canary-audit';
    const { body: made } = await tenant.admin.post('/v1/webhook-endpoints', { url }).expect(201);

    await tenant.admin
      .patch(`/v1/webhook-endpoints/${made.id}`, { url: 'https://b.example.com/?sig=canary-audit' })
      .set('If-Match', '"1"')
      .expect(200);
    const { body: log, text } = await tenant.admin.get('/v1/audit-log');

    expect(log.data[0].detail.moved).toEqual({ from: 'https://a.example.com', to: 'https://b.example.com' });
    expect(text).not.toContain('canary');
  });
});
