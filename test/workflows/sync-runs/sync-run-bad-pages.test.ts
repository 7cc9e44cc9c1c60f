/** Lists that do not hold what lists should, on skipped time (rules.md 31, 35). */
import type { ReadPage } from '../../../connectors/connector';
import { newUuid, toTypeId } from '../../../db/sql/ids';
import type { JsonValue } from '../../../domain/json';
import { PushEnvironment, type TestTenant } from '../../support/environments/push-environment';
import { CONTACTS, fill, people, CrmIntegration } from '../../support/environments/crm-integration';

let environment: PushEnvironment;
let tenant: TestTenant;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  tenant = await environment.tenant();
});

const linked = async (
  count: number,
  settings: Parameters<typeof CrmIntegration.link>[1] = {},
  prepare: (account: CrmIntegration['account']) => void = () => undefined,
) => {
  const pulled = await CrmIntegration.onboarded(tenant, settings, async (account) => {
    prepare(account);
    await fill(environment, count)(account);
  });
  await environment.sleep(600_000);
  pulled.account.reads.length = 0;
  return pulled;
};

const turned = <T>(list: readonly T[], by: number): T[] => [
  ...list.slice(by % list.length),
  ...list.slice(0, by % list.length),
];

describe('rule 35: a list without an end', () => {
  const endless: [string, (page: ReadPage, call: number) => ReadPage][] = [
    ['the same cursor again and again', (page) => ({ ...page, nextCursor: 'same' })],
    [
      'cursors in a circle',
      (page, call) => ({
        ...page,
        records: page.records.slice(0, 1),
        nextCursor: ['a', 'b', 'c'][call % 3] ?? null,
      }),
    ],
    ['the same page under ever new cursors', (page, call) => ({ ...page, nextCursor: `c${call}` })],
    [
      'the same page in ever another order',
      (page, call) => ({ ...page, records: turned(page.records, call), nextCursor: `c${call}` }),
    ],
    [
      'empty pages under ever new cursors',
      (page, call) => ({ ...page, records: [], nextCursor: `c${call}` }),
    ],
  ];

  it.each(endless)('%s: its dataset has failed, and nothing is deleted', async (_, distort) => {
    const pulled = await linked(7, { recordTypes: { contacts: CONTACTS, companies: CONTACTS } }, (account) =>
      account.type('companies'),
    );
    let call = 0;
    pulled.account.distort = (page, { recordType }) =>
      recordType === 'contacts' ? distort(page, (call += 1)) : page;
    await pulled.account.remove('contacts', 'p001');
    const run = await pulled.sync('nightly');

    expect(run.state).toBe('partially_succeeded');
    expect(await pulled.job(run.syncRunId)).toMatchObject({
      state: 'failed',
      recordsDeleted: 0,
      error: { code: 'endless_list', message: expect.stringContaining('contacts') },
    });
    expect(await pulled.job(run.syncRunId, 'companies')).toMatchObject({ state: 'succeeded' });
    expect((await pulled.held()).size).toBe(7);
    expect(call).toBeLessThan(200);
  });

  it('is not assumed for a few empty pages in the middle', async () => {
    const pulled = await linked(7);
    await pulled.account.remove('contacts', 'p001');
    let empties = 0;
    const cursors: (string | null)[] = [];
    pulled.account.beforePage = (request) => {
      if (request.cursor?.startsWith('empty') === true) request.cursor = cursors.at(-1) ?? null;
    };
    pulled.account.distort = (page, { cursor }) => {
      if (empties >= 10 || page.nextCursor === null) return page;
      cursors.push(cursor);
      return { ...page, records: [], nextCursor: `empty${(empties += 1)}` };
    };
    const run = await pulled.sync('full');
    expect(await pulled.job(run.syncRunId)).toMatchObject({
      state: 'succeeded',
      recordsRead: 6,
      recordsDeleted: 1,
    });
  });
});

describe('rule 35: an empty list where there were records', () => {
  it('fails its dataset, and nothing is deleted', async () => {
    const pulled = await linked(5);
    pulled.account.type('contacts').clear();
    const run = await pulled.sync('nightly');
    expect(run).toMatchObject({ state: 'failed', failedJobs: 1 });
    expect(await pulled.job(run.syncRunId)).toMatchObject({
      state: 'failed',
      error: { code: 'suspiciously_empty', message: expect.stringContaining('contacts') },
    });
    expect((await pulled.held()).size).toBe(5);
  });

  it('fails an incremental run too, if that reads everything', async () => {
    const pulled = await linked(5, {}, (account) => {
      account.abilities = { canFilterByModified: false, isPagingStable: true };
    });
    pulled.account.type('contacts').clear();
    const run = await pulled.sync('hourly');
    expect(await pulled.job(run.syncRunId)).toMatchObject({
      state: 'failed',
      error: { code: 'suspiciously_empty' },
    });
  });

  it('is accepted without changes, or if the list was always empty', async () => {
    const pulled = await linked(5);
    expect((await pulled.sync('hourly')).state).toBe('succeeded');
    const other = await linked(0);
    expect((await other.sync('full')).state).toBe('succeeded');
  });
});

describe('rule 31: a list that moves while it is read page by page', () => {
  const unstable = (more: (account: CrmIntegration['account']) => void) =>
    linked(12, {}, (account) => {
      account.abilities = { canFilterByModified: true, isPagingStable: false };
      more(account);
    });
  const once = (pulled: CrmIntegration, cursor: string, act: () => Promise<void>) => {
    pulled.account.beforePage = async (request) => {
      if (request.cursor !== cursor) return;
      pulled.account.beforePage = () => undefined;
      await act();
    };
  };
  const ways: [string, (account: CrmIntegration['account']) => void][] = [
    ['that says how many it holds', (account) => void (account.reportsTotal = true)],
    ['that can be counted', (account) => void (account.canCount = true)],
  ];

  it.each(ways)(
    '%s and shrinks: nothing is deleted, one full pass runs earlier, and then all is equal',
    async (_, prepare) => {
      const pulled = await unstable(prepare);
      once(pulled, '3', () => pulled.account.remove('contacts', 'p000')); // p003 slips onto the page before
      const run = await pulled.sync('nightly');

      expect(await pulled.job(run.syncRunId)).toMatchObject({
        state: 'succeeded',
        deletesWithheld: 'list_changed',
        recordsDeleted: 0,
      });
      expect((await pulled.runs()).map(({ kind }) => kind)).toEqual([
        'onboarding',
        'nightly',
        'drift_repair',
      ]);
      expect(await pulled.differences()).toEqual([]);
      expect(Object.keys(await pulled.names())).toContain('p003');
    },
  );

  it.each(ways)(
    '%s and shifts, so that one is missed and another read twice: nothing is deleted, and then all is equal',
    async (_, prepare) => {
      const pulled = await unstable(prepare);
      let step = 0;
      pulled.account.beforePage = async ({ cursor }) => {
        if (cursor === '3' && step === 0) {
          step = 1;
          await pulled.account.put('contacts', 'a-first', { name: 'New' }); // p002 is read twice
        }
        if (cursor === '9' && step === 1) {
          step = 2;
          await pulled.account.remove('contacts', 'a-first'); // p009 slips away
        }
      };
      const run = await pulled.sync('nightly');
      expect(await pulled.job(run.syncRunId)).toMatchObject({
        deletesWithheld: 'list_changed',
        recordsDeleted: 0,
      });
      expect((await pulled.runs()).map(({ kind }) => kind)).toEqual([
        'onboarding',
        'nightly',
        'drift_repair',
      ]);
      expect(await pulled.differences()).toEqual([]);
    },
  );

  it('that cannot be counted and shrinks: the missing records are parked, and the next full pass finds them', async () => {
    const pulled = await unstable((account) => void (account.canCount = false));
    once(pulled, '3', () => pulled.account.remove('contacts', 'p000')); // p003 slips onto the page before
    const run = await pulled.sync('nightly');
    expect(await pulled.job(run.syncRunId)).toMatchObject({
      state: 'succeeded',
      deletesWithheld: 'needs_review',
      recordsDeleted: 0,
    });
    expect(Object.keys(await pulled.names())).toContain('p003');
    await pulled.sync('nightly');
    expect((await pulled.reviews()).map(({ state, recordsMissing }) => [state, recordsMissing])).toEqual([
      ['superseded', 0],
      ['pending', 1],
    ]);
  });

  it('does not affect a list that does not move', async () => {
    const pulled = await unstable((account) => void (account.reportsTotal = true));
    await pulled.account.remove('contacts', 'p004');
    const run = await pulled.sync('nightly');
    expect(await pulled.job(run.syncRunId)).toMatchObject({ deletesWithheld: null, recordsDeleted: 1 });
    expect(await pulled.runs()).toHaveLength(2);
  });
});

describe('rule 35: pages out of order and records twice', () => {
  it('are read, each record once', async () => {
    const pulled = await linked(9);
    for (const id of people(9)) await pulled.account.put('contacts', id, { name: `new ${id}` });
    let earlier: ReadPage['records'] = [];
    pulled.account.distort = (page) => {
      const records = [...page.records, ...page.records, ...earlier].toReversed();
      earlier = page.records;
      return { ...page, records };
    };
    const run = await pulled.sync('full');
    expect(run.state).toBe('succeeded');
    expect(await pulled.job(run.syncRunId)).toMatchObject({
      recordsChanged: 9,
      recordsNew: 0,
      recordsDeleted: 0,
    });
    expect(await pulled.differences()).toEqual([]);
    expect((await pulled.held()).get('p000')?.version).toBe(2);
  });
});

describe('rule 35: a first pass', () => {
  const firstJob = async (pulled: CrmIntegration) =>
    pulled.job((await pulled.runs())[0]?.syncRunId as string);

  it('writes new records without a lookup', async () => {
    expect(await firstJob(await linked(9))).toMatchObject({ isInitialLoad: true, recordsNew: 9 });
  });

  it('reads records twice, and stores each once', async () => {
    let earlier: ReadPage['records'] = [];
    const pulled = await linked(9, {}, (account) => {
      account.distort = (page) => {
        const records = [...page.records, ...earlier];
        earlier = page.records;
        return { ...page, records };
      };
    });
    expect(await firstJob(pulled)).toMatchObject({
      isInitialLoad: false,
      recordsNew: 9,
      recordsUnchanged: expect.any(Number),
    });
    expect([...(await pulled.held()).keys()]).toEqual(people(9));
    expect(await pulled.differences()).toEqual([]);
  });

  it.each([
    [3, 'p001'],
    [1_200, 'p1100'],
  ])('of %i records finds the existing record with the same id', async (count, known) => {
    const pulled = await CrmIntegration.link(tenant, { isPaused: true }, (account) => {
      account.pageSize = 2_000;
      return fill(environment, count)(account);
    });
    const recordId = newUuid();
    await pulled.inTenant(({ trx, tenantId, now }) =>
      trx
        .insertInto('records')
        .values({
          tenantId,
          recordId,
          recordType: 'contacts',
          externalId: `${toTypeId('int', pulled.integrationId)}:${known}`,
          version: 1,
          fields: JSON.stringify({ name: 'From before' }),
          occurredAt: now,
          changedAt: now,
          changedBy: 'test',
          createdAt: now,
        })
        .execute(),
    );
    await pulled.resume();
    await pulled.settle();
    expect(await firstJob(pulled)).toMatchObject({
      isInitialLoad: false,
      recordsNew: count - 1,
      recordsChanged: 1,
    });
    expect(await pulled.differences()).toEqual([]);
    expect((await pulled.held()).get(known)?.version).toBe(2);
  });
});

describe('rule 35: a page that comes again', () => {
  it('counts what has changed meanwhile, and the rest only once', async () => {
    const pulled = await linked(3);
    pulled.account.pageSize = 10;
    let call = 0;
    pulled.account.distort = (page) => {
      call += 1;
      if (call > 1) return { ...page, nextCursor: null };
      return { ...page, nextCursor: 'again' };
    };
    pulled.account.beforePage = async (request) => {
      if (request.cursor !== 'again') return;
      request.cursor = null;
      await pulled.account.put('contacts', 'p001', { name: 'Meanwhile', email: 'p001@example.org' });
    };
    const run = await pulled.sync('full');
    expect(await pulled.job(run.syncRunId)).toMatchObject({
      recordsRead: 4,
      recordsUnchanged: 3,
      recordsChanged: 1,
    });
  });
});

describe('rule 35: values that cannot be kept as they are', () => {
  it.each<[string, JsonValue, JsonValue]>([
    ['NUL', 'a\0b', 'a\u2400b'],
    ['half of a surrogate pair', 'a\ud83d', 'a\ufffd'],
    ['NUL in a key', { 'k\0': 1 }, { 'k\u2400': 1 }],
  ])('%s: the record is stored with the value replaced, and this is reported', async (_, name, kept) => {
    const pulled = await linked(3);
    await pulled.account.put('contacts', 'p001', { name });
    const run = await pulled.sync('full');
    expect(await pulled.names()).toEqual({ p000: 'p000', p001: kept, p002: 'p002' });
    expect(await pulled.errors(run.syncRunId)).toMatchObject([
      { remoteId: 'p001', code: 'text_replaced', recordType: 'contacts' },
    ]);
    expect(await pulled.job(run.syncRunId)).toMatchObject({
      recordsRead: 3,
      recordsChanged: 1,
      recordsFailed: 0,
      recordsDeleted: 0,
    });
  });

  it('a text that only looks like it is stored unchanged, without a report', async () => {
    const pulled = await linked(1);
    await pulled.account.put('contacts', 'p000', { name: String.raw`\u0000 \ud83d` });
    const run = await pulled.sync('full');
    expect(run.state).toBe('succeeded');
    expect(await pulled.names()).toEqual({ p000: String.raw`\u0000 \ud83d` });
  });

  it.each<[string, JsonValue, string]>([
    ['of five megabytes', 'x'.repeat(5 * 1024 * 1024), 'too_large'],
    [
      'nested twenty thousand deep',
      JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`) as JsonValue,
      'too_deep',
    ],
  ])(
    'one %s is refused by name, the others are stored, and its stored version is kept',
    async (_, name, code) => {
      const pulled = await linked(3);
      await pulled.account.put('contacts', 'p001', { name });
      await pulled.account.put('contacts', 'p002', { name: 'Changed' });
      const run = await pulled.sync('nightly');
      expect(run.state).toBe('partially_succeeded');
      expect(await pulled.names()).toEqual({ p000: 'p000', p001: 'p001', p002: 'Changed' });
      expect(await pulled.errors(run.syncRunId)).toMatchObject([{ remoteId: 'p001', code }]);
    },
  );

  it('of another type than before are stored unchanged', async () => {
    const pulled = await linked(1);
    for (const name of [5, null, { given: 'Ada' }, ['a'], true, 'text']) {
      await pulled.account.put('contacts', 'p000', { name });
      expect((await pulled.sync('incremental')).state).toBe('succeeded');
      expect(await pulled.names()).toEqual({ p000: name });
    }
  });
});

describe('rule 31: items that are no records', () => {
  it('with an id are reported, and do not count as missing', async () => {
    const pulled = await linked(5);
    pulled.account.distort = (page) => ({
      ...page,
      records: page.records.filter(({ remoteId }) => remoteId !== 'p001'),
      unreadable: page.records.some(({ remoteId }) => remoteId === 'p001')
        ? [{ remoteId: 'p001', code: 'not_an_object', message: 'No object.' }]
        : [],
    });
    await pulled.account.remove('contacts', 'p004');
    const run = await pulled.sync('nightly');
    expect(run.state).toBe('partially_succeeded');
    expect(await pulled.errors(run.syncRunId)).toMatchObject([{ remoteId: 'p001', code: 'not_an_object' }]);
    expect(Object.keys(await pulled.names())).toEqual(['p000', 'p001', 'p002', 'p003']);
  });

  it('without an id prevent all deletions, because each may be any record', async () => {
    const pulled = await linked(5);
    pulled.account.distort = (page) => ({
      ...page,
      records: page.records.filter(({ remoteId }) => remoteId !== 'p001'),
      unreadable: page.records.some(({ remoteId }) => remoteId === 'p001')
        ? [{ remoteId: null, code: 'no_id', message: 'No id.' }]
        : [],
    });
    const run = await pulled.sync('nightly');
    expect(await pulled.job(run.syncRunId)).toMatchObject({
      state: 'succeeded',
      deletesWithheld: 'list_changed',
      recordsFailed: 1,
    });
    expect((await pulled.held()).size).toBe(5);
    expect((await pulled.runs()).map(({ kind }) => kind)).toEqual(['onboarding', 'nightly', 'drift_repair']);
  });
});

describe('rule 28: wrong clocks', () => {
  it.each<[string, (account: CrmIntegration['account']) => void]>([
    ['ten minutes ahead', (account) => void (account.clockAheadMs = 600_000)],
    ['ten minutes behind', (account) => void (account.clockAheadMs = -600_000)],
    ['that is unknown', (account) => void ((account.reportsTime = false), (account.clockAheadMs = -590_000))],
  ])('a clock %s: changes during a run, and right after it, are read by the next', async (_, prepare) => {
    const pulled = await linked(9, {}, prepare);
    pulled.account.beforePage = async ({ cursor }) => {
      if (cursor === 'p005') await pulled.account.put('contacts', 'p000', { name: 'During' });
    };
    await pulled.sync('full');
    await pulled.account.put('contacts', 'p001', { name: 'After' });
    await pulled.sync('hourly');
    expect(await pulled.differences()).toEqual([]);
  });

  it('a clock that is wrong by years and then corrected causes no gap', async () => {
    const pulled = await linked(5);
    pulled.account.clockAheadMs = 1_000_000 * 86_400_000;
    await pulled.sync('hourly');
    pulled.account.clockAheadMs = 0;
    await pulled.account.put('contacts', 'p001', { name: 'Meanwhile' });
    await environment.sleep(3_600_000);
    await pulled.sync('hourly');
    await environment.sleep(3_600_000);
    await pulled.sync('hourly');
    expect(await pulled.differences()).toEqual([]);
  });
});
