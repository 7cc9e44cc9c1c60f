/** Lists that continue behind the last record of a page, against a server that plays them. */
import { rest } from '../../../../connectors/rest';
import { closeConnections } from '../../../../egress/http-client';
import { loopbackPolicy } from '../../suite/given';
import { type RecordedRequest, type ScriptedServer, startScriptedServer } from '../../suite/scripted-server';
import { CONTACTS, CONTACTS_MAPPING, contactsConfig } from '../rest-given';
import { failureOf, idsIn, PULLED, readPages, readingContext } from '../rest-read-given';

const SIZE = 3;
const AFTER = { last_time: '/at', last_id: '/id' };

let server: ScriptedServer;
let held: { id: string; at?: string }[];
let afterPage: (() => void) | undefined;

beforeAll(async () => {
  server = await startScriptedServer(serve);
});
beforeEach(() => {
  server.requests.length = 0;
  afterPage = undefined;
});
afterAll(async () => {
  await closeConnections(loopbackPolicy);
  await server.stop();
});

/** Sorted by time and id; `since` includes its time, `after` excludes its pair. */
function serve({ path, body }: RecordedRequest) {
  const query = new URL(path, 'http://x').searchParams;
  const sent = (body === '' ? {} : JSON.parse(body)) as { after?: [string, string]; since?: string };
  const since = query.get('since') ?? sent.since ?? '';
  const after = query.get('after')?.split('|') ?? sent.after ?? ['', ''];
  const found = held
    .toSorted((a, b) => (`${a.at} ${a.id}` < `${b.at} ${b.id}` ? -1 : 1))
    .filter(({ at = '', id }) => at >= since && `${at} ${id}` > after.join(' '))
    .slice(0, SIZE);
  const items = found.map((one) => ({ ...one }));
  afterPage?.();
  return { status: 200, body: { items, more: found.length === SIZE } };
}

const LIST = {
  path: '/contacts?sort=at,id',
  items: '/items',
  paging: { type: 'keyset', after: AFTER, parameters: { after: '{last_time}|{last_id}' } },
  modified_since: { format: 'date', parameters: { since: '{modified_since}' } },
};
const read = (list: object = LIST, since: string | null = null) =>
  readPages(() => readingContext(server.url, { list }), {
    modifiedSince: since === null ? null : new Date(since),
  });
const people = (count: number, at: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => ({ id: `c${String(index).padStart(2, '0')}`, at: at(index) }));

describe('rule 52, C4: more records with one time of modification than a page holds', () => {
  it.each([
    ['all changed on one day', () => '2026-11-21', null],
    ['an incremental run from that day', () => '2026-11-21', '2026-11-21T09:00:00Z'],
    ['two days', (index: number) => (index < 5 ? '2026-11-21' : '2026-11-22'), null],
  ])('are read once each: %s', async (_title, at, since) => {
    held = people(10, at);
    expect(idsIn(await read(LIST, since))).toEqual(held.map(({ id }) => id));
  });

  it('are read although the first ones are removed between two pages', async () => {
    held = people(10, () => '2026-11-21');
    afterPage = () => {
      held = held.filter(({ id }) => id !== 'c00' && id !== 'c01');
    };
    expect(idsIn(await read()).slice(2)).toEqual(
      people(10, () => '')
        .map(({ id }) => id)
        .slice(2),
    );
  });

  it('are read by a search with a body', async () => {
    held = [...people(7, () => '2026-11-21'), { id: "c99 O'Brien", at: '2026-11-21' }];
    const list = {
      ...LIST,
      method: 'POST',
      paging: { type: 'keyset', after: AFTER, body: { after: ['{last_time}', '{last_id}'] } },
      modified_since: undefined,
    };
    expect(idsIn(await read(list))).toEqual(held.map(({ id }) => id));
  });

  it('end with the condition of the response, without a further request', async () => {
    held = people(4, () => '2026-11-21');
    await read({ ...LIST, paging: { ...LIST.paging, last: { at: '/more', is: false } } });
    expect(server.requests).toHaveLength(2);
  });

  it.each(["O'Brien", "x') || (id>'", 'a\\b', 'half \ud800'])(
    'fail the dataset if the last id would end the quotes of a filter: %j',
    async (id) => {
      held = [{ id, at: '2026-11-21' }];
      const paging = { ...LIST.paging, parameters: { after: "at>'{last_time}' and id>'{last_id}'" } };
      expect(await failureOf(read({ ...LIST, paging }))).toMatchObject({
        errors: [{ code: 'next_page_unusable' }],
      });
    },
  );

  it('fail the dataset if a value of the keyset is missing, instead of ending the list', async () => {
    held = [...people(2, () => '2026-11-21'), { id: 'c02' }];
    expect(await failureOf(read())).toMatchObject({ errors: [{ code: 'next_page_unusable' }] });
  });
});

it.each<[string, object]>([
  ['/paging/after/last_id', { ...LIST.paging, parameters: { after: '{last_time}' } }],
  ['/paging/parameters/after', { ...LIST.paging, parameters: { after: '{last_time}|{last_id}|{other}' } }],
  ['/paging/body', { ...LIST.paging, body: { after: '{last_id}' } }],
  ['/paging', { ...LIST.paging, parameters: { after: '{last_time}|{last_id}|{modified_since}' } }],
])('refuses a keyset that would not page: %s', (pointer, paging) => {
  const config = rest.configSchema.parse(
    contactsConfig('http://127.0.0.1:1', {}, { ...CONTACTS, list: { ...LIST, paging } }),
  );
  const problems = rest.validate?.(config, { contacts: { ...CONTACTS_MAPPING, ...PULLED } }) ?? [];
  expect(problems.map(({ pointer: at }) => at)).toContain(`/config/record_types/contacts/list${pointer}`);
});
