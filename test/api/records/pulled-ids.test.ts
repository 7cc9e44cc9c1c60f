/** Records whose ids a caller could not have chosen. */
import { givenOnboarded, remote } from '../support/simulated-worker';
import { expectProblem, startService } from '../support/service';

it('shows, lists and erases pulled records with the longest and oddest ids', async () => {
  const service = await startService();
  const tenant = await service.givenTenant();
  const remoteIds = ['a\tb\n', 'x'.repeat(225), '\u6f22'.repeat(500)];
  const contacts = remoteIds.map((id) => remote(id, { name: 'Ada' }));
  const { integration } = await givenOnboarded(service, tenant, { contacts });
  const ids = remoteIds.map((id) => `${integration.id}:${id}`);

  const listed: string[] = [];
  let cursor = '';
  do {
    const { body } = await tenant.viewer.get(`/v1/records/contacts?limit=1${cursor}`).expect(200);
    listed.push(...body.data.map((record: { external_id: string }) => record.external_id));
    cursor = body.next_cursor === null ? '' : `&cursor=${body.next_cursor}`;
  } while (cursor !== '');
  expect(listed).toEqual(ids);
  for (const id of ids) {
    const { body } = await tenant.viewer.get(`/v1/records/contacts/${encodeURIComponent(id)}`).expect(200);
    expect(body.external_id).toBe(id);
  }
  const records = ids.map((external_id) => ({ record_type: 'contacts', external_id }));
  await tenant.admin.post('/v1/erasures', { records }).expect(202);

  for (const id of ['x'.repeat(256), 'a%09b', `${integration.id}:${'x'.repeat(501)}`])
    expectProblem(await tenant.operator.put(`/v1/records/employees/${id}`, { fields: {} }), 400);
  await service.close();
});
