/** Subscriptions by calls: what stays if the app refuses some of them. */
import { RecordRejected } from '../../../../connectors/errors';
import { rest } from '../../../../connectors/rest';
import { type ScriptedServer, startScriptedServer } from '../../suite/scripted-server';
import { failureOf, readingContext } from '../rest-read-given';

let server: ScriptedServer;
let refused: string[];
let refusedWith: number;

beforeAll(async () => {
  server = await startScriptedServer(({ path }) => {
    const event = path.slice('/hooks/'.length);
    return refused.includes(event)
      ? { status: refusedWith, body: { message: `No right to ${event}` } }
      : { status: 201, body: { id: `o-${event}` } };
  });
});
afterAll(() => server.stop());
beforeEach(() => {
  refused = [];
  refusedWith = 403;
  server.requests.length = 0;
});

const subscribe = async () => {
  const create = ['added', 'changed', 'removed'].map((event) => ({
    path: `/hooks/${event}`,
    body: { url: '{address}', token: '{secret}' },
  }));
  const webhooks = {
    verify: { type: 'token', header: 'X-Token' },
    subscription: { create, id: '/id', lifetime_minutes: 360 },
    events: [{ record_type: 'contacts' }],
  };
  const request = { address: 'https://sync.example/v1/incoming/abc', secret: 's3cret', current: null };
  return rest.subscribe?.(request, readingContext(server.url, {}, { webhooks }));
};

it('a refused call leaves the other subscriptions, and says why', async () => {
  refused = ['changed'];

  expect(await subscribe()).toMatchObject({
    ids: ['o-added', 'o-removed'],
    error: expect.stringContaining('No right to changed'),
  });
  expect(server.requests.map(({ path }) => path)).toEqual([
    '/hooks/added',
    '/hooks/changed',
    '/hooks/removed',
  ]);
});

it('if all calls are refused, the first refusal is the error', async () => {
  refused = ['added', 'changed', 'removed'];

  expect(await failureOf(Promise.resolve(subscribe()))).toBeInstanceOf(RecordRejected);
});

describe('canceling', () => {
  const cancel = (subscription: object) =>
    rest.unsubscribe?.(
      { address: 'https://sync.example/v1/incoming/abc', secret: 's3cret', ids: ['gone', 'o-1'] },
      readingContext(
        server.url,
        {},
        {
          webhooks: {
            verify: { type: 'token', header: 'X-Token' },
            subscription: {
              create: [{ path: '/hooks/added', body: { url: '{address}', token: '{secret}' } }],
              id: '/id',
              lifetime_minutes: 360,
              ...subscription,
            },
            events: [{ record_type: 'contacts' }],
          },
        },
      ),
    );

  it('calls the app for each subscription, also after one that has ended', async () => {
    refused = ['gone'];
    refusedWith = 404;

    expect(await cancel({ cancel: { path: '/hooks/{subscription_id}' } })).toBe(true);
    expect(server.requests.map(({ method, path }) => [method, path])).toEqual([
      ['DELETE', '/hooks/gone'],
      ['DELETE', '/hooks/o-1'],
    ]);
  });

  it('fails where the app refuses it, after the calls for the others', async () => {
    refused = ['gone'];
    const canceling = cancel({ cancel: { path: '/hooks/{subscription_id}' } });

    expect(await failureOf(Promise.resolve(canceling))).toBeInstanceOf(RecordRejected);
    expect(server.requests.map(({ path }) => path)).toEqual(['/hooks/gone', '/hooks/o-1']);
  });

  it('calls nothing where the app has no call for it', async () => {
    expect(await cancel({})).toBe(false);
    expect(server.requests).toEqual([]);
  });
});
