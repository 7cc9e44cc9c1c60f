/** An erasure from the preview to the receipt, with pushes and a pull at the same time (rules.md 62). */
import { type ConnectorError, RecordRejected, Unavailable } from '../../../connectors/errors';
import { advanceErasure, ERASURE_LIMITS } from '../../../db/erasures/advance-erasure';
import { confirmErasure, findErasure, requestErasure } from '../../../db/erasures/erasures';
import type { TenantWork } from '../../../db/database';
import type { EraseAs } from '../../../db/tables/erasures';
import { CrmIntegration, fill } from '../../support/environments/crm-integration';
import { GRACE_MS, PushEnvironment, type TestTenant } from '../../support/environments/push-environment';

const MINUTE = 60_000;
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

const inTenant = <T>(work: Parameters<typeof environment.database.withTenant<T>>[1]) =>
  environment.database.withTenant(tenant.tenantId, work);
const read = (erasureId: string) => inTenant((work) => findErasure(work, { erasureId }));
/** The erasure, its push, and the rest of the erasure. */
async function settle(): Promise<void> {
  for (let minutes = 0; minutes < 3; minutes += 1) await environment.sleep(MINUTE);
}
const operations = (integrationId: string) =>
  tenant.sent(integrationId).map(({ externalId, operation }) => `${operation} ${externalId}`);

async function given(): Promise<string> {
  const integrationId = await tenant.integration();
  await tenant.accept({ externalId: 'ada', fields: { name: 'Ada Lovelace', email: 'ada@example.com' } });
  await environment.sleep(GRACE_MS + 1_000);
  return integrationId;
}

async function preview(): Promise<string> {
  const { erasureId } = await inTenant((work) =>
    requestErasure(work, { search: { email: 'ada@example.com' }, requestedBy: 'key_x' }),
  );
  do await environment.sleep(1_000);
  while ((await read(erasureId))?.state !== 'ready'); // as long as the machine takes
  return erasureId;
}

async function confirm(erasureId: string, actions: [string, EraseAs][]): Promise<void> {
  await inTenant(async (work) => {
    const ready = await findErasure(work, { erasureId }, { forUpdate: true });
    if (ready?.state !== 'ready') throw new Error(`The erasure is ${ready?.state}.`);
    await confirmErasure(work, ready, { actions: new Map(actions), confirmedBy: 'key_x' });
  });
}

it('rule 62: a record is deactivated in the app and erased here, and the receipt says so', async () => {
  const integrationId = await given();
  const erasureId = await preview();
  expect(await read(erasureId)).toMatchObject({
    state: 'ready',
    records: 1,
    thirdParties: [{ integrationId, records: 1, action: 'keep' }],
  });

  await confirm(erasureId, [[integrationId, 'deactivate']]);
  await settle();

  expect(operations(integrationId)).toEqual(['upsert ada', 'deactivate ada']);
  expect(await read(erasureId)).toMatchObject({
    state: 'done',
    search: {},
    thirdParties: [{ action: 'deactivate', succeeded: 1, failed: 0, unanswered: 0 }],
    erased: { records: 1, record_links: 1, record_syncs: 1 },
  });
  expect(await tenant.accept({ externalId: 'ada', fields: { name: 'Ada' } })).toMatchObject([
    { outcome: 'erased' },
  ]);
});

it('rule 62: nothing is sent to an app that keeps the record, although the mapping would deactivate it', async () => {
  const integrationId = await given();
  await tenant.accept({ externalId: 'ada', fields: { name: 'Ada King', email: 'ada@example.com' } });
  const erasureId = await preview();

  await confirm(erasureId, []);
  await environment.sleep(GRACE_MS + 2 * MINUTE);

  expect(operations(integrationId)).toEqual(['upsert ada']);
  expect(await read(erasureId)).toMatchObject({
    state: 'done',
    thirdParties: [{ action: 'keep', succeeded: 0 }],
  });
});

it('rule 62: an app that refuses the deletion is named in the receipt, and the record is erased here', async () => {
  const integrationId = await given();
  const erasureId = await preview();
  environment.ledger.answer = () => new RecordRejected('Ada Lovelace cannot be deleted', []);

  await confirm(erasureId, [[integrationId, 'delete']]);
  await settle();

  expect(await read(erasureId)).toMatchObject({
    state: 'done',
    thirdParties: [{ action: 'delete', failed: 1 }],
  });
  const [row] = await inTenant(({ trx }) => trx.selectFrom('events').select('payload').execute());
  expect(JSON.stringify(row)).not.toContain('ada');
});

describe('rule 62: a push that is under way when its record is erased', () => {
  /** @param answer of the first call, which arrives after the erasure was confirmed. */
  async function erasedMeanwhile(action: EraseAs, answer?: ConnectorError): Promise<[string, string]> {
    const integrationId = await tenant.integration();
    let erasureId = '';
    environment.ledger.answer = async () => {
      if (erasureId !== '') return undefined;
      ({ erasureId } = await inTenant((work) =>
        requestErasure(work, { search: { email: 'ada@example.com' }, requestedBy: 'key_x' }),
      ));
      await advanceUntil(erasureId, 'ready');
      await confirm(erasureId, [[integrationId, action]]);
      await advanceUntil(erasureId, 'third_parties');
      return answer;
    };
    await tenant.accept({ externalId: 'ada', fields: { name: 'Ada Lovelace', email: 'ada@example.com' } });
    await environment.sleep(GRACE_MS + 1_000);
    for (let minutes = 0; minutes < 10 && (await read(erasureId))?.state !== 'done'; minutes += 1)
      await environment.sleep(MINUTE);
    return [integrationId, erasureId];
  }

  async function advanceUntil(erasureId: string, state: string): Promise<void> {
    const key = { tenantId: tenant.tenantId, erasureId };
    while ((await read(erasureId))?.state !== state) await advanceErasure(environment.database, key);
  }

  it('is followed by the deletion of what it created', async () => {
    const [integrationId, erasureId] = await erasedMeanwhile('delete');

    expect(operations(integrationId)).toEqual(['upsert ada', 'delete ada']);
    expect(await read(erasureId)).toMatchObject({
      state: 'done',
      thirdParties: [{ action: 'delete', succeeded: 1, failed: 0, unanswered: 0 }],
    });
  });

  it('leaves nothing here of what it created there', async () => {
    const [integrationId, erasureId] = await erasedMeanwhile('keep');

    expect(operations(integrationId)).toEqual(['upsert ada']);
    expect(await read(erasureId)).toMatchObject({ state: 'done', erased: { record_links: 1 } });
    for (const table of ['records', 'recordLinks', 'recordSyncs', 'pushes'] as const)
      expect(await inTenant(({ trx }) => trx.selectFrom(table).select('recordId').execute())).toEqual([]);
  });

  it('is looked for there, and deleted, if its answer was lost', async () => {
    const [integrationId, erasureId] = await erasedMeanwhile(
      'delete',
      new Unavailable('The connection was reset.'),
    );

    expect(operations(integrationId).at(-1)).toBe('delete ada');
    expect(await read(erasureId)).toMatchObject({
      state: 'done',
      thirdParties: [{ action: 'delete', succeeded: 1, failed: 0, unanswered: 0 }],
    });
  });

  it('is followed by a deletion although the app has refused it', async () => {
    const [integrationId, erasureId] = await erasedMeanwhile('delete', new RecordRejected('No', []));

    expect(operations(integrationId)).toEqual(['delete ada']);
    expect(await read(erasureId)).toMatchObject({
      state: 'done',
      thirdParties: [{ action: 'delete', succeeded: 1, failed: 0, unanswered: 0 }],
    });
  });
});

it('rule 62: an erasure that finds no record has an empty receipt', async () => {
  const { erasureId } = await inTenant((work) =>
    requestErasure(work, { search: { email: 'unknown@example.com' }, requestedBy: 'key_x' }),
  );
  await environment.sleep(MINUTE);
  await confirm(erasureId, []);
  await settle();

  expect(await read(erasureId)).toMatchObject({
    state: 'done',
    records: 0,
    erased: {},
    thirdParties: [],
    search: {},
  });
});

/** All steps, without the time that transactions under way are given. */
async function eraseAll(erasureId: string): Promise<void> {
  const limits = { ...ERASURE_LIMITS, settleMs: 0, answersMs: 0 };
  for (let state = 'more'; state !== 'ended';)
    ({ state } = await advanceErasure(
      environment.database,
      { tenantId: tenant.tenantId, erasureId },
      limits,
    ));
}

describe('rule 62: a pull', () => {
  const linked = async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 5));
    await environment.sleep(600_000);
    return pulled;
  };

  it('does not bring an erased record back, even if the app has changed it since', async () => {
    const pulled = await linked();
    const externalId = await pulled.externalId('p001');
    const { erasureId } = await inTenant((work) =>
      requestErasure(work, {
        search: { records: [{ recordType: 'contacts', externalId }] },
        requestedBy: 'key_x',
      }),
    );
    await environment.sleep(1_000);
    await confirm(erasureId, []);
    await settle();
    expect(await read(erasureId)).toMatchObject({ state: 'done', erased: { records: 1 } });

    await pulled.account.put('contacts', 'p001', { name: 'Back Again' });
    await pulled.sync('nightly');

    expect(Object.keys(await pulled.names()).toSorted()).toEqual(['p000', 'p002', 'p003', 'p004']);
    const [job] = await inTenant(({ trx }) =>
      trx
        .selectFrom('syncJobs')
        .selectAll()
        .where('recordType', '=', 'contacts')
        .orderBy('syncRunId', 'desc')
        .limit(1)
        .execute(),
    );
    expect(job).toMatchObject({ state: 'succeeded', recordsRead: 5, recordsUnchanged: 5, recordsNew: 0 });
    // The app has one more record, and no admin has to look for it (rule 32).
    expect(
      await inTenant(({ trx }) => trx.selectFrom('syncRuns').select('kind').orderBy('syncRunId').execute()),
    ).not.toContainEqual({ kind: 'drift_repair' });
    const alerts = ({ trx }: TenantWork) =>
      trx.selectFrom('notifications').select('detail').where('kind', '=', 'difference_remains').execute();
    expect(await inTenant(alerts)).toEqual([]);
  });

  it('that is under way does not bring back a record that is erased meanwhile', async () => {
    const pulled = await linked();
    const externalId = await pulled.externalId('p001');
    const { erasureId } = await inTenant((work) =>
      requestErasure(work, {
        search: { records: [{ recordType: 'contacts', externalId }] },
        requestedBy: 'key_x',
      }),
    );
    await environment.sleep(1_000);
    await pulled.account.put('contacts', 'p001', { name: 'Changed' });
    let isErased = false;
    pulled.account.beforePage = async () => {
      if (isErased) return;
      isErased = true;
      await confirm(erasureId, []);
      await eraseAll(erasureId);
      // Nothing of the record is left that could stop the page, except for the hashes of its names.
      expect(await read(erasureId)).toMatchObject({ state: 'done', erased: { records: 1 } });
    };
    await pulled.sync('nightly');
    await settle();

    expect(isErased).toBe(true);
    expect(Object.keys(await pulled.names()).toSorted()).toEqual(['p000', 'p002', 'p003', 'p004']);
  });
});
