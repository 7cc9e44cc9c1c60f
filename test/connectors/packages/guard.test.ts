/** What a connector from a package can do wrong, and what becomes of it. */
import { Socket } from 'node:net';
import type { Connector, ConnectorContext, ReadPage } from '../../../connectors/connector';
import { Unavailable } from '../../../connectors/errors';
import { faultIn, guarded, hangs, silent } from './guarded';

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

  it('keeps the sync token, and long words about what cannot be read', async () => {
    const unreadable = [{ remoteId: '2', code: 'no_id', message: 'x'.repeat(3_000) }];

    expect(await read({ ...page, unreadable, syncToken: 'since-7' })).toMatchObject({
      syncToken: 'since-7',
      unreadable: [{ remoteId: '2', message: 'x'.repeat(2_000) }],
    });
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

const refuse = (error: unknown) => {
  throw error;
};
const trap = { get: () => refuse(new Error('trap')), getPrototypeOf: () => refuse(new Error('trap')) };

describe('other members', () => {
  it.each<[string, Record<string, unknown>, (connector: Connector) => unknown]>([
    ['hosts', { hosts: () => ['https://acme.example'] }, (one) => one.hosts({})],
    ['hosts', { hosts: () => 'acme.example' }, (one) => one.hosts({})],
    ['origins', { origins: () => ({ '/config': 7 }) }, (one) => one.origins?.({})],
    ['validate', { validate: () => true }, (one) => one.validate?.({}, {})],
    ['oauth', { oauth: async () => ({}) }, (one) => one.oauth?.({})],
    [
      'defaultMappings',
      {
        defaultMappings: () => ({
          a: { direction: 'push', onDelete: 'delete', fields: [{ to: 'a', transform: 7 }] },
        }),
      },
      (one) => one.defaultMappings?.({}),
    ],
    ['origins', { origins: () => refuse(new Proxy({}, trap)) }, (one) => one.origins?.({})],
  ])('%s says that the package is faulty: %j', (member, members, call) => {
    expect(() => call(guarded(members))).toThrow(faultIn(member));
  });

  it.each([
    ['does not end', hangs, 'took longer than 0.06 s'],
    ['throws', () => Promise.reject(new Error('no licence')), 'threw Error: no licence'],
  ])('a check is Unavailable if it %s', async (_what, check, words) => {
    await expect(guarded({ check }).check(silent())).rejects.toThrow(faultIn('check') + words);
  });

  it.each<[string, () => unknown]>([
    ['is frozen', () => Object.freeze(new Unavailable('The shop is closed.'))],
    [
      'fails itself',
      () =>
        Object.defineProperty(new Unavailable('x'), 'message', {
          get: () => {
            throw new Error('No message.');
          },
        }),
    ],
  ])('an error of a check that %s is a fault of the package', async (_what, error) => {
    const check = async () => {
      throw error();
    };

    await expect(guarded({ check }).check(silent())).rejects.toThrow(faultIn('check'));
  });

  it('do not take the list of integrations, or the queue of pushes, down with them', () => {
    const recordTypes = () => {
      throw new Error('an older configuration');
    };

    expect(guarded({ recordTypes }).recordTypes({})).toEqual([]);
    expect(guarded({ callsAtOnce: () => Infinity }).callsAtOnce?.({})).toBe(1);
  });

  it('may follow sync tokens', () => {
    const abilities = { canFilterByModified: false, isPagingStable: true, followsSyncToken: true };
    const { readAbilities } = guarded({ readAbilities: () => abilities, readPage: hangs });

    expect(readAbilities?.({}, 'employees')).toEqual(abilities);
  });

  it('send nothing once their call has ended', async () => {
    let kept: ConnectorContext['http'] | undefined;
    const check = async ({ http }: ConnectorContext) => void (kept = http);

    await guarded({ check }).check(silent());

    await expect(kept?.send({ method: 'GET', url: 'http://acme.example' })).rejects.toThrow(
      'Nothing was sent: the call of the connector has ended.',
    );
  });

  it('leave no socket open once their call has ended', async () => {
    const socket = new Socket();
    const check = async ({ sockets }: ConnectorContext) =>
      void (await sockets.open({ host: 'acme.example', port: 1 }));

    await guarded({ check }).check({ ...silent(), sockets: { open: async () => socket } });

    expect(socket.destroyed).toBe(true);
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
