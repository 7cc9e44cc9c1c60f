/** Third parties in trouble: rules.md 8 to 11. Hours pass by skipped time. */
import { RateLimited, RecordRejected, Unauthorized, Unavailable } from '../../../connectors/errors';
import { replaceCredentials } from '../../../db/sync-runs/integration-lifecycle';
import {
  GRACE_MS,
  PushEnvironment,
  MINUTE,
  type TestTenant,
} from '../../support/environments/push-environment';

const HOUR = 60 * MINUTE;
let environment: PushEnvironment;
let tenant: TestTenant;
let integrationId: string;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  environment.resetLedger();
  environment.limit();
  tenant = await environment.tenant();
  integrationId = await tenant.integration();
});

const rejection = new RecordRejected('The e-mail address is not valid.', [
  {
    field: 'email',
    remoteField: '/email',
    code: 'validation_is_email',
    message: 'Must be a valid email address.',
    explanation: 'Correct the e-mail address.',
  },
]);
const down = () => new Unavailable('connect ECONNREFUSED');
const names = () => tenant.sent(integrationId).map(({ payload }) => (payload as { name: string }).name);

function goDown(): void {
  environment.ledger.answer = down;
  environment.ledger.checkAnswer = down;
}
function comeBack(): void {
  environment.ledger.answer = () => undefined;
  environment.ledger.checkAnswer = () => undefined;
}

describe('rule 8: Sync failed', () => {
  it('shows the error at its field when the third party refuses the record', async () => {
    environment.ledger.answer = () => rejection;
    await tenant.change('e1', { name: 'A', email: 'nonsense' });
    await environment.sleep(GRACE_MS + 1_000);

    expect(await tenant.recordSync(integrationId, 'e1')).toMatchObject({
      status: 'sync_failed',
      nextAttemptAt: null,
      errors: [
        {
          category: 'rejected_record',
          code: 'validation_is_email',
          field: 'email',
          message: 'Must be a valid email address.',
        },
      ],
    });
    expect(await tenant.endOfPushWorkflow(integrationId)).toBe('COMPLETED');
  });

  it('keeps the error until it is resolved, and clears it then', async () => {
    environment.ledger.answer = () => rejection;
    await tenant.change('e1', { name: 'A', email: 'nonsense' });
    await environment.sleep(GRACE_MS + 1_000);
    environment.ledger.answer = () => undefined;
    await tenant.change('e1', { name: 'A', email: 'ada@example.org' });
    expect(await tenant.recordSync(integrationId, 'e1')).toMatchObject({
      status: 'sync_pending',
      errors: [{ field: 'email' }],
    });

    await environment.sleep(GRACE_MS + 1_000);

    expect(await tenant.recordSync(integrationId, 'e1')).toMatchObject({ status: 'synced', errors: null });
  });

  it('does not retry a refused record by itself', async () => {
    environment.ledger.answer = () => rejection;
    await tenant.change('e1', { name: 'A' });
    await environment.sleep(24 * HOUR);

    expect(environment.ledger.refusals).toBe(1);
  });

  it('stays Syncing while the third party cannot be reached, and is Sync failed after 15 minutes, with the next attempt', async () => {
    goDown();
    await tenant.change('e1', { name: 'A' });
    await environment.sleep(GRACE_MS + 14 * MINUTE);
    expect(await tenant.status(integrationId, 'e1')).toBe('syncing');

    await environment.sleep(90_000);

    expect(await tenant.recordSync(integrationId, 'e1')).toMatchObject({
      status: 'sync_failed',
      errors: [{ category: 'transient', code: 'unreachable', message: 'connect ECONNREFUSED' }],
    });
    expect((await tenant.recordSync(integrationId, 'e1'))?.nextAttemptAt).not.toBeNull();
  });

  it('recovers by itself and becomes Synced when the third party is back', async () => {
    goDown();
    await tenant.change('e1', { name: 'A' });
    await environment.sleep(HOUR);
    comeBack();
    await environment.sleep(6 * MINUTE);

    expect(names()).toEqual(['A']);
    expect(await tenant.recordSync(integrationId, 'e1')).toMatchObject({ status: 'synced', errors: null });
  });

  it('gives up after 72 hours, shortened to 6', async () => {
    expect(environment.dependencies.pushing.outage.giveUpAfterMs).toBe(72 * HOUR);
    environment.limit({ giveUpAfterMs: 6 * HOUR });
    goDown();
    await tenant.change('e1', { name: 'A' });
    await environment.sleep(5 * HOUR);
    const retried = await tenant.recordSync(integrationId, 'e1');
    expect(retried?.nextAttemptAt).not.toBeNull();
    expect(retried?.errors).toMatchObject([
      { explanation: expect.stringContaining('keeps retrying for 6 hours.') as string },
    ]);
    await environment.sleep(2 * HOUR);
    expect(await tenant.recordSync(integrationId, 'e1')).toMatchObject({
      status: 'sync_failed',
      nextAttemptAt: null,
    });
    comeBack();

    expect(await tenant.act('retry', integrationId, 'e1')).toBe('done');
    await environment.sleep(6 * MINUTE);
    expect(names()).toEqual(['A']);
  });

  it('shows Sync failed after five answers of 5xx to one record, keeps trying, and pushes the others', async () => {
    environment.ledger.answer = (item) =>
      item.externalId === 'e1' ? new Unavailable('Internal Server Error', 500) : undefined;
    await tenant.change('e1', { name: 'A' });
    await tenant.change('e2', { name: 'B' });
    await environment.sleep(GRACE_MS + 10 * MINUTE);

    expect(environment.ledger.refusals).toBe(9);
    expect(await tenant.recordSync(integrationId, 'e1')).toMatchObject({
      status: 'sync_failed',
      errors: [{ code: 'http_500' }],
    });
    expect(names()).toEqual(['B']);
    comeBack();
    await environment.sleep(HOUR);
    expect(names()).toEqual(['B', 'A']);
  });

  it('waits for a rate limit as Syncing, counts no failed attempt, and makes no call before it ends', async () => {
    environment.ledger.answer = () => new RateLimited('Too many requests', 20 * MINUTE);
    await tenant.change('e1', { name: 'A' });
    await tenant.change('e2', { name: 'B' });
    await environment.sleep(GRACE_MS + 1_000);
    environment.ledger.answer = () => undefined;
    await environment.sleep(19 * MINUTE);
    expect(await tenant.status(integrationId, 'e1')).toBe('syncing');
    expect([environment.ledger.refusals, environment.ledger.calls.length, environment.ledger.checks]).toEqual(
      [1, 0, 0],
    );

    await environment.sleep(2 * MINUTE);

    expect(names().toSorted()).toEqual(['A', 'B']);
    expect((await tenant.pushes(integrationId)).map(({ attempts }) => attempts)).toEqual([1, 1]);
  });

  it('shows an error at the field of a record that the mapping cannot express, without a call', async () => {
    const strict = await tenant.integration({
      recordTypes: {
        employees: {
          direction: 'push',
          fields: [{ name: 'grade', to: 'grade', values: { senior: 'S' } }],
          onDelete: 'leave',
        },
      },
    });
    await tenant.change('e1', { grade: 'unheard of' });
    await environment.sleep(GRACE_MS + 1_000);

    expect(await tenant.recordSync(strict, 'e1')).toMatchObject({
      status: 'sync_failed',
      errors: [{ category: 'config', field: 'grade' }],
    });
    expect(tenant.sent(strict)).toEqual([]);
  });
});

describe('rule 9: failed record syncs', () => {
  beforeEach(async () => {
    environment.ledger.answer = () => rejection;
    await tenant.change('e1', { name: 'A' });
    await environment.sleep(GRACE_MS + 1_000);
    environment.ledger.answer = () => undefined;
  });

  it('pushes at once on Retry now', async () => {
    expect(await tenant.act('retry', integrationId, 'e1')).toBe('done');
    await environment.sleep(1_000);

    expect(names()).toEqual(['A']);
    expect((await tenant.pushes(integrationId)).at(-1)).toMatchObject({
      startedBecause: 'retry',
      result: 'succeeded',
    });
  });

  it('opens a window as usual for a relevant change', async () => {
    await tenant.change('e1', { name: 'B' });
    await environment.sleep(GRACE_MS - 1_000);
    expect(names()).toEqual([]);

    await environment.sleep(2_000);
    expect(names()).toEqual(['B']);
  });

  it('refuses a retry of a record sync without errors', async () => {
    await tenant.act('retry', integrationId, 'e1');
    await environment.sleep(1_000);

    expect(await tenant.act('retry', integrationId, 'e1')).toBe('nothing_failed');
  });
});

describe('rule 9: hold, release, discard', () => {
  it('keeps a held record sync held through changes, until it is released', async () => {
    await tenant.change('e1', { name: 'A' });
    expect(await tenant.act('hold', integrationId, 'e1')).toBe('done');
    await environment.sleep(2 * GRACE_MS);
    await tenant.change('e1', { name: 'B' });
    await environment.sleep(2 * GRACE_MS);
    expect(names()).toEqual([]);
    expect(await tenant.status(integrationId, 'e1')).toBe('sync_pending');

    expect(await tenant.act('release', integrationId, 'e1')).toBe('done');
    await environment.sleep(1_000);

    expect(names()).toEqual(['B']);
  });

  it('does not send discarded changes; the status returns to its previous value', async () => {
    await tenant.change('e1', { name: 'A' });
    await environment.sleep(GRACE_MS + 1_000);
    await tenant.change('e1', { name: 'B' });
    expect(await tenant.act('discard', integrationId, 'e1')).toBe('done');
    expect(await tenant.status(integrationId, 'e1')).toBe('synced');
    await environment.sleep(2 * GRACE_MS);

    expect(names()).toEqual(['A']);
    expect((await tenant.pushes(integrationId)).at(-1)).toMatchObject({
      result: 'discarded',
      changedBy: expect.arrayContaining(['ana']),
    });
  });

  it('sends a discarded value with the next change of the record', async () => {
    await tenant.change('e1', { name: 'A' });
    await environment.sleep(GRACE_MS + 1_000);
    await tenant.change('e1', { name: 'B' });
    await tenant.act('discard', integrationId, 'e1');
    await tenant.change('e1', { email: 'b@example.org' }, { kind: 'patch' });
    await environment.sleep(GRACE_MS + 1_000);

    expect(tenant.sent(integrationId).at(-1)?.payload).toEqual({ name: 'B', email: 'b@example.org' });
  });

  it('refuses to hold or discard without pending changes', async () => {
    await tenant.change('e1', { name: 'A' });
    await environment.sleep(GRACE_MS + 1_000);

    expect(await tenant.act('hold', integrationId, 'e1')).toBe('nothing_pending');
    expect(await tenant.act('discard', integrationId, 'e1')).toBe('nothing_pending');
  });
});

describe('rule 10: credentials', () => {
  it('makes the integration wait for new credentials, notifies people once, and goes on with the new ones', async () => {
    environment.ledger.answer = () => new Unauthorized('401');
    for (const externalId of ['e1', 'e2', 'e3']) await tenant.change(externalId, { name: externalId });
    await environment.sleep(12 * HOUR);
    expect(environment.ledger.refusals).toBe(1);
    expect(await tenant.endOfPushWorkflow(integrationId)).toBe('COMPLETED');
    expect((await tenant.notifications()).map(({ kind, resolvedAt }) => ({ kind, resolvedAt }))).toEqual([
      { kind: 'integration_needs_reauthorization', resolvedAt: null },
    ]);

    environment.ledger.answer = () => undefined;
    await environment.database.withTenant(tenant.tenantId, async (work) => {
      await work.trx
        .updateTable('integrations')
        .set({ credentials: null })
        .where('integrationId', '=', integrationId)
        .execute();
      await replaceCredentials(work, { integrationId, encryptedCredentials: null as never });
    });
    await environment.sleep(1_000);

    expect(names().toSorted()).toEqual(['e1', 'e2', 'e3']);
    expect((await tenant.notifications()).map(({ resolvedAt }) => resolvedAt)).toEqual([expect.any(Date)]);
  });

  it('treats a 403 as refused credentials if the check fails too', async () => {
    environment.ledger.answer = () => new RecordRejected('Forbidden', [], true);
    environment.ledger.checkAnswer = () => new Unauthorized('403');
    await tenant.change('e1', { name: 'A' });
    await environment.sleep(GRACE_MS + 1_000);

    expect(await tenant.notifications()).toHaveLength(1);
    expect(await tenant.status(integrationId, 'e1')).toBe('syncing');
  });

  it('treats a 403 as a refused record if the check passes', async () => {
    environment.ledger.answer = () => new RecordRejected('Forbidden', [], true);
    await tenant.change('e1', { name: 'A' });
    await environment.sleep(GRACE_MS + 1_000);

    expect(await tenant.notifications()).toHaveLength(0);
    expect(await tenant.status(integrationId, 'e1')).toBe('sync_failed');
  });
});

describe('rule 11 and R8: an outage of 12 hours with 500 records waiting', () => {
  it('costs at most 200 calls, alerts once, and pushes the latest version of each record once afterwards', async () => {
    goDown();
    const ids = Array.from({ length: 500 }, (_, index) => `e${index}`);
    await tenant.accept(...ids.map((externalId) => ({ externalId, fields: { name: 'first' } })));
    await environment.sleep(6 * HOUR);
    await tenant.accept(...ids.map((externalId) => ({ externalId, fields: { name: 'latest' } })));
    await environment.sleep(6 * HOUR);

    expect(environment.ledger.checks + environment.ledger.refusals).toBeLessThanOrEqual(200);
    expect(await tenant.status(integrationId, 'e42')).toBe('sync_failed');
    expect((await tenant.notifications()).map(({ kind }) => kind)).toEqual(['integration_unavailable']);

    comeBack();
    await environment.sleep(6 * MINUTE);

    expect(names()).toHaveLength(500);
    expect(new Set(names())).toEqual(new Set(['latest']));
    expect((await tenant.notifications())[0]?.resolvedAt).not.toBeNull();
  });
});

describe('a creation whose answer was lost', () => {
  it('is passed to the connector with the next push of other content, until its outcome is known', async () => {
    const seen: (string | null)[] = [];
    let lost: string | undefined;
    environment.ledger.answer = (item) => {
      seen.push(item.unresolvedCreation?.pushId ?? null);
      lost ??= item.pushId;
      return seen.length === 1 ? down() : undefined;
    };
    await tenant.change('e1', { name: 'A' });
    await environment.sleep(GRACE_MS + 500);
    await tenant.change('e1', { name: 'B' });
    await environment.sleep(GRACE_MS + 1_000);
    await tenant.change('e1', { name: 'C' });
    await environment.sleep(GRACE_MS + 1_000);

    expect(names()).toEqual(['B', 'C']);
    expect(seen).toEqual([null, lost, null]);
  });
});
