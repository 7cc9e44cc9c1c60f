/** What a connector from a package can do wrong, and what becomes of it. */
import { z } from 'zod';
import type {
  Connector,
  ConnectorContext,
  PushItem,
  PushResult,
  ReadPage,
} from '../../../connectors/connector';
import { RateLimited, RecordRejected, Unavailable } from '../../../connectors/errors';
import { guardConnector } from '../../../connectors/packages/guard';
import { contextWith, pushItem } from '../suite/given';

const LIMITS = { pushMs: 60, callMs: 60, stopMs: 30 };
const mapping = { direction: 'push', fields: [{ name: 'email', to: 'email' }], onDelete: 'delete' } as const;
const anItem = (overrides: Partial<PushItem> = {}): PushItem =>
  pushItem('employees', { ...mapping, fields: [...mapping.fields] }, { email: 'ada@example.com' }, overrides);

const silent = () => contextWith({ config: {}, credentials: {}, mappings: {}, http: { send: neverCalled } });
const neverCalled = async (): Promise<never> => {
  throw new Error('no request was expected');
};

function guarded(members: Record<string, unknown>): Connector {
  const connector = {
    kind: 'acme',
    title: 'Acme',
    description: 'Acme.',
    configSchema: z.strictObject({}),
    credentialsSchema: z.strictObject({}),
    batchSize: 10,
    onDelete: ['delete'],
    recordTypes: () => [],
    hosts: () => [],
    push: async () => [],
    check: async () => undefined,
    ...members,
  };
  return guardConnector(connector as unknown as Connector, '@acme/connector', LIMITS);
}

const pushed = (item: PushItem, more: object = {}) => ({
  pushId: item.pushId,
  ok: true,
  effect: 'created',
  remoteId: '7',
  remoteVersion: null,
  ...more,
});
const hangs = () => new Promise(() => undefined);
const faultIn = (member: string) => `The connector package @acme/connector is faulty: ${member} `;

describe('push', () => {
  const pushOne = async (
    push: (items: PushItem[], context: ConnectorContext) => unknown,
  ): Promise<PushResult> => {
    const [result] = await guarded({ push }).push([anItem()], silent());
    if (result === undefined) throw new Error('there is no result');
    return result;
  };

  it('hands over what is as it should be, as plain JSON', async () => {
    const result = await pushOne(async ([item]) => [
      pushed(item as PushItem, { shown: { hired: new Date(0), left: undefined }, secret: 1 }),
    ]);

    expect(result).toEqual({
      pushId: expect.any(String) as string,
      ok: true,
      effect: 'created',
      remoteId: '7',
      remoteVersion: null,
      shown: { hired: '1970-01-01T00:00:00.000Z' },
    });
  });

  it.each<[string, (item: PushItem) => unknown]>([
    ['a number as id', (item) => pushed(item, { remoteId: 7 })],
    ['no id of what was written', (item) => pushed(item, { remoteId: null })],
    ['an id of 501 characters', (item) => pushed(item, { remoteId: 'x'.repeat(501) })],
    ['an unknown effect', (item) => pushed(item, { effect: 'done' })],
    ['a record that is no JSON', (item) => pushed(item, { shown: { id: 1n } })],
    ['neither success nor failure', (item) => ({ pushId: item.pushId })],
    [
      'an error without texts',
      (item) => ({ pushId: item.pushId, ok: false, error: new RecordRejected('', [{}] as never) }),
    ],
    [
      'an error of another kind',
      (item) => ({ pushId: item.pushId, ok: false, error: new TypeError('x is undefined') }),
    ],
  ])('is tried again, and not Synced, after %s', async (_what, resultOf) => {
    const result = await pushOne(async ([item]) => [resultOf(item as PushItem)]);

    expect(result).toMatchObject({ ok: false, error: { kind: 'unavailable' } });
    expect(result.ok ? '' : result.error.message).toContain(faultIn('push'));
  });

  it('hands over the four errors as they are', async () => {
    const error = new RateLimited('Slowly.', 5);

    expect(await pushOne(async ([item]) => [{ pushId: item?.pushId, ok: false, error }])).toMatchObject({
      error,
    });
  });

  it('ends, with a result for each record, if the package does not', async () => {
    const [first, second] = [anItem(), anItem()];
    const early: PushResult[] = [];
    const pushing = {
      recordsAtOnce: 2,
      mayBegin: () => true,
      onResult: (one: PushResult) => void early.push(one),
    };
    const push = async (_items: PushItem[], { pushing: progress }: ConnectorContext) => {
      progress?.onResult(pushed(first) as PushResult);
      return hangs();
    };

    const results = await guarded({ push }).push([first, second], { ...silent(), pushing });

    expect(early).toMatchObject([{ pushId: first.pushId, ok: true }]);
    expect(results).toMatchObject([
      { pushId: first.pushId, ok: true },
      { pushId: second.pushId, ok: false, error: { message: `${faultIn('push')}took longer than 0.06 s.` } },
    ]);
  });

  it('ignores results of records that were not given, and second results', async () => {
    const item = anItem();
    const push = async () => [pushed(anItem()), pushed(item), pushed(item, { remoteId: '8' }), null];

    expect(await guarded({ push }).push([item], silent())).toMatchObject([
      { pushId: item.pushId, remoteId: '7' },
    ]);
  });

  it('cannot change what its results are compared with', async () => {
    const item = anItem();
    const push = async ([copy]: PushItem[]) => {
      (copy as PushItem).payload['email'] = 'changed';
      return [];
    };

    await guarded({ push }).push([item], silent());

    expect(item.payload).toEqual({ email: 'ada@example.com' });
  });

  it('throws what is none of the four errors, so that the records are sent one by one', async () => {
    const push = () => Promise.reject(new TypeError('x is undefined'));

    await expect(guarded({ push }).push([anItem()], silent())).rejects.toBeInstanceOf(TypeError);
  });
});

describe('readPage', () => {
  const record = { remoteId: '1', remoteVersion: null, fields: { a: 1 }, externalId: null, isDeleted: false };
  const large = { ...record, fields: { a: 'x'.repeat(1_000_000) } };
  const page = { records: [record], unreadable: [], nextCursor: null, asOf: null, total: null };
  const read = (result: unknown): Promise<ReadPage> => {
    const { readPage } = guarded({ readAbilities: () => null, readPage: async () => result });
    const request = { recordType: 'employees', modifiedSince: null, cursor: null };
    return (readPage as NonNullable<typeof readPage>)(request, silent());
  };

  it('reads the records beside one that cannot be used, which is reported', async () => {
    const broken = [{ ...record, remoteId: 2 }, { ...record, remoteId: '' }, { ...record, fields: [] }, null];

    const { records, unreadable } = await read({ ...page, records: [record, ...broken] });

    expect(records).toEqual([record]);
    expect(unreadable.map(({ code, remoteId }) => [code, remoteId])).toEqual([
      ['connector_result', null],
      ['connector_result', ''],
      ['connector_result', '1'],
      ['connector_result', null],
    ]);
  });

  it.each<[string, unknown, string]>([
    ['no page', undefined, 'returned something unusable (the result: '],
    ['a cursor that is no text', { ...page, nextCursor: 7 }, 'returned something unusable (nextCursor: '],
    ['a time that is none', { ...page, asOf: new Date('x') }, 'returned something unusable (asOf: '],
    [
      'an endless page',
      { ...page, records: Array.from({ length: 10_001 }, () => record) },
      'returned something unusable (records: ',
    ],
    [
      'a huge page',
      { ...page, records: Array.from({ length: 20 }, () => large) },
      'threw RangeError: the page has more than 16 MiB',
    ],
  ])('is Unavailable, and says why, for %s', async (_what, result, words) => {
    const failing = read(result);

    await expect(failing).rejects.toBeInstanceOf(Unavailable);
    await expect(failing).rejects.toThrow(faultIn('readPage') + words);
  });
});

describe('other members', () => {
  it.each<[string, Record<string, unknown>, (connector: Connector) => unknown]>([
    ['hosts', { hosts: () => ['https://acme.example'] }, (one) => one.hosts({})],
    ['hosts', { hosts: () => 'acme.example' }, (one) => one.hosts({})],
    ['origins', { origins: () => ({ '/config': 7 }) }, (one) => one.origins?.({})],
    ['validate', { validate: () => true }, (one) => one.validate?.({}, {})],
    ['callsAtOnce', { callsAtOnce: () => Infinity }, (one) => one.callsAtOnce?.({})],
  ])('%s says that the package is faulty: %j', (member, members, call) => {
    expect(() => call(guarded(members))).toThrow(faultIn(member));
  });

  it.each([
    ['does not end', hangs, 'took longer than 0.06 s'],
    ['throws', () => Promise.reject(new Error('no licence')), 'threw Error: no licence'],
  ])('a check is Unavailable if it %s', async (_what, check, words) => {
    await expect(guarded({ check }).check(silent())).rejects.toThrow(faultIn('check') + words);
  });

  it('do not take the list of integrations down with them', () => {
    const recordTypes = () => {
      throw new Error('an older configuration');
    };

    expect(guarded({ recordTypes }).recordTypes({})).toEqual([]);
  });

  it('send nothing once their call has ended', async () => {
    let kept: ConnectorContext['http'] | undefined;
    const check = async ({ http }: ConnectorContext) => void (kept = http);

    await guarded({ check }).check(silent());

    await expect(kept?.send({ method: 'GET', url: 'http://acme.example' })).rejects.toThrow(
      'Nothing was sent: the call of the connector has ended.',
    );
  });

  it('end soon after they were told to stop', async () => {
    const controller = new AbortController();
    const checking = guarded({ check: hangs }).check({ ...silent(), signal: controller.signal });
    controller.abort();

    await expect(checking).rejects.toThrow(`${faultIn('check')}did not end although it was to stop.`);
  });

  it('a webhook that the package cannot judge is refused', () => {
    const incoming = () => ({
      recordTypes: ['employees'],
      receive() {
        throw new Error('no such header');
      },
    });
    const call = {
      method: 'POST',
      url: 'https://x.example',
      headers: {},
      body: Buffer.from(''),
      now: new Date(),
    };

    expect(guarded({ incoming }).incoming?.({})?.receive(call, null)).toEqual({ kind: 'refused' });
  });
});
