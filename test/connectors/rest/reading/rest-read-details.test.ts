/** Lists of ids or shortened records, against a server that plays them. */
import { rest } from '../../../../connectors/rest';
import { closeConnections } from '../../../../egress/http-client';
import { loopbackPolicy } from '../../suite/given';
import {
  type RecordedRequest,
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from '../../suite/scripted-server';
import { CONTACTS, CONTACTS_MAPPING, contactsConfig } from '../rest-given';
import { failureOf, PULLED, readPages, readingContext } from '../rest-read-given';

let server: ScriptedServer;
let listed: unknown[];
/** The answer to the call of one record. */
let detailOf: (id: string, calls: number) => ScriptedAnswer;
let calls: Map<string, number>;

beforeAll(async () => {
  server = await startScriptedServer(serve);
});
beforeEach(() => {
  listed = ['1', '2', '3'];
  detailOf = (id) => ({ status: 200, body: { data: { id, name: `Name ${id}` } } });
  calls = new Map();
  server.requests.length = 0;
});
afterAll(async () => {
  await closeConnections(loopbackPolicy);
  await server.stop();
});

function serve({ path }: RecordedRequest): ScriptedAnswer {
  const id = path.split('/')[2];
  if (id === undefined) return { status: 200, body: { items: listed } };
  calls.set(id, (calls.get(id) ?? 0) + 1);
  return detailOf(id, calls.get(id) as number);
}

const LIST = {
  path: '/contacts',
  items: '/items',
  id: '',
  paging: { type: 'none' },
  detail: { path: '/contacts/{remote_id}', record_at: '/data' },
};
const read = async (list: object = {}) => {
  const [page] = await readPages(() => readingContext(server.url, { list: { ...LIST, ...list } }));
  return {
    records: page?.records.map(({ remoteId, fields }) => [remoteId, fields['name']]),
    unreadable: page?.unreadable.map(({ remoteId, code }) => [remoteId, code]),
  };
};
const OTHERS = [
  ['1', 'Name 1'],
  ['3', 'Name 3'],
];

describe('rule 51, E: a list that holds only the ids of the records', () => {
  it('is read with a call for each record', async () => {
    expect(await read()).toEqual({
      records: [OTHERS[0], ['2', 'Name 2'], OTHERS[1]],
      unreadable: [],
    });
  });

  it('is read from shortened records too, and a record without its own id keeps the listed one', async () => {
    listed = [{ key: '1' }, { key: '3' }];
    detailOf = (id) => ({ status: 200, body: { data: { name: `Name ${id}` } } });
    expect(await read({ id: '/key' })).toEqual({ records: OTHERS, unreadable: [] });
  });

  it('does not contain a record that was deleted since it was listed', async () => {
    detailOf = (id) =>
      id === '2' ? { status: 404 } : { status: 200, body: { data: { id, name: `Name ${id}` } } };
    expect(await read()).toEqual({ records: OTHERS, unreadable: [] });
  });

  it.each<[string, ScriptedAnswer]>([
    ['refused', { status: 422, body: { message: 'No.' } }],
    ['answered with 500, twice', { status: 500 }],
    ['answered with another record', { status: 200, body: { data: { id: '9', name: 'Other' } } }],
    ['answered without a record', { status: 200, body: { data: [] } }],
  ])('reads the other records if one of them is %s', async (_what, answer) => {
    detailOf = (id) => (id === '2' ? answer : { status: 200, body: { data: { id, name: `Name ${id}` } } });
    expect(await read()).toEqual({ records: OTHERS, unreadable: [['2', 'detail_failed']] });
  });

  it('is complete if a record is answered at the second call', async () => {
    detailOf = (id, nth) =>
      id === '2' && nth === 1 ? { status: 503 } : { status: 200, body: { data: { id, name: `Name ${id}` } } };
    expect(await read()).toMatchObject({ records: { length: 3 }, unreadable: [] });
  });

  it('reports an item without an id', async () => {
    listed = ['1', { no: 'id' }, '3'];
    expect(await read()).toEqual({ records: OTHERS, unreadable: [[null, expect.any(String)]] });
  });

  it.each<[string, ScriptedAnswer, object]>([
    [
      'every record is missing: the path is wrong',
      { status: 404 },
      { errors: [{ code: 'detail_not_found' }] },
    ],
    ['the app is away', { status: 503 }, { kind: 'unavailable' }],
    ['the rate is limited', { status: 429 }, { kind: 'rate_limited' }],
    ['the credentials are refused', { status: 401 }, { kind: 'unauthorized' }],
  ])('is not taken for an empty list if %s', async (_why, answer, error) => {
    detailOf = () => answer;
    expect(await failureOf(read())).toMatchObject(error);
  });
});

it('refuses a detail whose path is the same for every record', () => {
  const detail = { path: '/contacts/one' };
  const config = rest.configSchema.parse(
    contactsConfig('http://127.0.0.1:1', {}, { ...CONTACTS, list: { ...LIST, detail } }),
  );
  const problems = rest.validate?.(config, { contacts: { ...CONTACTS_MAPPING, ...PULLED } }) ?? [];
  expect(problems.map(({ pointer }) => pointer)).toEqual(['/config/record_types/contacts/list/detail/path']);
});
