/** Two erasures name the same person: what one of them holds stays until both are lifted (rules.md 62). */
import { advanceErasure, ERASURE_LIMITS, type ErasureLimits } from '../../../db/erasures/advance-erasure';
import { confirmErasure, findErasure, liftErasure, requestErasure } from '../../../db/erasures/erasures';
import { recordPushResults } from '../../../db/push/record-push-results';
import { countErasedThere, withoutErased } from '../../../db/records/erased-records';
import type { EraseAs, ErasureSearch } from '../../../db/tables/erasures';
import { GivenTenant, GRACE_MS, openTestDb, type TestDb } from '../given';

const LIMITS: ErasureLimits = { ...ERASURE_LIMITS, recordsPerStep: 1, settleMs: 0, answersMs: 0 };
const LEDGER = { direction: 'push', fields: [{ name: 'name', to: 'name' }], onDelete: 'leave' } as const;
const PEOPLE = ['employees ida', 'employees jon', 'contacts ida', 'contacts kim'];
const EFFECTS = { upsert: 'created', deactivate: 'deactivated', delete: 'deleted', leave: 'none' } as const;
const CONTACTS_OF_IDA: ErasureSearch = { records: [{ recordType: 'contacts', externalId: 'ida' }] };

let db: TestDb;
let tenant: GivenTenant;
let integrationId: string;

beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
  integrationId = await tenant.integration({ recordTypes: { employees: LEDGER, contacts: LEDGER } as never });
  for (const person of PEOPLE) await given(person);
  await answerAll();
});

/** Accepts a change of it. `person`: the record type and the external id, which is part of the address. */
async function given(person: string): Promise<string> {
  const [recordType = '', externalId = ''] = person.split(' ');
  const fields = { name: externalId.toUpperCase(), mail: `${externalId}@example.net` };
  const [accepted] = await tenant.accept({ recordType, externalId, fields });
  return accepted?.outcome ?? '';
}

/** What is due is pushed, and succeeds. A record has the id `<type>-<external id>` in the app. */
async function answerAll(): Promise<string[]> {
  const at = new Date(Date.now() + 2 * GRACE_MS);
  const { pushes } = await tenant.claim(integrationId, at);
  await tenant.work((work) =>
    recordPushResults(work, {
      integrationId,
      now: at,
      finished: pushes.map((push) => ({
        push,
        outcome: {
          kind: 'succeeded',
          effect: EFFECTS[push.operation],
          remoteId: `${push.recordType}-${push.externalId}`,
          remoteVersion: null,
        },
      })),
    }),
  );
  return pushes.map(({ operation, recordType, externalId }) => `${operation} ${recordType} ${externalId}`);
}

const read = async (erasureId: string) => {
  const erasure = await tenant.work((work) => findErasure(work, { erasureId }));
  if (erasure === undefined) throw new Error('There is no such erasure.');
  return erasure;
};
const step = (erasureId: string) =>
  advanceErasure(db.database, { tenantId: tenant.tenantId, erasureId }, LIMITS);
const lift = (erasureId: string) => tenant.work((work) => liftErasure(work, { erasureId }));

/** As far as it goes without an answer of the app or of another erasure. */
async function advance(erasureId: string): Promise<string> {
  for (let steps = 0; steps < 1_000; steps += 1) {
    const { state, until } = { until: new Date(0), ...(await step(erasureId)) };
    if (state === 'ended' || until.getTime() > Date.now() + 5_000) return (await read(erasureId)).state;
  }
  throw new Error('The erasure does not end.');
}

async function preview(search: ErasureSearch): Promise<string> {
  const { erasureId } = await tenant.work((work) => requestErasure(work, { search, requestedBy: 'key_z' }));
  expect(await advance(erasureId)).toBe('ready');
  return erasureId;
}

async function confirm(erasureId: string, action: EraseAs = 'keep'): Promise<void> {
  await tenant.work(async (work) => {
    const erasure = await findErasure(work, { erasureId }, { forUpdate: true });
    if (erasure?.state !== 'ready') throw new Error(`The erasure is ${erasure?.state}.`);
    const actions = new Map([[integrationId, action]]);
    await confirmErasure(work, erasure, { actions, confirmedBy: 'key_z' });
  });
}

async function erase(erasureId: string): Promise<void> {
  await confirm(erasureId);
  expect(await advance(erasureId)).toBe('done');
}

/** Those of PEOPLE that neither a change nor a pull can bring back. */
async function keptOut(): Promise<string[]> {
  const kept: string[] = [];
  for (const person of PEOPLE) {
    const [recordType = '', name = ''] = person.split(' ');
    const page = (remoteId: string, externalId: string | null) =>
      tenant.work((work) =>
        withoutErased(work, {
          integrationId,
          recordType,
          records: [{ remoteId, externalId }],
          tombstones: [],
          refused: [],
        }),
      );
    const byId = (await page(`${recordType}-${name}`, null)).erased;
    expect((await page('other', name)).erased).toBe(byId);
    if (byId === 1) kept.push(person);
  }
  return kept;
}

const countThere = (recordType: string) =>
  tenant.work((work) => countErasedThere(work, { integrationId, recordType, max: 9 }));

describe('rule 62: a person whom two erasures name', () => {
  it.each(['the older', 'the newer'])(
    'stays out after %s one was lifted, and not after both',
    async (which) => {
      const both = [await preview({ email: 'jon@example.net' }), await preview({ email: 'JON@example.net' })];
      for (const one of both) await erase(one);
      const [first = '', second = ''] = which === 'the older' ? both : both.toReversed();

      await lift(first);
      expect(await keptOut()).toEqual(['employees jon']);
      expect(await given('employees jon')).toBe('erased');
      await lift(second);
      expect(await keptOut()).toEqual([]);
      expect(await given('employees jon')).toBe('accepted');
    },
  );

  it('is counted once in the receipts, and once among what the app still has', async () => {
    const both = [await preview({ email: 'jon@example.net' }), await preview({ email: 'jon@example.net' })];
    for (const one of both) await erase(one);

    const [first, second] = [await read(both[0] ?? ''), await read(both[1] ?? '')];
    expect([first.records, first.erased['records']]).toEqual([1, 1]);
    expect([second.records, second.erased['records']]).toEqual([1, undefined]);
    expect(await countThere('employees')).toBe(1);
    await lift(both[1] ?? '');
    expect(await countThere('employees')).toBe(1);
    await lift(both[0] ?? '');
    expect(await countThere('employees')).toBe(0);
  });

  it('stays out in the record type of which the other erasure is', async () => {
    const ofRecord = await preview(CONTACTS_OF_IDA);
    const ofPerson = await preview({ email: 'ida@example.net' });
    await erase(ofPerson);
    await erase(ofRecord);
    expect(await keptOut()).toEqual(['employees ida', 'contacts ida']);

    await lift(ofPerson);
    expect(await keptOut()).toEqual(['contacts ida']);
    expect(await given('employees ida')).toBe('accepted');
    await lift(ofRecord);
    expect(await keptOut()).toEqual([]);
  });

  it('stays out where the sets of two erasures overlap, and only there', async () => {
    const named = (...people: string[]): ErasureSearch => ({
      records: people.map((one) => {
        const [recordType = '', externalId = ''] = one.split(' ');
        return { recordType, externalId };
      }),
    });
    const left = await preview(named('employees ida', 'employees jon', 'contacts ida'));
    const right = await preview(named('employees jon', 'contacts ida', 'contacts kim'));
    await erase(left);
    await erase(right);
    expect((await read(right)).erased['records']).toBe(1);

    await lift(left);
    expect(await keptOut()).toEqual(['employees jon', 'contacts ida', 'contacts kim']);
    await lift(right);
    expect(await keptOut()).toEqual([]);
  });
});

describe('rule 62: an erasure that is lifted while another one of the same person is not done', () => {
  it('does not let the person back once the other one was begun', async () => {
    const [first, second] = [await preview({ email: 'ida@example.net' }), await preview(CONTACTS_OF_IDA)];
    await confirm(second);
    await step(second);
    await confirm(first);
    expect(await advance(first)).toBe('removing'); // it waits for the other one
    expect(await advance(second)).toBe('done');
    expect(await advance(first)).toBe('done');

    await lift(first);

    expect(await keptOut()).toEqual(['contacts ida']);
  });

  it.each(['preview', 'confirmation'])(
    'lets the person back, whom the other one erases again after its %s',
    async (which) => {
      const [first, second] = [await preview(CONTACTS_OF_IDA), await preview({ email: 'ida@example.net' })];
      await erase(first);
      if (which === 'confirmation') await confirm(second);
      await lift(first);
      expect(await given('contacts ida')).toBe('accepted');
      await answerAll();

      if (which === 'preview') await confirm(second);
      expect(await advance(second)).toBe('done');

      expect(await keptOut()).toEqual(['employees ida', 'contacts ida']);
      expect((await read(second)).erased['records']).toBe(2);
      const left = await db.superuser('select external_id from records where tenant_id = $1 order by 1', [
        tenant.tenantId,
      ]);
      expect(left).toEqual([{ external_id: 'jon' }, { external_id: 'kim' }]);
    },
  );

  it('lets the person back under another name, whom the other one knows by the id in the app', async () => {
    const [first, second] = [await preview(CONTACTS_OF_IDA), await preview(CONTACTS_OF_IDA)];
    await erase(first);
    await lift(first);
    await tenant.accept({ recordType: 'contacts', externalId: 'pulled', fields: { name: 'Ida' } });
    await db.superuser(
      `insert into record_links (tenant_id, integration_id, record_type, remote_id, record_id, is_deactivated,
         updated_at)
       select tenant_id, $2, 'contacts', 'contacts-ida', record_id, false, now() from records
       where tenant_id = $1 and external_id = 'pulled'`,
      [tenant.tenantId, integrationId],
    );

    await erase(second);

    expect((await read(second)).erased).toMatchObject({ records: 1, record_links: 1 });
    expect(await given('contacts pulled')).toBe('erased');
  });
});

describe('rule 62: the receipts of two erasures of the same record', () => {
  /** Both are confirmed; the second one begins when the first one has blocked the record. */
  async function eraseBoth(one: EraseAs, other: EraseAs, answersBetween: boolean) {
    const both = [await preview(CONTACTS_OF_IDA), await preview(CONTACTS_OF_IDA)] as const;
    await confirm(both[0], one);
    await confirm(both[1], other);
    await advance(both[0]);
    const pushed = answersBetween ? await answerAll() : [];
    await advance(both[1]);
    pushed.push(...(await answerAll()));
    // The waits of 15 seconds are not waited for.
    for (let turns = 0; turns < 4; turns += 1) for (const id of both) await advance(id);
    const receipts = (await Promise.all(both.map(read))).map(({ state, thirdParties: [there] }) => ({
      state,
      ...there,
    }));
    return { pushed, receipts };
  }
  const done = (succeeded: number, failed = 0) => ({ state: 'done', succeeded, failed, unanswered: 0 });

  it('tell the answer to a deletion that only one of them has asked for', async () => {
    expect(await eraseBoth('keep', 'delete', false)).toMatchObject({
      pushed: ['delete contacts ida'],
      receipts: [done(0), done(1)],
    });
    expect(await keptOut()).toEqual(['contacts ida']);
  });

  it('tell both that the deletion they asked for was done, which is pushed once', async () => {
    expect(await eraseBoth('delete', 'delete', false)).toMatchObject({
      pushed: ['delete contacts ida'],
      receipts: [done(1), done(1)],
    });
  });

  it('tell of a deletion that follows a deactivation', async () => {
    expect(await eraseBoth('deactivate', 'delete', true)).toMatchObject({
      pushed: ['deactivate contacts ida', 'delete contacts ida'],
      receipts: [done(1), done(1)],
    });
  });

  it('tell that a deactivation was not possible because its values are gone', async () => {
    expect(await eraseBoth('keep', 'deactivate', false)).toMatchObject({
      pushed: [],
      receipts: [done(0), done(0, 1)],
    });
  });
});
