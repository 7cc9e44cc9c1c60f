/** Push reviews in the API (rules.md 53). */
import { claimAllDue, givenPushReview, PUSH_REVIEW_RECORDS as RECORDS } from '../support/given-push-review';
import { expectProblem, type GivenTenant, type Service, startService } from '../support/service';

let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
});
beforeEach(async () => {
  tenant = await service.givenTenant();
});
afterAll(() => service.close());

const givenReview = () => givenPushReview(service, tenant);
const claim = (integrationId: string) => claimAllDue(service, tenant, integrationId);
const records = async (id: string) => (await tenant.viewer.get(`/v1/push-reviews/${id}/records`)).body.data;
const syncOf = async (externalId: string) =>
  (await tenant.viewer.get(`/v1/records/employees/${externalId}`)).body.syncs[0];

describe('rule 53: push reviews', () => {
  it('show what waits, why, and who caused it', async () => {
    const { integrationId, review } = await givenReview();

    expect(review).toMatchObject({
      id: expect.stringMatching(/^prv_/),
      integration_id: integrationId,
      record_type: 'employees',
      effect: 'create',
      cause: { kind: 'changes', by: [expect.stringMatching(/^key:operator/)], mapping_version: 1 },
      state: 'pending',
      records_waiting: RECORDS,
      is_lower_bound: false,
      records_approved: 0,
      decided_by: null,
    });
    expect((await tenant.viewer.get(`/v1/push-reviews/${review.id}`)).body).toEqual(review);
    expect(await records(review.id)).toHaveLength(RECORDS);
    expect(await syncOf('e-1')).toMatchObject({
      status: 'sync_pending',
      push_review_id: review.id,
      held_by: 'syncline',
    });
  });

  it('are approved in part, then discarded', async () => {
    const { integrationId, review } = await givenReview();
    const waiting = (await records(review.id)) as { id: string; external_id: string }[];
    const [first, second] = waiting.toSorted((a, b) => a.external_id.localeCompare(b.external_id));
    const part = await tenant.admin
      .post(`/v1/push-reviews/${review.id}/approve`, { record_ids: [first?.id, second?.id] })
      .expect(200);

    expect(part.body).toMatchObject({ state: 'pending', records_approved: 2, records_waiting: 3 });
    expect(await claim(integrationId)).toEqual([first?.external_id, second?.external_id]);
    const rest = await tenant.admin.post(`/v1/push-reviews/${review.id}/discard`, {}).expect(200);

    expect(rest.body).toMatchObject({
      state: 'discarded',
      records_approved: 2,
      records_discarded: 3,
      records_waiting: 0,
      decided_by: expect.stringMatching(/^key:admin/),
    });
    expect(await claim(integrationId)).toEqual([]);
    expectProblem(
      await tenant.admin.post(`/v1/push-reviews/${review.id}/approve`, {}),
      409,
      'review_decided',
    );
    expect((await tenant.admin.get('/v1/audit-log?action=push_review.discarded')).body.data).toMatchObject([
      { target: review.id, detail: { effect: 'create', records_discarded: 3 } },
    ]);
  });

  it('are the only way to push a record that waits', async () => {
    const { integrationId, review } = await givenReview();
    const base = `/v1/integrations/${integrationId}/records/employees/e-1`;

    expectProblem(await tenant.operator.post(`${base}/push-now`), 409, 'waits_for_approval');
    expectProblem(await tenant.operator.post(`${base}/release`), 409, 'waits_for_approval');
    await tenant.operator.post(`${base}/discard`).expect(200);

    expect((await tenant.viewer.get(`/v1/push-reviews/${review.id}`)).body).toMatchObject({
      records_waiting: RECORDS - 1,
    });
  });

  it('are decided by admins only', async () => {
    const { review } = await givenReview();

    for (const decision of ['approve', 'discard'])
      expectProblem(
        await tenant.operator.post(`/v1/push-reviews/${review.id}/${decision}`, {}),
        403,
        'role_insufficient',
      );
    expectProblem(await tenant.admin.get('/v1/push-reviews/prv_unknown'), 404, 'push_review_not_found');
  });
});
