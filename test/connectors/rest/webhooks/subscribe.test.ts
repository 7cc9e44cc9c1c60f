/** Subscriptions by calls: what stays if the app refuses some of them. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { RecordRejected } from '../../../../connectors/errors';
import { rest } from '../../../../connectors/rest';
import { failureOf, readingContext } from '../rest-read-given';

let server: http.Server;
let refused: string[];
let asked: string[];

beforeAll(async () => {
  server = http.createServer((request, response) => {
    const [, , event = ''] = (request.url ?? '').split('/');
    asked.push(event);
    const isRefused = refused.includes(event);
    response.writeHead(isRefused ? 403 : 201, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isRefused ? { message: `No right to ${event}` } : { id: `o-${event}` }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
  refused = [];
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
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const request = { address: 'https://sync.example/v1/incoming/abc', secret: 's3cret', current: null };
  return rest.subscribe?.(request, readingContext(url, {}, { webhooks }));
};

it('a refused call leaves the other subscriptions, and says why', async () => {
  refused = ['changed'];

  expect(await subscribe()).toMatchObject({
    ids: ['o-added', 'o-removed'],
    error: expect.stringContaining('No right to changed'),
  });
  expect(asked).toEqual(['added', 'changed', 'removed']);
});

it('if all calls are refused, the first refusal is the error', async () => {
  refused = ['added', 'changed', 'removed'];

  expect(await failureOf(Promise.resolve(subscribe()))).toBeInstanceOf(RecordRejected);
});
