/** Exporting a tenant over HTTP (rules.md 62). */
import { get, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import {
  expectProblem,
  givenIntegration,
  type GivenTenant,
  listening,
  PLATFORM_KEY,
  type Service,
  startService,
} from '../support/service';

const RECORDS = 40;
const RECORD_BYTES = 60_000;
let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
  tenant = await service.givenTenant();
});
afterAll(() => service.close());

const linesOf = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string; row: Record<string, unknown> });

it('rule 62: an operator and an admin of the tenant export it, and the audit log says so', async () => {
  await givenIntegration(tenant);
  await tenant.operator.put('/v1/records/employees/ada', { fields: { name: 'Ada' } }).expect(202);

  const platform = await service.platform.get(`/v1/tenants/${tenant.id}/export`).expect(200);
  const own = await tenant.admin.get('/v1/tenant/export').expect(200);
  await tenant.operator.get('/v1/tenant/export').expect(403);

  for (const { text, headers } of [platform, own]) {
    expect(headers['content-type']).toBe('application/x-ndjson; charset=utf-8');
    const lines = linesOf(text);
    expect([lines[0]?.kind, lines.at(-1)?.kind]).toEqual(['export', 'end']);
    expect(lines.find(({ kind }) => kind === 'records')?.row).toMatchObject({ fields: { name: 'Ada' } });
    expect(text).not.toContain('canary');
  }
  const { body } = await tenant.admin.get('/v1/audit-log?action=tenant.exported').expect(200);
  expect(body.data.map(({ actor }: { actor: string }) => actor)).toEqual([
    expect.stringMatching(/^key:admin/),
    'platform',
  ]);
});

it('rule 62: a tenant that was deleted cannot be exported', async () => {
  const deleted = await service.givenTenant('Deleted');
  await service.platform.delete(`/v1/tenants/${deleted.id}?name=Deleted`).expect(202);

  expectProblem(await service.platform.get(`/v1/tenants/${deleted.id}/export`), 410, 'tenant_deleted');
});

it('rule 62: a client that stops reading holds no transaction, and a lost one frees its place', async () => {
  const big = await service.givenTenant('Big');
  for (let at = 0; at < RECORDS; at += 1)
    await big.operator
      .put(`/v1/records/employees/e-${at}`, { fields: { note: 'x'.repeat(RECORD_BYTES) } })
      .expect(202);
  const { port, close } = await listening(service.app);
  const begin = async (): Promise<IncomingMessage> => {
    const request = get({
      port,
      path: `/v1/tenants/${big.id}/export`,
      headers: { authorization: `Bearer ${PLATFORM_KEY}` },
      agent: false,
    });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return response;
  };

  // Not read: what fits into the buffers of the sockets is sent, the rest waits.
  const stalled = [await begin(), await begin(), await begin(), await begin()];
  expect(stalled.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200]);
  expect((await service.platform.get(`/v1/tenants/${big.id}`)).status).toBe(200);
  for (const response of stalled) response.destroy();

  // Read slowly, it arrives whole.
  let text = '';
  for (;;) {
    const response = await begin();
    if (response.statusCode === 429) {
      response.destroy();
      continue;
    }
    for await (const chunk of response) {
      text += String(chunk);
      await new Promise(setImmediate);
    }
    break;
  }
  const lines = linesOf(text);
  expect(lines.at(-1)?.kind).toBe('end');
  expect(lines.filter(({ kind }) => kind === 'records')).toHaveLength(RECORDS);
  await close();
});
