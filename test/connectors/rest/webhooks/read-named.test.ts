/** Records that a webhook has named are read one by one. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { rest } from '../../../../connectors/rest';
import { selectedFields } from '../../../../connectors/rest/http/selected-fields';
import { failureOf, readingContext } from '../rest-read-given';

let server: http.Server;
let answers: Record<string, [number, unknown]>;
let asked: string[];

beforeAll(async () => {
  server = http.createServer((request, response) => {
    const id = (request.url ?? '').split('/').at(-1) ?? '';
    asked.push(id);
    const [status, body] = answers[id] ?? [404, { message: 'unknown' }];
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
  answers = { a: [200, { id: 'a', name: 'Ana' }], b: [200, { id: 'b', name: 'Ben' }] };
});

const context = (type: object = { read: { path: '/contacts/{remote_id}' } }) =>
  readingContext(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { ...type });
const read = (...remoteIds: string[]) => readAs(context(), ...remoteIds);
const readAs = async (given: ReturnType<typeof context>, ...remoteIds: string[]) => {
  const page = await rest.readNamed?.({ recordType: 'contacts', remoteIds }, given);
  if (page === undefined) throw new Error('The connector reads no single records.');
  return page;
};

it('with one call each, and no watermark follows from them', async () => {
  const page = await read('a', 'b');

  expect(page).toMatchObject({ nextCursor: null, asOf: null, total: null, unreadable: [] });
  expect(page.records.map(({ remoteId, fields }) => [remoteId, fields['name']])).toEqual([
    ['a', 'Ana'],
    ['b', 'Ben'],
  ]);
  expect(asked.toSorted()).toEqual(['a', 'b']);
});

it('those that do not exist are deleted, also if it is all of them', async () => {
  const page = await read('x', 'y', 'z', 'a');
  const gone = await read('x', 'y', 'z');

  expect(page.records.filter(({ isDeleted }) => isDeleted).map(({ remoteId }) => remoteId)).toEqual([
    'x',
    'y',
    'z',
  ]);
  expect(gone.records.every(({ isDeleted }) => isDeleted)).toBe(true);
});

it('one that is refused does not stop the others, and is not deleted', async () => {
  answers['b'] = [422, { message: 'locked' }];
  const page = await read('a', 'b');

  expect(page.records.map(({ remoteId }) => remoteId)).toEqual(['a']);
  expect(page.unreadable).toMatchObject([{ remoteId: 'b', code: 'detail_failed' }]);
});

it('an answer about another record is no answer, and deletes nothing', async () => {
  answers['b'] = [200, { id: 'a', name: 'Ana' }];
  const page = await read('b');

  expect([page.records, page.unreadable.map(({ remoteId }) => remoteId)]).toEqual([[], ['b']]);
});

it('where read says that the record is, not where the answers to changes have it', async () => {
  answers['a'] = [200, { data: [{ id: 'a', name: 'Ana' }] }];
  const call = { path: '/contacts/{remote_id}', record_at: '/data/0' };

  const page = await readAs(context({ record_at: '/data/0/details', read: call }), 'a');
  expect(page.records.map(({ fields }) => fields['name'])).toEqual(['Ana']);
});

it('a named record that the list would leave out counts as deleted', async () => {
  answers['a'] = [200, { id: 'a', name: 'Ana', type: 'employee' }];
  answers['b'] = [200, { id: 'b', name: 'Ben', type: 'contractor' }];
  const list = { path: '/contacts?type=employee', items: '/data', paging: { type: 'none' } };
  const call = { path: '/contacts/{remote_id}' };
  const selects = { at: '/type', is: 'employee' };

  const page = await readAs(context({ read: call, list: { ...list, selects } }), 'a', 'b');

  expect(page.records.map(({ remoteId, isDeleted }) => [remoteId, isDeleted])).toEqual([
    ['a', false],
    ['b', true],
  ]);
  expect(page.records.at(-1)?.fields).toEqual({});
});

it('the field by which a list selects is asked for, although nothing maps it', () => {
  const selects = { at: '/properties/type', is: 'employee' };
  const list = { path: '/contacts?type=employee', items: '/data', paging: { type: 'none' }, selects };
  const { config } = context({ fields: { below: '/properties' }, list });

  expect(selectedFields(config.record_types['contacts']!, undefined)).toEqual(['type']);
});

it('an app that is down is an outage', async () => {
  answers = { a: [503, {}], b: [503, {}] };

  expect(await failureOf(read('a', 'b'))).toMatchObject({ kind: 'unavailable' });
});

it('a record type without a call for one record says so', () => {
  expect(rest.canReadNamed?.(context().config, 'contacts')).toBe(true);
  expect(rest.canReadNamed?.(context({}).config, 'contacts')).toBe(false);
  expect(rest.canReadNamed?.(context().config, 'unknown')).toBe(false);
});

it('a call for one record that needs more than the id is none', () => {
  const canRead = (call: object) => rest.canReadNamed?.(context({ read: call }).config, 'contacts');

  expect(canRead({ path: '/contacts/{external_id}' })).toBe(false);
  expect(canRead({ path: '/contacts{?id}', parameters: { id: '{payload.email}' } })).toBe(false);
  expect(canRead({ path: '/contacts{?id}', parameters: { id: '{remote_id}' } })).toBe(true);
});
