/** Lists that end behind the first records of a search, against a server that plays them. */
import { rest } from '../../../../connectors/rest';
import { closeConnections } from '../../../../egress/http-client';
import { loopbackPolicy } from '../../suite/given';
import { type RecordedRequest, type ScriptedServer, startScriptedServer } from '../../suite/scripted-server';
import { CONTACTS, CONTACTS_MAPPING, contactsConfig } from '../rest-given';
import { failureOf, idsIn, PULLED, readPages, readingContext } from '../rest-read-given';

const WINDOW = 6;
const SIZE = 2;

let server: ScriptedServer;
/** The time of the last change, by id. */
let held: Map<string, string>;

beforeAll(async () => {
  server = await startScriptedServer(serve);
});
beforeEach(() => {
  server.requests.length = 0;
});
afterAll(async () => {
  await closeConnections(loopbackPolicy);
  await server.stop();
});

/** Sorted by time of change; a search refuses what lies behind its window. */
function serve({ path }: RecordedRequest) {
  const query = new URL(path, 'http://x').searchParams;
  const offset = Number(query.get('offset'));
  if (offset + SIZE > WINDOW) return { status: 400, body: { message: 'Result window is too large.' } };
  const since = query.get('since') ?? '';
  const found = [...held]
    .filter(([, at]) => at >= since)
    .toSorted(([a, x], [b, y]) => (x + a < y + b ? -1 : 1))
    .slice(offset, offset + SIZE);
  return { status: 200, body: { items: found.map(([id, at]) => ({ id, changed: { at } })) } };
}

const people = (count: number, timeOf: (index: number) => string) =>
  new Map(Array.from({ length: count }, (_, index) => [`c${String(index).padStart(2, '0')}`, timeOf(index)]));
const second = (index: number) => `2026-11-21T10:00:${String(index).padStart(2, '0')}Z`;
const day = (index: number) => `2026-11-${String(index + 1).padStart(2, '0')}`;

const LIST = {
  path: '/contacts?sort=changed,id',
  items: '/items',
  paging: { type: 'offset', parameter: 'offset', size: SIZE, window: WINDOW },
};
const listWith = (format: string) => ({
  ...LIST,
  modified: { at: '/changed/at', format },
  modified_since: { format, parameters: { since: '{modified_since}' } },
});
const read = (format = 'iso_seconds', since: string | null = null) =>
  readPages(() => readingContext(server.url, { list: listWith(format) }), {
    modifiedSince: since === null ? null : new Date(since),
  });

describe('rule 52, C4: a list behind the window of a search', () => {
  it('is continued from the time of the last record, and each record is read once', async () => {
    held = people(23, second);

    const pages = await read();

    expect(idsIn(pages)).toEqual([...held.keys()]);
    expect(pages[0]?.records[0]?.modifiedAt).toEqual(new Date(second(0)));
  });

  it('is continued in incremental runs', async () => {
    held = people(23, second);

    expect(idsIn(await read('iso_seconds', second(7)))).toEqual([...held.keys()].slice(7));
  });

  it.each<[string, (index: number) => string, string]>([
    ['with equal times', (index) => second(Math.floor(index / 4)), 'iso_seconds'],
    ['with dates alone', (index) => day(Math.floor(index / 5)), 'date'],
  ])('misses no record and repeats no page %s', async (_title, timeOf, format) => {
    held = people(21, timeOf);

    expect([...new Set(idsIn(await read(format)))]).toEqual([...held.keys()]);
  });

  it('is read once if several records of a page have the last time', async () => {
    held = people(8, (index) => second(index < 4 ? index : 9));

    expect(idsIn(await read())).toEqual([...held.keys()]);
  });

  it('fails with the time if more records have it than a window holds', async () => {
    held = people(20, (index) => second(index < 3 ? index : 30));

    const failure = await failureOf(read());

    expect(failure).toMatchObject({ kind: 'record_rejected', errors: [{ code: 'next_page_unusable' }] });
    expect(failure.message).toContain('2026-11-21T10:00:30Z');
  });

  it('fails if the last record of the window has no time', async () => {
    held = people(20, () => '');

    expect((await failureOf(read())).message).toContain('no time of modification');
  });

  it.each<[string, object]>([
    ['find', { find: { path: '/contacts', items: '/items', exact: false, paging: LIST.paging } }],
    ['deleted_list', { deleted_list: { ...LIST, id: '/id' } }],
  ])('has no window in %s', (part, changes) => {
    const contacts = { ...CONTACTS, list: listWith('iso'), ...changes };
    const config = rest.configSchema.parse(
      contactsConfig('https://crm.example.com', { record_types: { contacts } }),
    );
    const pointers = rest.validate?.(config, { contacts: CONTACTS_MAPPING }).map(({ pointer }) => pointer);

    expect(pointers).toContain(`/config/record_types/contacts/${part}/paging/window`);
  });

  it.each<[string, object, string]>([
    ['the time of a record', { modified: undefined }, 'Set modified:'],
    ['a filter by that time', { modified_since: undefined }, 'Set modified_since:'],
    ['room for two pages', { paging: { ...LIST.paging, window: 2 } }, 'room for several pages'],
  ])('needs %s', (_title, changes, message) => {
    const list = { ...listWith('iso'), ...changes };
    const config = rest.configSchema.parse(
      contactsConfig('https://crm.example.com', { record_types: { contacts: { list } } }),
    );

    expect(rest.validate?.(config, { contacts: PULLED })).toMatchObject([
      {
        pointer: '/config/record_types/contacts/list/paging/window',
        message: expect.stringContaining(message) as string,
      },
    ]);
  });
});
