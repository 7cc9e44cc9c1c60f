/** Races between people, third parties and the push queue. */
import { RateLimited, RecordRejected, Unauthorized, Unavailable } from '../../../connectors/errors';
import { recordPushWorkflowId } from '../../../contract/record-push';
import { deleteIntegration } from '../../../db/sync-runs/delete-integration';
import {
  changeIntegration,
  pauseIntegration,
  replaceCredentials,
  resumeIntegration,
} from '../../../db/sync-runs/integration-lifecycle';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import {
  GRACE_MS,
  PushEnvironment,
  MINUTE,
  type TestTenant,
} from '../../support/environments/push-environment';

const HOUR = 60 * MINUTE;
/** The ledger takes 50 records per claim, and a push queue works on two claims at once. */
const IN_TWO_CLAIMS = 100;
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

const inTenant = <T>(work: Parameters<typeof environment.database.withTenant<T>>[1]) =>
  environment.database.withTenant(tenant.tenantId, work);
const acceptMany = (count: number) =>
  tenant.accept(
    ...Array.from({ length: count }, (_, index) => ({
      externalId: `e${index}`,
      fields: { name: `${index}` },
    })),
  );
const settle = () => environment.sleep(GRACE_MS + 1_000);
const findIntegrationRow = () =>
  inTenant(({ trx }) =>
    trx
      .selectFrom('integrations')
      .selectAll()
      .where('integrationId', '=', integrationId)
      .executeTakeFirstOrThrow(),
  );
const giveCredentials = () =>
  inTenant((work) => replaceCredentials(work, { integrationId, encryptedCredentials: null as never }));
const mapping = (more: Partial<RecordTypeMapping> = {}): { employees: RecordTypeMapping } => ({
  employees: { direction: 'push', fields: [{ name: 'name', to: 'name' }], onDelete: 'deactivate', ...more },
});

/** Waits for an activity that takes longer than the clock was moved. */
async function untilQueueSleeps(): Promise<void> {
  const pushEnv = environment.env.client.workflow.getHandle(recordPushWorkflowId({ integrationId }));
  for (;;) {
    const { raw } = await pushEnv.describe();
    if ((raw.pendingActivities ?? []).length === 0 && raw.pendingWorkflowTask == null) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Once, in the middle of the call number `call`. */
function inTheMiddleOfCall(call: number, doing: () => Promise<unknown>): void {
  let calls = 0;
  let done: Promise<unknown> | undefined;
  environment.ledger.answer = async (_item, owner) => {
    if (owner === integrationId && (calls += 1) === call) done = doing();
    await done;
    return undefined;
  };
}

describe('a person changes the integration while its push queue pushes', () => {
  it('claims nothing more once it is paused; the rest is pushed after resuming', async () => {
    inTheMiddleOfCall(10, () => inTenant((work) => pauseIntegration(work, { integrationId })));
    await acceptMany(300);
    await settle();
    expect(tenant.sent(integrationId).length).toBeLessThanOrEqual(IN_TWO_CLAIMS);

    await inTenant((work) => resumeIntegration(work, { integrationId }));
    await environment.sleep(1_000);

    expect(tenant.sent(integrationId)).toHaveLength(300);
  });

  it('does not continue with the old mapping, and leaves no record with it', async () => {
    const renamed = mapping({ fields: [{ name: 'name', to: 'full_name' }] });
    inTheMiddleOfCall(10, () =>
      inTenant((work) => changeIntegration(work, { integrationId, change: { recordTypes: renamed } })),
    );
    await acceptMany(300);
    await settle();
    await settle();

    const sent = tenant.sent(integrationId);
    expect(sent.filter(({ payload }) => Object.hasOwn(payload as object, 'name')).length).toBeLessThanOrEqual(
      IN_TWO_CLAIMS,
    );
    expect(
      new Set(
        sent
          .filter(({ payload }) => Object.hasOwn(payload as object, 'full_name'))
          .map(({ externalId }) => externalId),
      ).size,
    ).toBe(300);
  });

  it('does not attribute an answer to the old credentials to the new ones', async () => {
    let isReplaced = false;
    environment.ledger.answer = async () => {
      if (isReplaced) return undefined;
      await giveCredentials();
      isReplaced = true;
      return new Unauthorized('The old token is not valid any more.');
    };
    await tenant.change('e1', { name: 'A' });
    await settle();
    await untilQueueSleeps();

    expect(await tenant.status(integrationId, 'e1')).toBe('synced');
    expect(await tenant.notifications()).toEqual([]);
  });

  it('leaves no push and no record sync of a deleted integration', async () => {
    inTheMiddleOfCall(10, () => inTenant((work) => deleteIntegration(work, { integrationId })));
    await acceptMany(60);
    await settle();

    const recordSyncs = await inTenant(({ trx }) =>
      trx.selectFrom('recordSyncs').selectAll().where('integrationId', '=', integrationId).execute(),
    );
    expect(recordSyncs).toEqual([]);
    expect((await tenant.pushes(integrationId)).filter(({ finishedAt }) => finishedAt === null)).toEqual([]);
    expect(await tenant.endOfPushWorkflow(integrationId)).toBe('COMPLETED');
  });

  it('counts a pause once when two people resume at once', async () => {
    environment.ledger.answer = () => new RateLimited('Slow down', MINUTE);
    await tenant.change('e1', { name: 'A' });
    await settle();
    environment.resetLedger();
    await inTenant((work) => pauseIntegration(work, { integrationId }));
    await environment.sleep(10 * HOUR);

    await Promise.all([1, 2, 3].map(() => inTenant((work) => resumeIntegration(work, { integrationId }))));
    await environment.sleep(MINUTE);

    expect(tenant.sent(integrationId)).toHaveLength(1);
  });
});

describe('failures of third parties', () => {
  it('shows the outage as the reason for a record that became due during it, not an earlier error', async () => {
    environment.ledger.answer = () => new RecordRejected('The name is refused.', []);
    await tenant.change('old', { name: 'A' });
    await settle();
    const down = () => new Unavailable('connect ECONNREFUSED');
    environment.ledger.answer = down;
    environment.ledger.checkAnswer = down;
    await tenant.change('first', { name: 'A' });
    await environment.sleep(HOUR);
    await tenant.accept(
      { externalId: 'old', fields: { name: 'B' } },
      { externalId: 'new', fields: { name: 'B' } },
    );
    await environment.sleep(GRACE_MS + 10_000);

    for (const externalId of ['first', 'old', 'new']) {
      expect(await tenant.recordSync(integrationId, externalId)).toMatchObject({
        status: 'sync_failed',
        errors: [{ code: 'unreachable', message: 'connect ECONNREFUSED' }],
      });
    }
  });

  it('makes no call before a rate limit ends, although another call met an outage meanwhile', async () => {
    const pauseMs = 20 * MINUTE;
    const calls = { pushes: 0, checks: 0 }; // push queues of other tests may still probe
    let refusedAt = 0;
    let tellSecondBegan = (): void => {};
    const secondBegan = new Promise<void>((resolve) => (tellSecondBegan = resolve));
    environment.ledger.answer = async (item) => {
      calls.pushes += 1;
      if (item.externalId.startsWith('a')) {
        await secondBegan;
        refusedAt ||= await environment.now();
        return new RateLimited('Slow down', pauseMs);
      }
      tellSecondBegan();
      while ((await findIntegrationRow()).blockedReason !== 'rate_limit')
        await new Promise((resolve) => setTimeout(resolve, 10));
      return new Unavailable('connect ECONNREFUSED');
    };
    environment.ledger.checkAnswer = (owner) => {
      if (owner === integrationId) calls.checks += 1;
      return new Unavailable('connect ECONNREFUSED');
    };
    const fifty = (letter: string) =>
      Array.from({ length: 50 }, (_, index) => ({
        externalId: `${letter}${index}`,
        fields: { name: letter },
      }));
    await tenant.accept(...fifty('a'));
    await environment.sleep(1_000);
    await tenant.accept(...fifty('z'));
    await inTenant((work) => pauseIntegration(work, { integrationId }));
    await environment.sleep(2 * GRACE_MS);
    await inTenant((work) => resumeIntegration(work, { integrationId })); // one activation finds all of them due
    await environment.sleep(2_000);
    await untilQueueSleeps();
    expect(calls).toEqual({ pushes: 2, checks: 1 });

    await environment.sleep(refusedAt + pauseMs - 5_000 - (await environment.now()));

    expect(calls).toEqual({ pushes: 2, checks: 1 });
  });

  it.each([
    ['a NUL', 'Value \0 is not allowed'],
    ['half a character', `Value ${'😀'.slice(0, 1)} is not allowed`],
  ])('stores an error text with %s, and does not send the record forever', async (_what, message) => {
    environment.ledger.answer = (item) =>
      item.externalId === 'e1'
        ? new RecordRejected(message, [
            { field: 'name', remoteField: message, code: message, message, explanation: 'Correct it.' },
          ])
        : undefined;
    await tenant.accept(
      { externalId: 'e1', fields: { name: 'A' } },
      { externalId: 'e2', fields: { name: 'B' } },
    );
    await settle();
    await environment.sleep(10 * MINUTE);

    expect(environment.ledger.refusals).toBe(1);
    expect(await tenant.recordSync(integrationId, 'e1')).toMatchObject({
      status: 'sync_failed',
      errors: [{ message: expect.stringContaining('is not allowed') }],
    });
    expect(tenant.sent(integrationId).map(({ externalId }) => externalId)).toEqual(['e2']);
  });

  it('stores the error text of a third party that is down, whatever it contains', async () => {
    environment.ledger.answer = () => new Unavailable('down \0');
    environment.ledger.checkAnswer = () => new Unavailable('down \0 \uD83D');
    await tenant.change('e1', { name: 'A' });
    await environment.sleep(GRACE_MS + 16 * MINUTE);

    expect(await tenant.recordSync(integrationId, 'e1')).toMatchObject({
      status: 'sync_failed',
      errors: [{ code: 'unreachable' }],
    });
    expect((await findIntegrationRow()).blockedDetail).toContain('down');
  });

  it('does not give up after new credentials because people took days to give them', async () => {
    environment.ledger.answer = () => new Unauthorized('401');
    await tenant.change('e1', { name: 'A' });
    await environment.sleep(100 * HOUR);
    const down = () => new Unavailable('connect ECONNREFUSED');
    environment.ledger.answer = down;
    environment.ledger.checkAnswer = down;
    await giveCredentials();
    await environment.sleep(HOUR);
    expect((await tenant.recordSync(integrationId, 'e1'))?.nextAttemptAt).not.toBeNull();

    environment.resetLedger();
    await environment.sleep(10 * MINUTE);

    expect(tenant.sent(integrationId)).toHaveLength(1);
  });
});

describe('deletes and discards', () => {
  it('deletes a record at the third party whose first push may have arrived, though its changes were discarded since', async () => {
    const lost = () => new Unavailable('The answer was lost.');
    environment.ledger.answer = lost;
    environment.ledger.checkAnswer = lost;
    await tenant.change('e1', { name: 'A' });
    await settle();
    await tenant.change('e1', { name: 'B' });
    expect(await tenant.act('discard', integrationId, 'e1')).toBe('done');
    environment.resetLedger();
    await environment.sleep(HOUR);

    await tenant.change('e1', {}, { kind: 'delete' });
    await settle();

    expect(tenant.sent(integrationId).map(({ operation }) => operation)).toEqual(['deactivate']);
  });
});

describe('rule 15: initial_push none', () => {
  it('pushes after a mapping change only records that were pushed or changed before', async () => {
    await tenant.change('old', { name: 'A', email: 'a@example.org' });
    const quiet = await tenant.integration({ recordTypes: mapping(), initialPush: 'none' });
    await tenant.change('known', { name: 'B', email: 'b@example.org' });
    await settle();
    const wider = mapping({
      fields: [
        { name: 'name', to: 'name' },
        { name: 'email', to: 'email' },
      ],
    });
    await inTenant((work) =>
      changeIntegration(work, { integrationId: quiet, change: { recordTypes: wider } }),
    );
    await settle();

    expect(tenant.sent(quiet).map(({ externalId }) => externalId)).toEqual(['known', 'known']);
  });
});

describe('signals by hand (S27)', () => {
  it.each([[1e300], [9e15], [-1e300], [null], ['tomorrow']])(
    'do not block the push queue: nextDueAt %p while it works',
    async (nextDueAt) => {
      const pushEnv = environment.env.client.workflow.getHandle(recordPushWorkflowId({ integrationId }));
      inTheMiddleOfCall(1, () => pushEnv.signal('recordsDue', { nextDueAt }));
      await tenant.change('e1', { name: 'A' });
      await settle();
      await tenant.change('e1', { name: 'B' });
      await settle();

      expect(tenant.sent(integrationId).map(({ payload }) => payload)).toEqual([
        { name: 'A' },
        { name: 'B' },
      ]);
      expect(await tenant.endOfPushWorkflow(integrationId)).toBe('COMPLETED');
    },
  );
});
