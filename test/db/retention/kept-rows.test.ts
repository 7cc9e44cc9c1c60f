/** How long what is over is kept, and that nothing open is deleted (rules.md 62). */
import { deleteLeftLists } from '../../../db/retention/left-lists';
import { purgeExpired } from '../../../db/retention/purge-expired';
import { newUuid } from '../../../db/sql/ids';
import { DEFAULT_RETENTION } from '../../../domain/retention';
import { givenPerson } from '../../support/environments/people';
import { GivenTenant, openTestDb, type TestDb } from '../given';

const RETENTION = {
  ...DEFAULT_RETENTION,
  notifications: 40,
  metadataChanges: 60,
  operations: 20,
  reviews: 30,
  conflicts: 70,
  overviews: 50,
};
let skippedMs = 0;
let db: TestDb;
let tenant: GivenTenant;
beforeAll(async () => {
  db = await openTestDb(() => new Date(Date.now() + skippedMs));
});
afterAll(() => db.end());
beforeEach(async () => {
  skippedMs = 0;
  tenant = await GivenTenant.create(db);
});

const purge = () => purgeExpired(db.database, RETENTION);
const idsOf = async (table: string, id: string) =>
  (await db.superuser(`select ${id} as id from ${table} where tenant_id = $1`, [tenant.tenantId]))
    .map((row) => row['id'] as string)
    .toSorted();
const daysAgo = (days: number | null) => (days === null ? null : new Date(Date.now() - days * 86_400_000));

/** Inserts a row of the tenant. `values`: by column. */
async function insert(table: string, values: Record<string, unknown>): Promise<void> {
  const all = { tenant_id: tenant.tenantId, ...values };
  await db.superuser(
    `insert into ${table} (${Object.keys(all).join(', ')})
     values (${Object.keys(all)
       .map((_, at) => `$${at + 1}`)
       .join(', ')})`,
    Object.values(all),
  );
}

/** A row for each age in days; null = it is open. @returns the ids. */
async function rowsOfAge(
  ages: readonly (number | null)[],
  add: (id: string, at: Date | null) => Promise<void>,
): Promise<string[]> {
  const ids = ages.map(() => newUuid());
  for (const [at, days] of ages.entries()) await add(ids[at] as string, daysAgo(days));
  return ids;
}

async function givenNotification(
  resolvedDaysAgo: number | null,
  recipient: Record<string, unknown> = { decision: 'not_needed', decided_at: daysAgo(300) },
): Promise<string> {
  const [id, { personId }] = [newUuid(), await givenPerson(db.database, tenant.tenantId)];
  await insert('notifications', {
    notification_id: id,
    kind: 'sync_complete',
    detail: '',
    created_at: daysAgo(400),
    resolved_at: daysAgo(resolvedDaysAgo),
  });
  await insert('notification_recipients', {
    notification_recipient_id: newUuid(),
    notification_id: id,
    person_id: personId,
    visible_at: daysAgo(400),
    ...recipient,
  });
  return id;
}

async function givenEmail(sentDaysAgo: number | null): Promise<string> {
  const id = newUuid();
  await insert('emails', {
    email_id: id,
    kind: 'notification',
    recipient: 'ada@example.com',
    content: '{}',
    created_at: daysAgo(50),
    sent_at: daysAgo(sentDaysAgo),
  });
  return id;
}

it('rule 62: a notification ends with its recipients, 40 days after its cause, unless an e-mail may follow', async () => {
  const emailed = (emailId: string) => ({ decision: 'emailed', decided_at: daysAgo(50), email_id: emailId });
  await givenNotification(41);
  await givenNotification(41, emailed(await givenEmail(41)));
  const kept = [
    await givenNotification(39),
    await givenNotification(null),
    await givenNotification(41, {}),
    await givenNotification(41, emailed(await givenEmail(null))),
  ].toSorted();

  await purge();

  expect(await idsOf('notifications', 'notification_id')).toEqual(kept);
  expect(await idsOf('notification_recipients', 'notification_id')).toEqual(kept);
});

it('rule 62: a change of metadata ends after 60 days', async () => {
  const [, recent] = await rowsOfAge([61, 59], (id, at) =>
    insert('metadata_changes', {
      metadata_change_id: id,
      integration_id: newUuid(),
      sync_run_id: newUuid(),
      record_type: 'contacts',
      kind: 'field_added',
      detail: '{}',
      at,
    }),
  );

  await purge();

  expect(await idsOf('metadata_changes', 'metadata_change_id')).toEqual([recent]);
});

const givenTask = async (id: string, finishedAt: Date | null, subjectId: string | null = null) =>
  insert('background_tasks', {
    background_task_id: id,
    integration_id: await tenant.integration(),
    kind: 'delete_integration',
    subject_id: subjectId,
    requested_by: 'test',
    created_at: daysAgo(90),
    updated_at: daysAgo(90),
    finished_at: finishedAt,
  });

it('rule 62: a background task ends with the operations, never while it works', async () => {
  const [, ...kept] = await rowsOfAge([21, 19, null], givenTask);

  await purge();

  expect(await idsOf('background_tasks', 'background_task_id')).toEqual(kept.toSorted());
});

it('rule 62: a review of pushes ends 30 days after its end, never while pushes wait', async () => {
  const integrationId = await tenant.integration();
  const [, ...kept] = await rowsOfAge([31, 29, null], (id, at) =>
    insert('push_reviews', {
      push_review_id: id,
      integration_id: integrationId,
      record_type: 'contacts',
      effect: 'delete',
      started_because: 'quiet',
      caused_by: [],
      mapping_version: 1,
      state: at === null ? 'pending' : 'approved',
      finished_at: at,
      created_at: daysAgo(90),
    }),
  );

  await purge();

  expect(await idsOf('push_reviews', 'push_review_id')).toEqual(kept.toSorted());
});

describe('a review of deletions', () => {
  const givenReview = async (id: string, decidedAt: Date | null, more: Record<string, unknown> = {}) => {
    const review = { integration_id: newUuid(), sync_run_id: newUuid(), record_type: 'contacts', ...more };
    await insert('deletion_reviews', {
      deletion_review_id: id,
      kind: 'delete',
      records_before: 9,
      state: decidedAt === null ? 'pending' : 'superseded',
      decided_at: decidedAt,
      created_at: daysAgo(90),
      ...review,
    });
    await insert('missing_records', {
      sync_run_id: review.sync_run_id,
      record_type: review.record_type,
      record_id: id,
    });
  };

  it('rule 62: ends with its list of records 30 days after its decision, never while it waits', async () => {
    const [, ...kept] = await rowsOfAge([31, 29, null], givenReview);

    await purge();

    expect(await idsOf('deletion_reviews', 'deletion_review_id')).toEqual(kept.toSorted());
    expect(await idsOf('missing_records', 'record_id')).toEqual(kept.toSorted());
  });

  it('rule 62: stays while it is carried out', async () => {
    const review = newUuid();
    await givenTask(newUuid(), null, review);
    const [{ integration_id: integrationId } = {}] = await db.superuser(
      'select integration_id from background_tasks where tenant_id = $1',
      [tenant.tenantId],
    );
    await givenReview(review, daysAgo(31), { integration_id: integrationId, state: 'approved' });

    await purge();

    expect(await idsOf('missing_records', 'record_id')).toEqual([review]);
  });

  it('rule 62: of another kind leaves the list of the same run, whose deletions wait', async () => {
    const syncRunId = newUuid();
    const pending = newUuid();
    await givenReview(pending, null, { sync_run_id: syncRunId });
    await insert('deletion_reviews', {
      deletion_review_id: newUuid(),
      integration_id: newUuid(),
      sync_run_id: syncRunId,
      record_type: 'contacts',
      kind: 'empty',
      records_before: 9,
      state: 'discarded',
      decided_at: daysAgo(31),
      created_at: daysAgo(90),
    });

    await purge();

    expect(await idsOf('deletion_reviews', 'deletion_review_id')).toEqual([pending]);
    expect(await idsOf('missing_records', 'record_id')).toEqual([pending]);
  });

  it('ends with a list of 12,000 records in one purge', async () => {
    const [review, syncRunId] = [newUuid(), newUuid()];
    await givenReview(review, daysAgo(31), { sync_run_id: syncRunId });
    await db.superuser(
      `insert into missing_records (tenant_id, sync_run_id, record_type, record_id)
       select $1, $2, 'contacts', gen_random_uuid() from generate_series(1, 12000)`,
      [tenant.tenantId, syncRunId],
    );

    await purge();

    expect(await idsOf('missing_records', 'record_id')).toEqual([]);
    expect(await idsOf('deletion_reviews', 'deletion_review_id')).toEqual([]);
  });
});

it('rule 62: lists of records that nothing needs are deleted behind many that are still needed', async () => {
  const lists = Array.from({ length: 5 }, () => newUuid()).toSorted();
  await db.superuser('set session_replication_role = replica'); // without foreign keys
  for (const syncRunId of lists) {
    const isNeeded = syncRunId !== lists.at(-1);
    await insert('missing_records', {
      sync_run_id: syncRunId,
      record_type: 'contacts',
      record_id: syncRunId,
    });
    await insert('sync_jobs', {
      sync_run_id: syncRunId,
      record_type: 'contacts',
      state: isNeeded ? 'running' : 'succeeded',
      updated_at: daysAgo(0),
      finished_at: isNeeded ? null : daysAgo(0),
    });
  }
  await db.superuser('set session_replication_role = default');
  const next = (after: string | undefined) =>
    db.database.withDispatcher((work) => deleteLeftLists(work, { after, limit: 10, listsMax: 2 }));
  let after: string | undefined;
  let deleted = 0;
  for (let turns = 0; turns < 50; turns += 1) {
    const turn = await next(after);
    deleted += turn.deleted;
    after = turn.last;
    if (after === undefined) break;
  }

  expect(deleted).toBeGreaterThan(0);
  expect(await idsOf('missing_records', 'record_id')).toEqual(lists.slice(0, -1));
  // The next turn begins with the first list again.
  expect((await next(undefined)).last).toBeDefined();
});

it('rule 62: an approval of new records stays until the dataset is counted again', async () => {
  const [approval, integrationId] = [newUuid(), await tenant.integration()];
  const dataset = { integration_id: integrationId, record_type: 'contacts' };
  await insert('sync_datasets', { ...dataset, is_initial: false, counted_at: daysAgo(40) });
  await insert('deletion_reviews', {
    ...dataset,
    deletion_review_id: approval,
    sync_run_id: newUuid(),
    kind: 'grow',
    records_before: 9,
    state: 'approved',
    decided_at: daysAgo(31),
    created_at: daysAgo(32),
  });

  await purge();
  expect(await idsOf('deletion_reviews', 'deletion_review_id')).toEqual([approval]);

  await db.superuser('update sync_datasets set counted_at = $2 where tenant_id = $1', [
    tenant.tenantId,
    daysAgo(30),
  ]);
  await purge();
  expect(await idsOf('deletion_reviews', 'deletion_review_id')).toEqual([]);
});

it('rule 62: a conflict ends 70 days after it was decided or over, never while it is open', async () => {
  const [, ...kept] = await rowsOfAge([71, 69, null], (id, at) =>
    insert('sync_conflicts', {
      sync_conflict_id: id,
      integration_id: newUuid(),
      record_type: 'contacts',
      remote_id: 'r1',
      kind: 'ambiguous_match',
      detail: 'Two have the same address.',
      at: daysAgo(90),
      state: at === null ? 'open' : 'decided',
      ended_at: at,
    }),
  );

  await purge();

  expect(await idsOf('sync_conflicts', 'sync_conflict_id')).toEqual(kept.toSorted());
});

it('rule 62: an overview ends with its counts 50 days after its items, never while it can be applied', async () => {
  const [, ...kept] = await rowsOfAge([51, 49, null], async (id, at) => {
    await insert('overviews', {
      overview_id: id,
      integration_id: newUuid(),
      state: 'ready',
      requested_by: 'test',
      requested_at: daysAgo(90),
      invalid_at: at,
      data_deleted_at: at,
    });
    for (const direction of ['pull', 'push'])
      await insert('overview_jobs', {
        overview_id: id,
        record_type: 'contacts',
        direction,
        state: 'succeeded',
        updated_at: daysAgo(90),
      });
  });

  await purge();

  expect(await idsOf('overviews', 'overview_id')).toEqual(kept.toSorted());
  expect([...new Set(await idsOf('overview_jobs', 'overview_id'))]).toEqual(kept.toSorted());
});

it('rule 62: an invitation ends 30 days after it has expired', async () => {
  const { personId } = await givenPerson(db.database, tenant.tenantId);
  const [, ...kept] = await rowsOfAge([31, 29, -1], (id, at) =>
    insert('person_tokens', {
      person_token_id: id,
      person_id: personId,
      kind: 'invitation',
      token_hash: Buffer.from(id),
      created_by: 'test',
      created_at: daysAgo(90),
      expires_at: at,
    }),
  );

  await purge();

  expect(await idsOf('person_tokens', 'person_token_id')).toEqual(kept.toSorted());
});

it('rule 62: a clock of the worker or of PostgreSQL that jumps ahead alone deletes nothing', async () => {
  const kept = await givenNotification(39);

  await purgeExpired(db.database, RETENTION, () => Date.now() + 10 * 86_400_000);
  skippedMs = 10 * 86_400_000;
  await purge();
  expect(await idsOf('notifications', 'notification_id')).toEqual([kept]);

  await purgeExpired(db.database, RETENTION, () => Date.now() + 10 * 86_400_000);
  expect(await idsOf('notifications', 'notification_id')).toEqual([]);
});
