/** Lists per parent, against a server that plays them. */
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
import { failureOf, idsIn, PULLED, readPages, readingContext } from '../rest-read-given';

const SIZE = 2;

let server: ScriptedServer;
/** The people of each company. */
let companies: Map<string, string[]>;
let answerOf: (company: string) => ScriptedAnswer | undefined;

beforeAll(async () => {
  server = await startScriptedServer(serve);
});
beforeEach(() => {
  companies = new Map([
    ['a/1', ['1', '2', '3']],
    ['b', []],
    ['c', ['4']],
  ]);
  answerOf = () => undefined;
  server.requests.length = 0;
});
afterAll(async () => {
  await closeConnections(loopbackPolicy);
  await server.stop();
});

const pageOf = (all: readonly unknown[], page: number) => all.slice(page * SIZE, (page + 1) * SIZE);

function serve({ path }: RecordedRequest): ScriptedAnswer {
  const url = new URL(path, 'http://x');
  const page = Number(url.searchParams.get('page') ?? 0);
  const [, , company] = url.pathname.split('/');
  if (company === undefined)
    return { status: 200, body: { companies: pageOf([...companies.keys()], page).map((id) => ({ id })) } };
  const id = decodeURIComponent(company);
  const people = companies.get(id) ?? [];
  return answerOf(id) ?? { status: 200, body: { items: pageOf(people, page).map((one) => ({ id: one })) } };
}

const PAGING = { type: 'page', parameter: 'page', first: 0 };
const LIST = {
  path: '/companies/{parent_id}/people',
  items: '/items',
  paging: PAGING,
  parents: { path: '/companies', items: '/companies', paging: PAGING },
};
const read = (list: object = {}) =>
  readPages(() => readingContext(server.url, { list: { ...LIST, ...list } }));

describe('rule 51, E: records that are listed per parent', () => {
  it('are read page by page for each parent, also behind childless ones', async () => {
    expect(idsIn(await read())).toEqual(['1', '2', '3', '4']);
  });

  it('are read behind many childless parents', async () => {
    companies = new Map(Array.from({ length: 50 }, (_, index) => [`p${index}`, index === 49 ? ['9'] : []]));
    expect(idsIn(await read())).toEqual(['9']);
  });

  it('may be the same for several parents', async () => {
    companies = new Map(['a', 'b', 'c', 'd', 'e'].map((id) => [id, ['1']]));
    const pages = await read();
    expect(idsIn(pages)).toEqual(['1', '1', '1', '1', '1']);
    expect(pages.every(({ mayRepeat }) => mayRepeat === true)).toBe(true);
  });

  it('do not contain those of a parent that was deleted since it was listed', async () => {
    answerOf = (id) => (id === 'a/1' ? { status: 404 } : undefined);
    expect(idsIn(await read())).toEqual(['4']);
  });

  it('are none if there is no parent', async () => {
    companies = new Map();
    expect(idsIn(await read())).toEqual([]);
  });

  it.each<[string, (id: string) => ScriptedAnswer | undefined, object]>([
    ['no parent has a list', () => ({ status: 404 }), { errors: [{ code: 'parent_not_found' }] }],
    ['a parent fails', (id) => (id === 'c' ? { status: 503 } : undefined), { kind: 'unavailable' }],
    [
      'a parent is forbidden',
      (id) => (id === 'c' ? { status: 403 } : undefined),
      { kind: 'record_rejected' },
    ],
  ])('fail the dataset if %s', async (_why, answer, error) => {
    answerOf = answer;
    expect(await failureOf(read())).toMatchObject(error);
  });

  it('fail the dataset if a parent has no id', async () => {
    const parents = { ...LIST.parents, id: '/key' };
    expect(await failureOf(read({ parents }))).toMatchObject({ errors: [{ code: 'no_id' }] });
  });
});

it.each<[string, object]>([
  ['/path', { path: '/people' }],
  ['/total', { total: { at: '/total' } }],
  ['/parents/path', { parents: { ...LIST.parents, path: '/companies/{parent_id}' } }],
  ['/path', { parents: undefined }],
])('refuses a list per parent that would not be complete: %s', (pointer, changes) => {
  const list = { ...LIST, ...changes };
  const config = rest.configSchema.parse(contactsConfig('http://127.0.0.1:1', {}, { ...CONTACTS, list }));
  const problems = rest.validate?.(config, { contacts: { ...CONTACTS_MAPPING, ...PULLED } }) ?? [];
  expect(problems.map(({ pointer: at }) => at)).toEqual([`/config/record_types/contacts/list${pointer}`]);
});
