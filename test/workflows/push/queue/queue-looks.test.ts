/** A push queue is not told of a record that it finds by itself in time (F7). */
import { beginLook, endLook, noteSignal, readLook } from '../../../../db/push/queue/queue-looks';
import { recordPushWorkflowId } from '../../../../contract/record-push';
import { PRIORITIES } from '../../../../domain/work-priorities';
import {
  GRACE_MS,
  MINUTE,
  PushEnvironment,
  type TestTenant,
} from '../../../support/environments/push-environment';

let environment: PushEnvironment;
let tenant: TestTenant;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  environment.resetLedger();
  tenant = await environment.tenant();
});

async function signalsOf(integrationId: string): Promise<number> {
  const handle = environment.env.client.workflow.getHandle(recordPushWorkflowId({ integrationId }));
  const { events } = await handle.fetchHistory();
  return (events ?? []).filter((event) => event.workflowExecutionSignaledEventAttributes != null).length;
}
const callsFor = (externalId: string) =>
  environment.ledger.calls.filter((call) => call.externalId === externalId);

it('changes of many records within the grace period signal the queue once, and each is pushed in time', async () => {
  const integrationId = await tenant.integration();
  for (let index = 0; index < 8; index += 1) {
    await tenant.change(`e${index}`, { name: 'A' });
    await environment.sleep(10_000);
  }

  expect(await signalsOf(integrationId)).toBe(1);
  await environment.sleep(GRACE_MS);
  for (let index = 0; index < 8; index += 1) expect(callsFor(`e${index}`)).toHaveLength(1);
});

it('a record that a person pushes at once does not wait for the next look', async () => {
  const integrationId = await tenant.integration();
  await tenant.change('e1', { name: 'A' });
  await tenant.change('e2', { name: 'A' });

  await tenant.act('push_now', integrationId, 'e2');
  await environment.sleep(1_000);

  expect([callsFor('e1').length, callsFor('e2').length]).toEqual([0, 1]);
  await environment.sleep(GRACE_MS);
  expect(callsFor('e1')).toHaveLength(1);
});

describe('what is known of the next look', () => {
  let fired = 0;
  const instants = async () => {
    const now = await environment.now();
    return { soon: new Date(now + MINUTE), later: new Date(now + 2 * MINUTE) };
  };
  const given = async () => {
    const integrationId = await tenant.integration();
    const { database } = environment;
    const { tenantId } = tenant;
    return {
      begin: async (firedAt = ++fired, attempt = 1) => {
        const turn = {
          integrationId,
          run: 'run',
          number: 1,
          beside: [],
          until: new Date(await environment.now()),
        };
        const asked = { integrationId, firedAt, attempt, turn };
        const begun = await database.withTenant(tenantId, (work) => beginLook(work, asked));
        return begun.takenBy === null && begun.isNewest ? begun.look : null;
      },
      end: (look: string | null, nextLookAt: Date, priorityKey: number = PRIORITIES.edit) =>
        database.withTenant(tenantId, (work) =>
          endLook(work, { integrationId, look: look ?? '0', nextLookAt, priorityKey }),
        ),
      read: (dueAt: Date) =>
        database.withDispatcher((work) => readLook(work, { tenantId, integrationId, dueAt })),
      note: (look: string, dueAt: Date, priorityKey: number = PRIORITIES.edit) =>
        database.withDispatcher((work) =>
          noteSignal(work, { tenantId, integrationId, dueAt, look, priorityKey }),
        ),
    };
  };

  it('is early enough for what is due at the same time or later, not for what is due earlier', async () => {
    const [{ begin, end, read }, { soon, later }] = [await given(), await instants()];
    await end(await begin(), soon);

    expect((await read(soon)).isEarlyEnough).toBe(true);
    expect((await read(later)).isEarlyEnough).toBe(true);
    expect((await read(new Date(soon.getTime() - 1))).isEarlyEnough).toBe(false);
  });

  it('is not early enough for an edit if it is for a backfill, which may wait for long', async () => {
    const [{ begin, end, read, note }, { soon, later }] = [await given(), await instants()];
    await tenant.change('e1', { name: 'A' });
    await end(await begin(), soon, PRIORITIES.backfill);
    expect(await read(later)).toMatchObject({ isEarlyEnough: false, priorityKey: PRIORITIES.edit });

    await note((await read(later)).look, soon);
    expect((await read(later)).isEarlyEnough).toBe(true);
  });

  it('is not early enough for a bulk change before an edit, of which the queue is told, too', async () => {
    const { begin, end, read } = await given();
    const changes = Array.from({ length: 25 }, (_, index) => ({ externalId: `e${index}` }));
    await tenant.accept(...changes.map((change) => ({ ...change, fields: { name: 'A' } })));
    const bulkDueAt = (await environment.now()) + GRACE_MS;
    await environment.sleep(MINUTE);
    await tenant.change('alone', { name: 'A' });
    await end(await begin(), (await instants()).soon, PRIORITIES.bulk);

    const known = await read(new Date(bulkDueAt));
    expect(known).toMatchObject({ isEarlyEnough: false, priorityKey: PRIORITIES.bulk });
    expect(known.moreUrgent[PRIORITIES.edit]).toBeGreaterThan(bulkDueAt);
  });

  it('is nothing while the queue looks', async () => {
    const [{ begin, end, read }, { soon, later }] = [await given(), await instants()];
    await end(await begin(), soon);
    await begin();

    expect((await read(later)).isEarlyEnough).toBe(false);
  });

  it('is nothing once the instant has passed', async () => {
    const [{ begin, end, read }, { soon, later }] = [await given(), await instants()];
    await end(await begin(), soon);
    await environment.sleep(MINUTE);

    expect((await read(later)).isEarlyEnough).toBe(false);
  });

  it('is not set by a look that another has followed, nor by a signal from before a look', async () => {
    const [{ begin, end, read, note }, { soon, later }] = [await given(), await instants()];
    const known = await read(soon);
    const first = await begin();
    await begin();
    await end(first, soon);
    await note(known.look, soon);

    expect((await read(later)).isEarlyEnough).toBe(false);
  });

  it('is not set by an execution that Temporal has given up, even if it looks last', async () => {
    const { begin } = await given();
    expect(await begin(100, 2)).not.toBeNull();

    expect(await begin(100, 1)).toBeNull();
    expect(await begin(99, 3)).toBeNull();
    expect(await begin(101, 1)).not.toBeNull();
  });

  it('is the earlier of a signal and a look', async () => {
    const [{ begin, end, read, note }, { soon, later }] = [await given(), await instants()];
    await end(await begin(), later);
    await note((await read(soon)).look, soon);

    expect((await read(soon)).isEarlyEnough).toBe(true);
  });
});
