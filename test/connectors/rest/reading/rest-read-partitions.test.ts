/** Lists in partitions that the configuration names, against a server that plays them. */
import { rest } from '../../../../connectors/rest';
import { closeConnections } from '../../../../egress/http-client';
import { loopbackPolicy } from '../../suite/given';
import {
  type RecordedRequest,
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from '../../suite/scripted-server';
import { CONTACTS_MAPPING, contactsConfig } from '../rest-given';
import { idsIn, PULLED, readPages, readingContext } from '../rest-read-given';

const SIZE = 2;
const PEOPLE = ['sales 1', 'sales 2', 'sales 3', 'legal 4', 'hr & it 5'];

let server: ScriptedServer;

beforeAll(async () => {
  server = await startScriptedServer(serve);
});
beforeEach(() => void (server.requests.length = 0));
afterAll(async () => {
  await closeConnections(loopbackPolicy);
  await server.stop();
});

function serve({ path, body }: RecordedRequest): ScriptedAnswer {
  const url = new URL(path, 'http://x');
  if (url.pathname.endsWith('/count')) return { status: 200, body: { count: PEOPLE.length } };
  const asked = body === undefined || body === '' ? {} : (JSON.parse(body) as { department?: string });
  const department = url.searchParams.get('department') ?? asked.department ?? '';
  const page = Number(url.searchParams.get('page') ?? 0);
  const found = PEOPLE.filter((id) => id.startsWith(department));
  const items = found.slice(page * SIZE, (page + 1) * SIZE).map((id) => ({ id }));
  return { status: 200, body: { items } };
}

const PARTITIONS = ['sales', 'legal', 'hr & it', 'nowhere'].map((department) => ({
  parameters: { department },
}));
const LIST = {
  path: '/people?department=all',
  items: '/items',
  paging: { type: 'page', parameter: 'page', first: 0 },
  partitions: PARTITIONS,
};
const COUNT = { path: '/count', at: '/count' };
const contextFor = (list: object = {}) =>
  readingContext(server.url, { list: { ...LIST, ...list }, count: COUNT });
const rangesOf = async (fromRecords = 1, list: object = {}) =>
  (await rest.ranges?.({ recordType: 'contacts', atMost: 4, fromRecords }, contextFor(list))) ?? [];
const readRange = async (range: string, list: object = {}) =>
  idsIn(await readPages(() => contextFor(list), { range }));

describe('rule 60: a list with partitions', () => {
  it('is read partition by partition, page by page', async () => {
    const read: string[][] = [];
    for (const range of await rangesOf()) read.push(await readRange(range));

    expect(read).toEqual([['sales 1', 'sales 2', 'sales 3'], ['legal 4'], ['hr & it 5'], []]);
  });

  it('may name them in the body of a search', async () => {
    const list = {
      method: 'POST',
      path: '/search',
      body: { department: 'all' },
      partitions: PARTITIONS.map(({ parameters }) => ({ body: parameters })),
    };
    const read = await Promise.all((await rangesOf(1, list)).map((range) => readRange(range, list)));

    expect(read.flat()).toEqual(PEOPLE);
  });

  it('is read in one piece while it is short', async () => {
    expect(await rangesOf(PEOPLE.length + 1)).toEqual([]);
    expect(idsIn(await readPages(() => contextFor({ path: '/people' })))).toEqual(PEOPLE);
  });

  it('deletes nothing unless the number of records is right: a partition may have been forgotten', () => {
    const { config } = contextFor();
    expect(rest.readAbilities?.(config, 'contacts')).toMatchObject({ isPagingStable: false });
  });

  it.each([
    ['a single one', { partitions: PARTITIONS.slice(0, 1) }, {}],
    ['one without a condition', { partitions: [...PARTITIONS, {}] }, {}],
    ['one twice', { partitions: [...PARTITIONS, PARTITIONS[0]] }, {}],
    ['a template', { partitions: [...PARTITIONS, { parameters: { department: '{department}' } }] }, {}],
    ['a body in a GET', { partitions: [...PARTITIONS, { body: { department: 'x' } }] }, {}],
    ['details', { detail: { path: '/people/{remote_id}' } }, {}],
    ['no count', {}, { count: undefined }],
  ])('is refused with %s', (_title, list, type) => {
    const parsed = rest.configSchema.safeParse(
      contactsConfig(server.url, {
        record_types: { contacts: { list: { ...LIST, ...list }, count: COUNT, ...type } },
      }),
    );
    const problems = parsed.success
      ? (rest.validate?.(parsed.data, { contacts: { ...CONTACTS_MAPPING, ...PULLED } }) ?? [])
      : parsed.error.issues.map(({ path }) => ({ pointer: `/config/${path.join('/')}` }));

    expect(problems.map(({ pointer }) => pointer)).toEqual([
      expect.stringMatching(/^\/config\/record_types\/contacts\/list\/partitions/),
    ]);
  });
});
