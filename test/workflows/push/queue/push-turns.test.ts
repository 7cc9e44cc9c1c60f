/** Of several executions of a push queue, one at a time pushes (rules 59 and 60, D10). */
import { setTimeout as pause } from 'node:timers/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import { PUSHING_LIMITS } from '../../../../activities/dependencies';
import { createRecordPushActivities } from '../../../../activities/push/record-push';
import type { PushReport, PushTurn } from '../../../../contract/record-push';
import { acceptChanges } from '../../../../db/records/accept-changes';
import { newUuid } from '../../../../db/sql/ids';
import { PRIORITIES } from '../../../../domain/work-priorities';
import { PushEnvironment, type TestTenant } from '../../../support/environments/push-environment';
import { prioritiesIn } from '../../../support/environments/queue-priorities';
import { until } from '../../../support/until';

const RECORDS = 12;

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

describe('executions that begin at the same time', () => {
  let integrationId: string;
  let calls: { underWay: number; most: number };

  /** Records that are due, of which no push queue is told, for an app that bears one call at a time. */
  beforeEach(async () => {
    integrationId = newUuid();
    const config = { owner: integrationId, concurrency: 1 };
    await tenant.integration({ integrationId, config, gracePeriodMs: 0, maxWaitMs: null });
    await environment.database.withTenant(tenant.tenantId, (work) =>
      acceptChanges(
        work,
        Array.from({ length: RECORDS }, (_, index) => ({
          recordType: 'employees',
          kind: 'put' as const,
          externalId: `e${index}`,
          fields: { name: 'A' },
        })),
        { actor: 'test', requestId: 'test' },
      ),
    );
    calls = { underWay: 0, most: 0 };
    environment.ledger.answer = async (_item, owner) => {
      if (owner !== integrationId) return undefined;
      calls.most = Math.max(calls.most, (calls.underWay += 1));
      await pause(20);
      calls.underWay -= 1;
      return undefined;
    };
  });

  /** @param turn absent: as a workflow of version 0.3.0 schedules it. */
  async function execute(
    turn: PushTurn | undefined,
    priorityKey: number,
    runId = 'run',
  ): Promise<PushReport> {
    const { pushDueRecords } = createRecordPushActivities(environment.dependencies);
    const firedAt = (await environment.now()) + 1;
    const input = { tenantId: tenant.tenantId, integrationId, firedAt, priorityKey, ...(turn && { turn }) };
    const workflowExecution = { workflowId: 'queue', runId };
    return (await new MockActivityEnvironment({ workflowExecution }).run(
      pushDueRecords,
      input,
    )) as PushReport;
  }

  it('never make more calls than the app bears: one of them does nothing', async () => {
    const reports = await Promise.all([
      execute({ number: 1, beside: [] }, PRIORITIES.backfill),
      execute({ number: 2, beside: [1] }, PRIORITIES.edit),
      execute({ number: 3, beside: [1, 2] }, PRIORITIES.person),
    ]);

    expect(calls.most).toBe(1);
    expect(reports.filter(({ takenBy }) => takenBy === undefined).map(({ pushed }) => pushed)).toEqual([
      RECORDS,
    ]);
    expect(tenant.sent(integrationId)).toHaveLength(RECORDS);
  });

  it('an overtaken execution that begins later pushes what is left', async () => {
    environment.dependencies.pushing.timeBoxMs = 50;
    const overtaking = await execute({ number: 2, beside: [1] }, PRIORITIES.edit);
    environment.dependencies.pushing.timeBoxMs = PUSHING_LIMITS.timeBoxMs;
    const overtaken = await execute({ number: 1, beside: [] }, PRIORITIES.backfill);

    expect([overtaking.takenBy, overtaken.takenBy]).toEqual([undefined, undefined]);
    expect(overtaking.pushed + overtaken.pushed).toBe(RECORDS);
  });

  it('one of version 0.3.0 keeps others out until it has ended, and not longer', async () => {
    const overtaking = { number: 2, beside: [1] };
    const reports = await Promise.all([
      execute(undefined, PRIORITIES.edit),
      execute(overtaking, PRIORITIES.person),
    ]);
    expect(calls.most).toBe(1);
    expect(reports.filter(({ takenBy }) => takenBy === undefined)).toHaveLength(1);

    await execute(undefined, PRIORITIES.edit);
    expect((await execute(overtaking, PRIORITIES.person)).takenBy).toBeUndefined();
  });

  it('one of version 0.3.0 that finds the turn taken does not leave its queue quiet', async () => {
    await execute({ number: 1, beside: [] }, PRIORITIES.edit); // no statement has ended its turn

    const { takenBy, nextDueAt } = await execute(undefined, PRIORITIES.edit);

    expect(takenBy).toBe(1);
    expect(nextDueAt).toBeGreaterThan(await environment.now());
  });

  it.each([
    ['an operator ends the workflow', 'next run'],
    ['Temporal takes its worker for dead', 'run'],
  ])(
    'one that has lost its turn, because %s, begins no further calls',
    async (_why, runId) => {
      let begun = 0;
      environment.ledger.answer = async (_item, owner) => {
        if (owner === integrationId) begun += 1;
        await pause(1_000);
        return undefined;
      };
      const first = execute({ number: 1, beside: [] }, PRIORITIES.edit);
      await until('it has begun', () => begun > 0);

      const second = await execute({ number: 1, beside: [] }, PRIORITIES.edit, runId);

      expect(second.takenBy).toBeUndefined();
      expect((await first).pushed).toBeLessThan(RECORDS);
      expect(begun).toBeLessThan(RECORDS);
    },
    60_000,
  );

  it('one that fails does not keep the turn until it is repeated', async () => {
    const { openConnector } = environment.dependencies;
    environment.dependencies.openConnector = () => Promise.reject(new Error('The key service is away.'));
    const failing = execute({ number: 1, beside: [] }, PRIORITIES.backfill);
    await expect(failing).rejects.toThrow('away');
    environment.dependencies.openConnector = openConnector;

    const overtaking = await execute({ number: 2, beside: [1] }, PRIORITIES.edit);

    expect(overtaking.takenBy).toBeUndefined(); // its records are leased to the other
  });
});

it('what a person pushes while a backfill makes its calls does not double the calls', async () => {
  const people = Array.from({ length: 5 }, (_, index) => ({
    externalId: `e${index}`,
    fields: { name: 'A' },
  }));
  await tenant.accept(...people);
  const integrationId = newUuid();
  const priorities = () => prioritiesIn(environment, integrationId);
  const calls = { all: 0, underWay: 0, most: 0 };
  environment.ledger.answer = async (_item, owner) => {
    if (owner !== integrationId) return undefined;
    calls.most = Math.max(calls.most, (calls.underWay += 1));
    if ((calls.all += 1) === 1) {
      await tenant.change('late', { name: 'A' });
      await tenant.act('push_now', integrationId, 'late');
      await until('it is asked for', async () =>
        (await priorities()).some((key) => key !== PRIORITIES.backfill),
      );
    }
    await pause(20);
    calls.underWay -= 1;
    return undefined;
  };
  const config = { owner: integrationId, concurrency: 1 };
  await tenant.integration({ integrationId, config, gracePeriodMs: 0, initialPush: 'all' });
  await environment.sleep(1_000);
  await until('all are sent', () => tenant.sent(integrationId).length === people.length + 1);

  expect(calls.most).toBe(1);
  expect(await priorities()).toContain(PRIORITIES.backfill);
  expect(new Set(tenant.sent(integrationId).map(({ externalId }) => externalId)).size).toBe(
    people.length + 1,
  );
});

it('an edit that overtakes an execution of version 0.3.0 is not scheduled again and again', async () => {
  await tenant.accept({ externalId: 'e1', fields: { name: 'A' } });
  const integrationId = newUuid();
  const priorities = () => prioritiesIn(environment, integrationId);
  let hasBegun = false;
  environment.ledger.answer = async (_item, owner) => {
    if (owner !== integrationId || hasBegun) return undefined;
    hasBegun = true;
    // Its workflow has given it no number.
    await environment.superuser(
      `update push_queue_looks set turn_number = 0 where integration_id = '${integrationId}'`,
    );
    await tenant.change('late', { name: 'A' });
    await until('it is asked for', async () => (await priorities()).includes(PRIORITIES.edit));
    await pause(2_000);
    return undefined;
  };
  const config = { owner: integrationId, concurrency: 1 };
  await tenant.integration({ integrationId, config, gracePeriodMs: 0, initialPush: 'all' });
  await environment.sleep(1_000);
  await until('all are sent', () => tenant.sent(integrationId).length === 2);

  expect((await priorities()).length).toBeLessThan(10);
});
