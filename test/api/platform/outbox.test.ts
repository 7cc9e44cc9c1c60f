/** What operators see of the outbox, and what they can do (rules.md 60). */
import { Client } from 'pg';
import { OUTBOX_CHANNEL } from '../../../db/platform/outbox';
import { until } from '../../support/until';
import { givenRefusedMessage } from '../support/given-refused-message';
import {
  expectProblem,
  type GivenTenant,
  PLATFORM_KEY,
  type Service,
  startService,
} from '../support/service';

let service: Service;
let one: GivenTenant;
let other: GivenTenant;
beforeAll(async () => {
  service = await startService();
  one = await service.givenTenant();
  other = await service.givenTenant();
});
afterAll(() => service.close());

beforeEach(() => service.database.withDispatcher(({ trx }) => trx.deleteFrom('outbox').execute()));

const platform = () => service.as(PLATFORM_KEY);

describe('rule 60: the operator of the platform', () => {
  it('sees per topic how many messages of all tenants wait, since when, and which ones are refused and why', async () => {
    await givenRefusedMessage(service, one, { topic: 'record_push', attempts: 0 });
    const refused = await givenRefusedMessage(service, one, { attempts: 2 });
    const often = await givenRefusedMessage(service, other, { topic: 'of_a_newer_version', attempts: 14 });

    const { body } = await platform().get('/v1/platform/outbox').expect(200);

    const oldest_at = expect.stringMatching(/^20/);
    expect(body.topics).toEqual([
      { topic: 'of_a_newer_version', messages: 1, oldest_at, refused: 1 },
      { topic: 'record_push', messages: 1, oldest_at, refused: 0 },
      { topic: 'sync_schedule', messages: 1, oldest_at, refused: 1 },
    ]);
    expect(body.refused).toMatchObject([
      { id: String(often), topic: 'of_a_newer_version', tenant_id: other.id, attempts: 14 },
      {
        id: String(refused),
        tenant_id: one.id,
        attempts: 2,
        last_error: 'Error: unknown time zone europe/berlin',
      },
    ]);
  });

  it('sends a refused message again at once, and the dispatchers hear of it', async () => {
    const id = await givenRefusedMessage(service, one);
    const listener = new Client({ connectionString: service.databaseUrl });
    await listener.connect();
    await listener.query(`listen ${OUTBOX_CHANNEL}`);
    let isNotified = false;
    listener.on('notification', () => (isNotified = true));

    const { body } = await platform().post(`/v1/platform/outbox/${id}/retry`).expect(200);

    expect(body).toMatchObject({ id: String(id), attempts: 3, next_attempt_at: null });
    await until('it is announced', () => isNotified);
    await listener.end();
  });

  it.each(['0', '999999999', 'x', '1e3', '99999999999999999999'])(
    'gets 404 for the message %s, which is not there',
    async (id) => {
      const answer = await platform().post(`/v1/platform/outbox/${id}/retry`);
      expectProblem(answer, 404, 'outbox_message_not_found');
    },
  );

  it('gets 404 for a message that waits and was never refused', async () => {
    const id = await givenRefusedMessage(service, one, { attempts: 0 });
    expectProblem(await platform().post(`/v1/platform/outbox/${id}/retry`), 404, 'outbox_message_not_found');
  });

  it('finds the topics in the metrics, until their messages are sent', async () => {
    await givenRefusedMessage(service, one);
    const metrics = () => service.dependencies.metrics.registry.metrics();

    expect(await metrics()).toMatch(/^syncline_outbox_topic_rows\{topic="sync_schedule"\} 1$/m);
    expect(await metrics()).toMatch(/^syncline_outbox_topic_age_seconds\{topic="sync_schedule"\} \d/m);
    await service.database.withDispatcher(({ trx }) => trx.deleteFrom('outbox').execute());
    expect(await metrics()).not.toContain('topic="sync_schedule"');
  });
});

it('no key of a tenant sees the outbox or retries a message, not even its own', async () => {
  const id = await givenRefusedMessage(service, one);

  expectProblem(await one.admin.get('/v1/platform/outbox'), 403);
  expectProblem(await one.admin.post(`/v1/platform/outbox/${id}/retry`), 403);
});
