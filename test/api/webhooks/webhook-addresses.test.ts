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
    expect((await tenant.viewer.get(`/v1/webhook-endpoints/${id}`)).body.url).toBe(ADDRESS);
  });
});
