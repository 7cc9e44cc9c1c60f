/** What a push of a connector from a package can do wrong, and what becomes of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectorContext, PushItem, PushResult } from '../../../connectors/connector';
import { RateLimited, RecordRejected } from '../../../connectors/errors';
import { contextWith } from '../suite/given';
import { anItem, faultIn, guarded, hangs, neverCalled, pushed, silent } from './guarded';

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
    ['a record that is a text as JSON', (item) => pushed(item, { shown: new URL('https://acme.example') })],
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

  it('first waits for the requests that are open: they may create what would be created again', async () => {
    let isAnswered = false;
    const send = async () => {
      await sleep(20);
      isAnswered = true;
      return { status: 201, headers: {}, text: '' };
    };
    const push = async (_items: PushItem[], { http }: ConnectorContext) => {
      void http.send({ method: 'POST', url: 'http://acme.example' });
      throw new TypeError('x is undefined');
    };
    const context = contextWith({ config: {}, credentials: {}, mappings: {}, http: { send } });

    await expect(guarded({ push }).push([anItem()], context)).rejects.toBeInstanceOf(TypeError);

    expect(isAnswered).toBe(true);
  });

  it('is a fault if it throws an error without its texts', async () => {
    const push = () => Promise.reject(new RecordRejected('Refused.', undefined as never));

    expect(await pushOne(push)).toMatchObject({
      ok: false,
      error: { message: `${faultIn('push')}reported an error without its texts.` },
    });
  });

  it.each([undefined, 'Wed, 21 Oct 2026 07:28:00 GMT', NaN])(
    'takes a rate limit that asks for the wait %s for one without a wait',
    async (wait) => {
      const error = new RateLimited('Slowly.', wait as never);

      expect(await pushOne(async ([item]) => [{ pushId: item?.pushId, ok: false, error }])).toMatchObject({
        error: { kind: 'rate_limited', retryAfterMs: null },
      });
    },
  );

  it('hides credentials in errors, and cuts their texts', async () => {
    const credentials = { token: 'canary/secret', more: ['second canary'] };
    const http = { send: neverCalled };
    const context = contextWith({ config: {}, credentials, mappings: {}, http });
    const failing = (error: Error) =>
      guarded({ push: () => Promise.reject(error) }).push([anItem()], context);
    const text = '/?a=canary%2Fsecret&b=second+canary: canary/secret ';
    const explanation = 'x'.repeat(3_000);
    const refused = { field: null, remoteField: null, code: 'no', message: text, explanation };

    await expect(failing(new Error(text))).rejects.toThrow('/?a=•••&b=•••: ••• ');
    await expect(failing(new RecordRejected(text, [refused]))).rejects.toMatchObject({
      message: '/?a=•••&b=•••: ••• ',
      errors: [{ message: '/?a=•••&b=•••: ••• ', explanation: 'x'.repeat(2_000) }],
    });
  });

  it('passes on no result that comes after its end', async () => {
    const onResult = jest.fn();
    const item = anItem();
    let late: (() => void) | undefined;
    const push = async (_items: PushItem[], { pushing }: ConnectorContext) => {
      late = () => pushing?.onResult(pushed(item) as PushResult);
      return [];
    };
    const pushing = { recordsAtOnce: 1, mayBegin: () => true, onResult };

    await guarded({ push }).push([item], { ...silent(), pushing });
    late?.();

    expect(onResult).not.toHaveBeenCalled();
  });
});
