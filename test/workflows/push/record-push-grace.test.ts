/** The push queue keeps a change for its grace period: rules.md 1 to 7. Time is moved by the environment. */
import {
  GRACE_MS,
  PushEnvironment,
  MINUTE,
  type TestTenant,
} from '../../support/environments/push-environment';

let environment: PushEnvironment;
let tenant: TestTenant;
let integrationId: string;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  environment.resetLedger();
  tenant = await environment.tenant();
  integrationId = await tenant.integration();
});

const names = () => tenant.sent(integrationId).map(({ payload }) => (payload as { name: string }).name);
const reasons = async () =>
  (await tenant.pushes(integrationId)).map(({ startedBecause, result }) => `${startedBecause} ${result}`);

/** A record that is Synced as `name`. */
async function syncedRecord(externalId: string, name: string): Promise<void> {
  await tenant.change(externalId, { name });
  await environment.sleep(GRACE_MS + 1_000);
  expect(await tenant.status(integrationId, externalId)).toBe('synced');
}

describe('rule 1: the grace period', () => {
  it('pushes a changed record once its grace period has passed', async () => {
    await tenant.change('e1', { name: 'Ada', email: 'ada@example.org' });
    expect(await tenant.status(integrationId, 'e1')).toBe('sync_pending');

    await environment.sleep(GRACE_MS + 1_000);

    expect(tenant.sent(integrationId)).toEqual([
      { externalId: 'e1', operation: 'upsert', payload: { name: 'Ada', email: 'ada@example.org' } },
    ]);
    expect(await tenant.status(integrationId, 'e1')).toBe('synced');
  });

  it('does not push it a moment earlier', async () => {
    await tenant.change('e1', { name: 'Ada' });

    await environment.sleep(GRACE_MS - 1_000);

    expect(names()).toEqual([]);
    expect(await tenant.status(integrationId, 'e1')).toBe('sync_pending');
  });

  it('pushes once, with the latest values, when a record changes twice within the grace period', async () => {
    await tenant.change('e1', { name: 'A' });
    await environment.sleep(4 * MINUTE);
    await tenant.change('e1', { name: 'B' });
    await environment.sleep(4 * MINUTE);
    expect(names()).toEqual([]);

    await environment.sleep(MINUTE + 1_000);

    expect(names()).toEqual(['B']);
    expect(await reasons()).toEqual(['quiet succeeded']);
  });

  it('pushes at once when the grace period is 0', async () => {
    const atOnce = await tenant.integration({ gracePeriodMs: 0, maxWaitMs: null });
    await tenant.change('e1', { name: 'Ada' });

    await environment.sleep(100);

    expect(tenant.sent(atOnce)).toHaveLength(1);
    expect(tenant.sent(integrationId)).toHaveLength(0);
  });

  it('moves the same window when a change comes after the deadline but before the claim', async () => {
    await tenant.change('e1', { name: 'A' });
    const { dueAt } = (await tenant.recordSync(integrationId, 'e1')) ?? {};
    await tenant.act('hold', integrationId, 'e1'); // as if the push queue were late
    await environment.sleep(GRACE_MS + 2_000);
    await tenant.change('e1', { name: 'B' });

    await tenant.act('release', integrationId, 'e1');
    await environment.sleep(MINUTE);

    expect(names()).toEqual([]);
    expect((await tenant.recordSync(integrationId, 'e1'))?.dueAt?.getTime()).toBeGreaterThan(
      (dueAt as Date).getTime(),
    );
  });

  it('gives each record its own window', async () => {
    await tenant.change('e1', { name: 'A' });
    await environment.sleep(3 * MINUTE);
    await tenant.change('e2', { name: 'B' });

    await environment.sleep(2 * MINUTE + 1_000);
    expect(names()).toEqual(['A']);
    await environment.sleep(3 * MINUTE);

    expect(names()).toEqual(['A', 'B']);
  });

  it('ends the push queue without pending changes, and starts it again for the next change', async () => {
    await syncedRecord('e1', 'A');
    expect(await tenant.endOfPushWorkflow(integrationId)).toBe('COMPLETED');

    await tenant.change('e1', { name: 'B' });
    expect(await tenant.pushWorkflowStatus(integrationId)).toBe('RUNNING');
    await environment.sleep(GRACE_MS + 1_000);

    expect(names()).toEqual(['A', 'B']);
    expect(await tenant.endOfPushWorkflow(integrationId)).toBe('COMPLETED');
  });
});

describe('rule 2: the maximum wait', () => {
  it('pushes a record that never becomes quiet once the maximum wait is over', async () => {
    for (let edit = 1; edit <= 16; edit += 1) {
      await tenant.change('e1', { name: `edit ${edit}` });
      await environment.sleep(4 * MINUTE);
    }

    expect(names()).toEqual(['edit 15']);
    expect(await reasons()).toEqual(['max_wait succeeded']);
  });

  it('does not push it without a maximum wait', async () => {
    const patient = await tenant.integration({ maxWaitMs: null });
    for (let edit = 1; edit <= 16; edit += 1) {
      await tenant.change('e1', { name: `edit ${edit}` });
      await environment.sleep(4 * MINUTE);
    }

    expect(tenant.sent(patient)).toEqual([]);
  });
});

describe('rule 3: relevance', () => {
  it('changes neither status nor window for an unmapped field', async () => {
    await syncedRecord('e1', 'A');
    await tenant.change('e1', { name: 'A', shoe_size: 44 });
    await environment.sleep(GRACE_MS + 1_000);

    expect(names()).toEqual(['A']);
    expect(await tenant.status(integrationId, 'e1')).toBe('synced');
  });

  it('does not restart an open window for an irrelevant change', async () => {
    await tenant.change('e1', { name: 'A' });
    const { dueAt } = (await tenant.recordSync(integrationId, 'e1')) ?? {};
    await environment.sleep(4 * MINUTE);
    await tenant.change('e1', { shoe_size: 44 }, { kind: 'patch' });

    expect((await tenant.recordSync(integrationId, 'e1'))?.dueAt).toEqual(dueAt);
    await environment.sleep(MINUTE + 1_000);
    expect(names()).toEqual(['A']);
  });

  it('decides per integration', async () => {
    const other = await tenant.integration({
      recordTypes: {
        employees: { direction: 'push', fields: [{ name: 'shoe_size', to: 'size' }], onDelete: 'leave' },
      },
    });
    await tenant.change('e1', { name: 'A', shoe_size: 43 });
    await environment.sleep(GRACE_MS + 1_000);

    await tenant.change('e1', { shoe_size: 44 }, { kind: 'patch' });

    expect(await tenant.status(integrationId, 'e1')).toBe('synced');
    expect(await tenant.status(other, 'e1')).toBe('sync_pending');
  });
});

describe('rule 4: what is pushed and why', () => {
  it('logs the union of the changed fields and of the people who changed them', async () => {
    await syncedRecord('e1', 'A');
    await tenant.change('e1', { name: 'B' }, { kind: 'patch' });
    await tenant.change('e1', { email: 'b@example.org' }, { kind: 'patch' });
    await environment.sleep(GRACE_MS + 1_000);

    const last = (await tenant.pushes(integrationId)).at(-1);

    expect(last).toMatchObject({
      startedBecause: 'quiet',
      result: 'succeeded',
      changedBy: ['test'],
      payload: { name: 'B', email: 'b@example.org' },
      attempts: 1,
    });
    expect(last?.changedFields.toSorted()).toEqual(['email', 'name']);
  });

  it('pushes at once on Push now, and logs the person', async () => {
    await tenant.change('e1', { name: 'A' });
    expect(await tenant.act('push_now', integrationId, 'e1')).toBe('done');
    await environment.sleep(1_000);

    expect(names()).toEqual(['A']);
    expect(await reasons()).toEqual(['manual succeeded']);
    expect(await tenant.act('push_now', integrationId, 'e1')).toBe('nothing_pending');
  });
});

describe('rule 5: no net change', () => {
  it('pushes nothing when an edit is undone inside the window, and the status returns to what it was', async () => {
    await syncedRecord('e1', 'A');
    await tenant.change('e1', { name: 'B' });
    expect(await tenant.status(integrationId, 'e1')).toBe('sync_pending');
    await tenant.change('e1', { name: 'A' });

    expect(await tenant.status(integrationId, 'e1')).toBe('synced');
    await environment.sleep(2 * GRACE_MS);
    expect(names()).toEqual(['A']);
    expect(await reasons()).toEqual(['quiet succeeded', 'quiet no_net_change']);
  });

  it('pushes when the edit was undone only in part', async () => {
    await syncedRecord('e1', 'A');
    await tenant.change('e1', { name: 'B', email: 'x@example.org' });
    await tenant.change('e1', { name: 'A', email: 'x@example.org' });
    await environment.sleep(GRACE_MS + 1_000);

    expect(tenant.sent(integrationId).at(-1)?.payload).toEqual({ name: 'A', email: 'x@example.org' });
  });
});

describe('rule 6: a change while Syncing', () => {
  it('does not cancel the push; the record sync is Sync pending afterwards and is pushed again after its grace period', async () => {
    let duringPush: Promise<unknown> | undefined;
    environment.ledger.answer = async (_item, owner) => {
      if (owner === integrationId) duringPush ??= tenant.change('e1', { name: 'B' });
      await duringPush;
      return undefined;
    };
    await tenant.change('e1', { name: 'A' });
    await environment.sleep(GRACE_MS + 1_000);

    expect(names()).toEqual(['A']);
    expect(await tenant.status(integrationId, 'e1')).toBe('sync_pending');

    await environment.sleep(GRACE_MS - 5_000);
    expect(names()).toEqual(['A']);
    await environment.sleep(10_000);
    expect(names()).toEqual(['A', 'B']);
    expect(await tenant.status(integrationId, 'e1')).toBe('synced');
  });

  it('pushes nothing more when the change during the push was undone by its end', async () => {
    let changes: Promise<unknown> | undefined;
    environment.ledger.answer = async (_item, owner) => {
      if (owner === integrationId)
        changes ??= tenant.change('e1', { name: 'B' }).then(() => tenant.change('e1', { name: 'A' }));
      await changes;
      return undefined;
    };
    await tenant.change('e1', { name: 'A' });
    await environment.sleep(GRACE_MS + 1_000);
    expect(await tenant.status(integrationId, 'e1')).toBe('sync_pending');

    await environment.sleep(GRACE_MS + 1_000);

    expect(names()).toEqual(['A']);
    expect(await tenant.status(integrationId, 'e1')).toBe('synced');
  });
});

describe('rule 7: versions', () => {
  it('ignores and logs an older version: it neither overwrites nor extends', async () => {
    await tenant.change('e1', { name: 'new' }, { version: 7 });
    const { dueAt } = (await tenant.recordSync(integrationId, 'e1')) ?? {};
    await environment.sleep(MINUTE);

    expect(await tenant.change('e1', { name: 'old' }, { version: 6 })).toMatchObject({
      outcome: 'stale',
      version: 7,
    });

    expect((await tenant.recordSync(integrationId, 'e1'))?.dueAt).toEqual(dueAt);
    await environment.sleep(GRACE_MS);
    expect(names()).toEqual(['new']);
  });

  it('treats the same change twice as one change, with the same answer', async () => {
    const first = await tenant.change('e1', { name: 'A' }, { version: 7 });
    await environment.sleep(MINUTE);
    const second = await tenant.change('e1', { name: 'A' }, { version: 7 });

    expect(second).toEqual(first);
    await environment.sleep(4 * MINUTE + 1_000);
    expect(names()).toEqual(['A']);
  });

  it('refuses a version that was used for something else', async () => {
    await tenant.change('e1', { name: 'A' }, { version: 7 });

    expect(await tenant.change('e1', { name: 'B' }, { version: 7 })).toMatchObject({
      outcome: 'version_reused',
    });
  });

  it('orders changes without a version by when they occurred', async () => {
    const now = await environment.now();
    await tenant.change('e1', { name: 'later' }, { occurredAt: new Date(now - 1_000) });

    expect(
      await tenant.change('e1', { name: 'earlier' }, { occurredAt: new Date(now - 2_000) }),
    ).toMatchObject({ outcome: 'stale' });
  });
});
