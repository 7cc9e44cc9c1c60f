/** Claims and results of several workers: rules.md 4 to 6, R1, R12. */
import { deleteIntegration } from '../../../db/sync-runs/delete-integration';
import { pauseIntegration } from '../../../db/sync-runs/integration-lifecycle';
import { findIntegration } from '../../../db/integrations/integrations';
import type { Claim, ClaimedPush } from '../../../db/push/claim';
import { claimDuePushes } from '../../../db/push/claim-pushes';
import type { PushOutcome } from '../../../db/push/push-outcome';
import { recordPushResults } from '../../../db/push/record-push-results';
import { renewLease } from '../../../db/push/push-queue';
import { listSyncConflicts } from '../../../db/records/conflicts';
import { applyRecordSyncAction } from '../../../db/records/record-sync-actions';
import { GivenTenant, GRACE_MS, openTestDb, type TestDb } from '../given';
import { OUTAGE_LIMITS } from '../../../domain/retry';

const START = Date.UTC(2026, 10, 21, 12);
let now = START;
let db: TestDb;
let tenant: GivenTenant;
let integrationId: string;

beforeAll(async () => {
  db = await openTestDb(() => new Date(now));
});
afterAll(() => db.end());
beforeEach(async () => {
  now = START;
  tenant = await GivenTenant.create(db);
  integrationId = await tenant.integration();
});

const at = (ms: number) => new Date(START + ms);
const DUE = at(GRACE_MS);
const succeeded: PushOutcome = { kind: 'succeeded', effect: 'created', remoteId: 'r1', remoteVersion: null };
const conclude = (claim: Claim, outcome: PushOutcome, when: Date) =>
  tenant.work((work) =>
    recordPushResults(work, {
      integrationId,
      finished: claim.pushes.map((push) => ({ push, outcome })),
      now: when,
    }),
  );
const acceptMany = (count: number) =>
  tenant.accept(
    ...Array.from({ length: count }, (_, index) => ({
      externalId: `e${String(index).padStart(3, '0')}`,
      fields: { name: 'A' },
    })),
  );
const names = (pushes: readonly ClaimedPush[]) => pushes.map(({ externalId }) => externalId).toSorted();

describe('rule 47: a record with a field that the mapping cannot express', () => {
  const name = { name: 'name', to: 'name' };
  const fields = [name, { name: 'born', to: 'born', type: 'date' as const }];
  const employees = { direction: 'push' as const, fields, onDelete: 'deactivate' as const };

  it('is Sync failed at that field after each edit of another field, and pushed once it is corrected', async () => {
    integrationId = await tenant.integration({ recordTypes: { employees } });
    await tenant.accept({ externalId: 'e1', fields: { name: 'A', born: '0000-00-00' } });
    expect((await tenant.claim(integrationId, DUE)).pushes).toEqual([]);
    expect(await tenant.recordSync(integrationId, 'e1')).toMatchObject({
      resultStatus: 'sync_failed',
      resultHash: null,
      errors: [{ field: 'born', remote_field: 'born', code: 'mapping_failed' }],
    });

    now = DUE.getTime();
    await tenant.accept({ externalId: 'e1', kind: 'patch', fields: { name: 'Edited here' } });
    const edited = await tenant.recordSync(integrationId, 'e1');
    expect(edited).toMatchObject({ windowFields: ['name'] });
    expect((await tenant.claim(integrationId, at(GRACE_MS * 2))).pushes).toEqual([]);
    expect(await tenant.recordSync(integrationId, 'e1')).toMatchObject({ resultStatus: 'sync_failed' });

    now = at(GRACE_MS * 2).getTime();
    await tenant.accept({ externalId: 'e1', kind: 'patch', fields: { born: null } });
    expect((await tenant.claim(integrationId, at(GRACE_MS * 3))).pushes).toMatchObject([
      { payload: { name: 'Edited here', born: null } },
    ]);
  });
});

describe('rule 49: a push that led to the remote record of another record', () => {
  const asWritten = (claim: Claim, remoteIds: Record<string, string>) =>
    tenant.work((work) =>
      recordPushResults(work, {
        integrationId,
        finished: claim.pushes.map((push) => ({
          push,
          outcome: { ...succeeded, remoteId: remoteIds[push.externalId] } as PushOutcome,
        })),
        now: DUE,
      }),
    );
  const shown = async (externalId: string) => {
    const { resultStatus, errors } = (await tenant.recordSync(integrationId, externalId)) ?? {};
    return [resultStatus, ...((errors ?? []) as { code: string; message: string }[]).map(({ code }) => code)];
  };
  const links = async () =>
    (
      await db.superuser('select remote_id from record_links where integration_id = $1 order by 1', [
        integrationId,
      ])
    ).map(({ remote_id }) => remote_id as string);

  it('has failed and keeps no link, in one batch and in two', async () => {
    await acceptMany(2);
    await asWritten(await tenant.claim(integrationId, DUE), { e000: 'r1', e001: 'r1' });
    expect(await shown('e000')).toEqual(['synced']);
    expect(await shown('e001')).toEqual(['sync_failed', 'already_linked']);

    await tenant.accept({ externalId: 'e1', fields: { name: 'A' } });
    await asWritten(await tenant.claim(integrationId, DUE), { e1: 'r1' });
    expect(await shown('e1')).toEqual(['sync_failed', 'already_linked']);
    expect(await links()).toEqual(['r1']);
    const { conflicts } = await tenant.work((work) => listSyncConflicts(work, { limit: 10, state: 'open' }));
    expect(conflicts).toMatchObject([
      { kind: 'already_linked', remoteId: 'r1', externalId: 'e1', theirs: 'e000' },
      { kind: 'already_linked', remoteId: 'r1', externalId: 'e001', theirs: 'e000' },
    ]);
  });

  it('is synced if the push of the other record was lost to another worker', async () => {
    await acceptMany(2);
    const claim = await tenant.claim(integrationId, DUE);
    const { claimId, recordId } = claim.pushes.find(({ externalId }) => externalId === 'e001') as ClaimedPush;
    const held = { integrationId, claimId, recordIds: [recordId], leaseUntil: at(GRACE_MS + 60_000) };
    await tenant.work((work) => renewLease(work, held));
    expect(names((await tenant.claim(integrationId, at(GRACE_MS + 20_000))).pushes)).toEqual(['e000']);

    await asWritten(claim, { e000: 'r1', e001: 'r1' });

    expect(await shown('e001')).toEqual(['synced']);
    expect(await links()).toEqual(['r1']);
  });

  it('is pushed again after a correction, and its conflict ends', async () => {
    await acceptMany(2);
    await asWritten(await tenant.claim(integrationId, DUE), { e000: 'r1', e001: 'r1' });
    await tenant.accept({ externalId: 'e001', fields: { name: 'B' } });
    await asWritten(await tenant.claim(integrationId, at(GRACE_MS * 2)), { e001: 'r2' });

    expect(await shown('e001')).toEqual(['synced']);
    expect(await links()).toEqual(['r1', 'r2']);
    expect(await tenant.work((work) => listSyncConflicts(work, { limit: 10 }))).toMatchObject({
      conflicts: [{ state: 'ended' }],
    });
  });
});

describe('a claim', () => {
  it('takes due record syncs, and not a millisecond earlier', async () => {
    await tenant.accept({ externalId: 'e1', fields: { name: 'A' } });

    expect((await tenant.claim(integrationId, at(GRACE_MS - 1))).pushes).toEqual([]);
    expect((await tenant.claim(integrationId, DUE)).pushes).toMatchObject([
      { externalId: 'e1', payload: { name: 'A' } },
    ]);
  });

  it('takes nothing twice when several workers claim at once', async () => {
    await acceptMany(200);

    const claims = await Promise.all(Array.from({ length: 10 }, () => tenant.claim(integrationId, DUE, 30)));
    const rest = await tenant.claim(integrationId, DUE, 200);

    const taken = names([...claims, rest].flatMap(({ pushes }) => pushes));
    expect(taken).toHaveLength(200);
    expect(new Set(taken).size).toBe(200);
  });

  it('skips rows that an acceptance has locked, without waiting', async () => {
    await acceptMany(3);
    let release = (): void => {};
    const isReleased = new Promise<void>((resolve) => (release = resolve));
    let tellLocked = (): void => {};
    const isLocked = new Promise<void>((resolve) => (tellLocked = resolve));
    const holding = tenant.work(async ({ trx }) => {
      await trx
        .selectFrom('recordSyncs')
        .selectAll()
        .where('integrationId', '=', integrationId)
        .orderBy('recordId')
        .limit(1)
        .forUpdate()
        .execute();
      tellLocked();
      await isReleased;
    });
    await isLocked;

    const { pushes } = await tenant.claim(integrationId, DUE);
    release();
    await holding;

    expect(pushes).toHaveLength(2);
    expect((await tenant.claim(integrationId, DUE)).pushes).toHaveLength(1);
  });

  it('takes edits before backfills, however long those have waited', async () => {
    await acceptMany(2);
    await tenant.work(({ trx }) =>
      trx
        .updateTable('recordSyncs')
        .set({ isBackfill: true, dueAt: at(-GRACE_MS) })
        .where('integrationId', '=', integrationId)
        .execute(),
    );
    await tenant.accept({ externalId: 'edit', fields: { name: 'A' } });

    // Otherwise a claim of one push takes a less urgent kind in an eighth of all cases.
    const random = jest.spyOn(Math, 'random').mockReturnValue(0.5);
    expect(names((await tenant.claim(integrationId, DUE, 1)).pushes)).toEqual(['edit']);
    random.mockRestore();
  });

  it('takes nothing for a caller that read the integration before a change', async () => {
    await tenant.accept({ externalId: 'e1', fields: { name: 'A' } });
    const integration = await tenant.work((work) => findIntegration(work, { integrationId }));
    await tenant.work((work) => pauseIntegration(work, { integrationId }));

    const claim = await tenant.work((work) =>
      claimDuePushes(work, {
        integration: integration as never,
        firedAt: DUE,
        now: DUE,
        leaseUntil: at(GRACE_MS + 20_000),
        giveUpAfterMs: OUTAGE_LIMITS.giveUpAfterMs,
        limit: 10,
        onlyWindows: false,
      }),
    );

    expect(claim).toEqual({ pushes: [], taken: 0, waiting: [], isOutdated: true });
  });

  it('empties a field that a lost push may have set and the record no longer has', async () => {
    await tenant.accept({ externalId: 'e1', fields: { name: 'A' } });
    await tenant.claim(integrationId, DUE); // The worker dies during the call.
    now += GRACE_MS;
    await tenant.accept({ externalId: 'e1', fields: { title: 'B' } });

    const { pushes } = await tenant.claim(integrationId, at(3 * GRACE_MS));

    expect(pushes.map(({ payload }) => payload)).toEqual([{ name: null }]);
  });

  it('does not take a held record', async () => {
    const [accepted] = await tenant.accept({ externalId: 'e1', fields: { name: 'A' } });
    await tenant.work((work) =>
      applyRecordSyncAction(work, {
        action: 'hold',
        integrationId,
        recordId: accepted?.recordId as string,
        actor: 'ana',
      }),
    );

    expect((await tenant.claim(integrationId, at(10 * GRACE_MS))).taken).toBe(0);
  });

  it('reads the record after its sync is locked, so that a concurrent change is never lost', async () => {
    for (let round = 0; round < 30; round += 1) {
      const externalId = `race${round}`;
      await tenant.accept({ externalId, fields: { name: 'before' } });
      now = START + GRACE_MS - 1; // the change comes at the deadline, with a window of its own after it
      const [claim] = await Promise.all([
        tenant.claim(integrationId, DUE),
        tenant.accept({ externalId, fields: { name: 'after' } }),
      ]);
      const recordSync = await tenant.recordSync(integrationId, externalId);
      const pushed = claim.pushes.find((push) => push.externalId === externalId);

      // Either claimed before the change and pending again, or not claimed and waiting.
      expect(recordSync?.dueAt).toEqual(at(2 * GRACE_MS - 1));
      expect([undefined, 'before']).toContain(pushed?.payload.name);
      now = START;
    }
  });
});

describe('a result', () => {
  it('of a worker that lost its lease changes nothing', async () => {
    await tenant.accept({ externalId: 'e1', fields: { name: 'A' } });
    const zombie = await tenant.claim(integrationId, DUE);
    const heir = await tenant.claim(integrationId, at(GRACE_MS + 20_000));
    expect(heir.pushes[0]?.pushId).toBe(zombie.pushes[0]?.pushId); // the same push: the third party sees the same idempotency key
    const before = await tenant.recordSync(integrationId, 'e1');

    await conclude(zombie, { kind: 'failed', errors: [], isCertain: true }, at(GRACE_MS + 21_000));
    expect(await tenant.recordSync(integrationId, 'e1')).toEqual(before);
    await conclude(heir, succeeded, at(GRACE_MS + 22_000));
    await conclude(zombie, { kind: 'failed', errors: [], isCertain: true }, at(GRACE_MS + 23_000));

    expect(await tenant.recordSync(integrationId, 'e1')).toMatchObject({
      status: 'synced',
      errors: null,
      leaseUntil: null,
      claimId: null,
    });
    expect(
      await db.superuser('select result from pushes where integration_id = $1', [integrationId]),
    ).toEqual([{ result: 'succeeded' }]);
  });

  it('of a lost claim changes nothing beside results of other claims, of which one has the record now', async () => {
    await tenant.accept({ externalId: 'e1', fields: { name: 'A' } });
    const zombie = await tenant.claim(integrationId, DUE);
    await tenant.accept({ externalId: 'e2', fields: { name: 'B' } });
    const heir = await tenant.claim(integrationId, at(GRACE_MS + 20_000));
    expect(names(heir.pushes)).toEqual(['e1', 'e2']);
    const before = await tenant.recordSync(integrationId, 'e1');

    const others = heir.pushes.filter(({ externalId }) => externalId === 'e2');
    const pushes = [...zombie.pushes, ...others];
    await conclude({ ...heir, pushes }, { ...succeeded, remoteId: null }, at(GRACE_MS + 21_000));

    expect(await tenant.recordSync(integrationId, 'e1')).toEqual(before);
    expect(await tenant.recordSync(integrationId, 'e2')).toMatchObject({ status: 'synced', claimId: null });
  });

  it('of a worker that renewed its lease counts, and no other worker gets the record until then', async () => {
    await tenant.accept({ externalId: 'e1', fields: { name: 'A' } });
    const claim = await tenant.claim(integrationId, DUE);
    const { claimId, recordId } = claim.pushes[0] as ClaimedPush;
    const renewed = await tenant.work((work) =>
      renewLease(work, { integrationId, claimId, recordIds: [recordId], leaseUntil: at(GRACE_MS + 60_000) }),
    );

    expect(renewed).toBe(1);
    expect((await tenant.claim(integrationId, at(GRACE_MS + 30_000))).taken).toBe(0);
    await conclude(claim, succeeded, at(GRACE_MS + 40_000));
    expect((await tenant.recordSync(integrationId, 'e1'))?.status).toBe('synced');
    expect(
      await tenant.work((work) =>
        renewLease(work, {
          integrationId,
          claimId,
          recordIds: [recordId],
          leaseUntil: at(GRACE_MS + 90_000),
        }),
      ),
    ).toBe(0);
  });

  it('leaves a record pending that changed during the push, and an expired lease does not send the change early', async () => {
    await tenant.accept({ externalId: 'e1', fields: { name: 'A' } });
    await tenant.claim(integrationId, DUE); // the worker dies
    now = START + GRACE_MS + 10_000;
    await tenant.accept({ externalId: 'e1', fields: { name: 'B' } });

    const early = await tenant.claim(integrationId, at(GRACE_MS + 20_000));
    expect(early.pushes).toEqual([]);
    expect(await tenant.recordSync(integrationId, 'e1')).toMatchObject({
      status: 'sync_pending',
      nextDueAt: at(2 * GRACE_MS + 10_000),
    });

    const due = await tenant.claim(integrationId, at(2 * GRACE_MS + 10_000));
    expect(due.pushes).toMatchObject([{ payload: { name: 'B' } }]);
  });

  it('of a push whose integration was deleted restores nothing', async () => {
    await tenant.accept({ externalId: 'e1', fields: { name: 'A' } });
    const claim = await tenant.claim(integrationId, DUE);
    await tenant.work((work) => deleteIntegration(work, { integrationId }));

    await conclude(claim, succeeded, at(GRACE_MS + 1_000));

    expect(
      await db.superuser(
        'select 1 from record_syncs where integration_id = $1 union all select 1 from record_links where integration_id = $1',
        [integrationId],
      ),
    ).toEqual([]);
    expect(
      await db.superuser('select result from pushes where integration_id = $1', [integrationId]),
    ).toEqual([{ result: 'closed' }]);
  });
});

describe('the generated columns', () => {
  it('give every waiting record sync a due time, unless it is held', async () => {
    await acceptMany(6);
    const [first, second] = [
      await tenant.claim(integrationId, DUE, 2),
      await tenant.claim(integrationId, DUE, 2),
    ];
    await conclude(first, { kind: 'waiting', wasCalled: true, errors: null, isFailing: false }, DUE);
    await conclude(
      second,
      { kind: 'retry', errors: [], refusals: 1, nextAttemptAt: at(GRACE_MS + 2_000), isFailing: false },
      DUE,
    );

    const rows = await db.superuser(
      `select status, next_due_at is null as is_asleep from record_syncs where integration_id = $1`,
      [integrationId],
    );
    expect(rows.filter((row) => row.is_asleep)).toEqual([]);
    expect(rows.map((row) => String(row.status)).toSorted()).toEqual([
      'sync_pending',
      'sync_pending',
      'syncing',
      'syncing',
      'syncing',
      'syncing',
    ]);
  });
});

describe('rule 59: a record that a person wants pushed while a bulk change waits', () => {
  const bulk = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ externalId: `bulk${index}`, fields: { name: 'A' } }));

  it('is taken by the next claim after Push now, and so is a single edit', async () => {
    await tenant.accept(...bulk(200));
    await tenant.accept({ externalId: 'edited', fields: { name: 'B' } });
    await tenant.accept({ externalId: 'asked', fields: { name: 'C' } });
    now = START + GRACE_MS + 60_000;
    const [recordId] = await tenant.work(({ trx }) =>
      trx.selectFrom('records').select('recordId').where('externalId', '=', 'asked').execute(),
    );
    const action = {
      action: 'push_now',
      integrationId,
      recordId: recordId?.recordId ?? '',
      actor: 'ana',
    } as const;
    await tenant.work((work) => applyRecordSyncAction(work, action));

    const claim = await tenant.claim(integrationId, new Date(now + 1));

    expect(names(claim.pushes)).toEqual(expect.arrayContaining(['asked', 'edited']));
    expect(names(claim.pushes).some((name) => name.startsWith('bulk'))).toBe(true);
  });
});
