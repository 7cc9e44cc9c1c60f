/** Tries of single calls of a definition: each failure in words, with a pointer, and never a credential. */
import { rest } from '../../../connectors/rest';
import { tryDefinition } from '../../../connectors/tries/try-definition';
import type { JsonObject } from '../../../domain/json';
import { TRIES, type TryName, type TryPlan, type TryResult } from '../../../domain/third-parties/tries';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import { contextWith, egressHttp } from '../suite/given';
import { type Acme, acmeConfig, startAcme, TOKEN } from './acme';

let acme: Acme;
beforeEach(async () => {
  acme = await startAcme();
});
afterEach(() => acme.stop());

const MAPPING: RecordTypeMapping = {
  direction: 'both',
  onDelete: 'delete',
  fields: [
    { name: 'email', to: 'email' },
    { name: 'city', to: 'city' },
  ],
};
const RECORDS = {
  record: { email: 'try@example.com', city: 'Graz' },
  change: { city: 'Wien' },
  wrong: { email: 'no address' },
};

const FIND_BY_EMAIL = {
  path: '/contacts{?email}',
  parameters: { email: '{payload.email}' },
  items: '/items',
  match: { at: '/email', value: '{payload.email}' },
};

interface Given {
  config?: JsonObject;
  credentials?: Record<string, string>;
  plan?: Partial<TryPlan>;
  mapping?: RecordTypeMapping;
  signal?: AbortSignal;
  attempt?: number;
}

async function tries(names: readonly TryName[], given: Given = {}): Promise<TryResult[]> {
  const config = rest.configSchema.parse(given.config ?? acmeConfig(acme.url));
  const context = contextWith({
    config,
    credentials: given.credentials ?? { token: TOKEN },
    mappings: { contacts: given.mapping ?? MAPPING },
    http: egressHttp(rest.hosts(config)),
  });
  return tryDefinition(
    { connector: rest, context },
    {
      plan: { recordType: 'contacts', tries: names, ...RECORDS, ...given.plan },
      signal: given.signal ?? new AbortController().signal,
      time: { triesMs: 15_000, cleanUpMs: 5_000 },
      attempt: given.attempt ?? 1,
    },
  );
}

const outcomesOf = (results: TryResult[]) => Object.fromEntries(results.map((one) => [one.try, one.outcome]));
const one = async (name: TryName, given: Given = {}) => (await tries([name], given))[0] as TryResult;
const withList = (list: JsonObject) => {
  const { record_types: types } = acmeConfig(acme.url) as {
    record_types: { contacts: { list: JsonObject } };
  };
  return acmeConfig(acme.url, { list: { ...types.contacts.list, ...list } });
};

it('passes everything for a definition that works, and leaves nothing behind', async () => {
  const results = await tries(TRIES);

  expect(results.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
  expect(results.map((result) => result.try)).toEqual([...TRIES]);
  expect([...acme.contacts.keys()]).toEqual(['c1', 'c2', 'c3']);
});

it('says what a list has: records, ids, fields with their kinds, times, and the next page', async () => {
  const { message, found, calls } = await one('list');

  expect(message).toBe('2 records with the ids c1, c2. There is a next page.');
  expect(found).toMatchObject({
    records: 2,
    ids: ['c1', 'c2'],
    hasNextPage: true,
    fields: expect.arrayContaining([
      { at: '/email', kinds: ['text'], count: 2 },
      { at: '/updated_at', kinds: ['time'], count: 2 },
    ]),
    modified: ['2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z'],
  });
  expect(calls).toMatchObject([{ method: 'GET', url: `${acme.url}/contacts?page=1`, status: 200 }]);
});

it.each<[string, TryName, (acme: Acme) => Given & { habit?: Acme['habits'][number] }, string, string]>([
  [
    'the list is elsewhere in the answer',
    'list',
    () => ({ config: withList({ items: '/data' }) }),
    '/config/record_types/contacts/list/items',
    'The value at /data of the answer is missing. It has lists at: /items.',
  ],
  [
    'the answer wraps the list',
    'list',
    () => ({ config: withList({ items: '' }) }),
    '/config/record_types/contacts/list/items',
    'The answer is not a list. It has lists at: /items.',
  ],
  [
    'the search asks for a value that the payload has elsewhere',
    'create',
    () => ({
      config: acmeConfig(acme.url, { find: FIND_BY_EMAIL }),
      mapping: { ...MAPPING, fields: [{ name: 'email', to: '/attributes/email' }] },
      plan: { record: { email: 'try@example.com' } },
    }),
    '/config/record_types/contacts/create',
    'payload.email has no value. The payload has payload.attributes.email',
  ],
  [
    'records have no id there',
    'list',
    () => ({ config: acmeConfig(acme.url, { id: '/uuid' }) }),
    '/config/record_types/contacts/id',
    'id',
  ],
  [
    'the parameter of the page is ignored',
    'next_page',
    () => ({ config: withList({ paging: { type: 'page', parameter: 'p' } }) }),
    '/config/record_types/contacts/list/paging',
    'repeats 2 records',
  ],
  [
    'the order changes',
    'same_order',
    () => {
      let turn = 0;
      return {
        habit: (_request, usual) => {
          const usualAnswer = usual();
          const { items } = usualAnswer.body as { items: unknown[] };
          return { status: 200, body: { items: (turn += 1) % 2 === 0 ? items.toReversed() : items } };
        },
      };
    },
    '/config/record_types/contacts/list/path',
    'sort the list',
  ],
  [
    'the filter on modified records is ignored',
    'modified_since',
    () => ({
      config: withList({ modified_since: { format: 'iso', parameters: { after: '{modified_since}' } } }),
    }),
    '/config/record_types/contacts/list/modified_since',
    'not modified since',
  ],
  [
    'the filter finds nothing',
    'modified_since',
    () => ({
      config: withList({
        modified_since: { format: 'epoch_ms', parameters: { since: 'x{modified_since}' } },
      }),
    }),
    '/config/record_types/contacts/list/modified_since',
    'incremental runs would find nothing',
  ],
  [
    'a search ignores what it is asked for',
    'unknown_id',
    () => ({
      config: acmeConfig(acme.url, { find: { path: '/contacts?name={external_id}', items: '/items' } }),
    }),
    '/config/record_types/contacts/find',
    'without that id',
  ],
  [
    'a record is refused',
    'create',
    () => ({ plan: { record: { email: 'nothing' } } }),
    '/config/record_types/contacts/create',
    'invalid',
  ],
  [
    'a wrong record is accepted',
    'error',
    () => ({ plan: { wrong: { email: 'fine@example.com' } } }),
    '/config/record_types/contacts/answers',
    'accepted the wrong record',
  ],
  [
    'the reason of a refusal is not found',
    'error',
    () => ({ config: acmeConfig(acme.url, {}, { errors: {} }) }),
    '/config/errors',
    'Say it in `errors`',
  ],
  [
    'the check needs no credentials',
    'wrong_credentials',
    () => ({ habit: () => ({ status: 200, body: {} }) }),
    '/config/check',
    'succeeds with wrong credentials',
  ],
  [
    'wrong credentials look like another failure',
    'wrong_credentials',
    () => ({ habit: () => ({ status: 400, body: { message: 'bad key' } }) }),
    '/config/answers',
    'not recognized as such',
  ],
  [
    'the credentials are wrong',
    'check',
    () => ({ credentials: { token: 'another-one' } }),
    '/sign_in',
    '401',
  ],
  [
    'the address redirects',
    'check',
    () => ({ habit: () => ({ status: 301, headers: { location: 'https://other.example/' } }) }),
    '/config/base_url',
    'redirect',
  ],
])('fails if %s, and says where and why', async (_what, name, make, pointer, words) => {
  const { habit, ...given } = make(acme);
  if (habit !== undefined) acme.habits.push(habit);

  const result = await one(name, given);

  expect(result).toMatchObject({ outcome: 'failed', problems: [{ pointer }] });
  expect(result.message).toContain(words);
});

it.each<[string, TryName, () => Given, string]>([
  [
    'everything is on one page',
    'next_page',
    () => ({ config: withList({ paging: { type: 'none' } }) }),
    'one page',
  ],
  [
    'nothing filters',
    'modified_since',
    () => ({ config: withList({ modified_since: undefined as never }) }),
    'hourly',
  ],
  ['there is no test record', 'update', () => ({}), 'no test record'],
  ['no record was given', 'create', () => ({ plan: { record: undefined } }), '`record`'],
  [
    'the mapping only pulls',
    'create',
    () => ({ mapping: { ...MAPPING, direction: 'pull' } }),
    'does not push',
  ],
])('says that a try is not possible if %s', async (_what, name, make, words) => {
  const result = await one(name, make());

  expect(result.outcome).toBe('not_possible');
  expect(result.message).toContain(words);
});

it('does not write to a record that is there already', async () => {
  acme.habits.push((request, usual) =>
    request.path.startsWith('/contacts?external_id=')
      ? {
          status: 200,
          body: {
            items: [
              { id: 'c1', external_id: new URL(request.path, acme.url).searchParams.get('external_id') },
            ],
          },
        }
      : usual(),
  );

  const result = await one('create');

  expect(result).toMatchObject({ outcome: 'failed' });
  expect(result.message).toContain('Nothing was written');
  expect(acme.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
});

/** A product that wraps a single record, and refuses an address that it has. */
function wrapping(): void {
  acme.habits.push((request, usual) => {
    if (request.method !== 'POST') return usual();
    const { email } = JSON.parse(request.body) as { email: string };
    if ([...acme.contacts.values()].some((contact) => contact.email === email)) return { status: 409 };
    const { status, body } = usual();
    return { status, body: { data: body, meta: {} } };
  });
}

/** A filter by address beside the usual ones. */
function findingByEmail(): void {
  acme.habits.push((request, usual) => {
    const email = new URL(request.path, acme.url).searchParams.get('email');
    if (email === null) return usual();
    return {
      status: 200,
      body: { items: [...acme.contacts.values()].filter((known) => known.email === email) },
    };
  });
}

it('says where the answer to a creation has the id, and removes the record', async () => {
  wrapping();
  findingByEmail();
  const type = { find: FIND_BY_EMAIL, external_id: undefined as never };

  const results = await tries(['create'], { config: acmeConfig(acme.url, type) });
  const right = await tries(['create'], { config: acmeConfig(acme.url, { ...type, record_at: '/data' }) });

  const message =
    'The product created the record (201), but its answer has no id at /id. Set record_at (such as /data) or id.';
  const pointer = '/config/record_types/contacts/record_at';
  expect(results[0]).toMatchObject({ outcome: 'failed', message, problems: [{ pointer, code: 'no_id' }] });
  expect(outcomesOf(results)).toEqual({ create: 'failed', clean_up: 'passed' });
  expect(outcomesOf(right)).toEqual({ create: 'passed', clean_up: 'passed' });
  expect([...acme.contacts.keys()]).toEqual(['c1', 'c2', 'c3']);
});

it.each([
  ['has no body', undefined, {}, 'passed', 'no id, so the record was searched. Its id is n4.'],
  ['has the id under another name', { uuid: 'n4' }, {}, 'failed', 'at /id. Set id (such as /uuid).'],
  [
    'has the id elsewhere, and records cannot be searched',
    { data: { id: 'n4' } },
    { find: undefined as never, create: { path: '/contacts', idempotency_header: 'Key' } },
    'failed',
    'Set record_at (such as /data) or id.',
  ],
])(
  'does not say that a record was there before if the answer %s',
  async (_what, body, type, outcome, words) => {
    acme.habits.push((request, usual) => (request.method === 'POST' ? { ...usual(), body } : usual()));

    const [created, cleanUp] = await tries(['create'], { config: acmeConfig(acme.url, type) });

    expect(created).toMatchObject({ outcome });
    expect(created?.message).toContain(words);
    // Without a search it is not known which record it is.
    const isKnown = !('find' in type);
    expect(cleanUp).toMatchObject({ try: 'clean_up', outcome: isKnown ? 'passed' : 'failed' });
    expect(acme.contacts.has('n4')).toBe(!isKnown);
  },
);

it('removes no other record that a search finds instead of the test record', async () => {
  acme.habits.push((request, usual) => {
    const email = new URL(request.path, acme.url).searchParams.get('email');
    if (email !== null) {
      const items = [...acme.contacts.values()].filter(
        (contact) => contact.id === 'c1' && contact.email === email,
      );
      return { status: 200, body: { items } };
    }
    return request.method === 'DELETE' && request.path !== '/contacts/c1' ? { status: 404 } : usual();
  });

  const results = await tries(['create', 'update', 'remove'], {
    config: acmeConfig(acme.url, { find: FIND_BY_EMAIL }),
    plan: { change: { email: 'e1@example.com' } },
  });

  expect(acme.contacts.has('c1')).toBe(true);
  expect(outcomesOf(results)).toMatchObject({ create: 'passed', update: 'passed', remove: 'failed' });
});

it('does not say that a record was removed that the product does not find', async () => {
  acme.habits.push((request, usual) => (request.method === 'DELETE' ? { status: 404 } : usual()));

  const results = await tries(['create', 'remove']);

  expect(outcomesOf(results)).toEqual({ create: 'passed', remove: 'failed', clean_up: 'failed' });
  expect(results[1]?.message).toContain('as if there were no record n4');
});

it('says that the test record is still there if it cannot be removed', async () => {
  acme.habits.push((request, usual) => (request.method === 'DELETE' ? { status: 500 } : usual()));

  const results = await tries(['create']);

  expect(outcomesOf(results)).toEqual({ create: 'passed', clean_up: 'failed' });
  expect(results[1]?.message).toContain('is still there with the id n4');
});

describe('if the answer to the creation of the test record was lost', () => {
  beforeEach(() => {
    acme.habits.push((request, usual) => {
      if (request.method !== 'POST') return usual();
      usual();
      return { status: 502 };
    });
  });

  it('searches for it, and removes it', async () => {
    const results = await tries(['create']);

    expect(outcomesOf(results)).toEqual({ create: 'failed', clean_up: 'passed' });
    expect([...acme.contacts.keys()]).toEqual(['c1', 'c2', 'c3']);
  });

  it('says that it may be there if it cannot be searched for', async () => {
    acme.habits.push((request, usual) =>
      request.method === 'GET' && acme.contacts.size > 3 ? { status: 502 } : usual(),
    );

    const results = await tries(['create']);

    expect(outcomesOf(results)).toEqual({ create: 'failed', clean_up: 'failed' });
    expect(results[1]?.message).toContain('may have been created');
  });
});

it('removes what a worker that died has left behind, and nothing else', async () => {
  const plan = { testName: 'synclinetry0815' };
  acme.habits.push((request, usual) => (request.method === 'DELETE' ? { status: 500 } : usual()));
  await tries(['create'], { plan });
  acme.habits.pop();
  expect([...acme.contacts.keys()]).toEqual(['c1', 'c2', 'c3', 'n4']);

  const results = await tries(['create'], { plan, attempt: 2 });

  expect(outcomesOf(results)).toEqual({ create: 'passed', clean_up: 'passed' });
  expect(results[1]?.message).toContain('The test record synclinetry0815a1 was deleted.');
  expect([...acme.contacts.keys()]).toEqual(['c1', 'c2', 'c3']);
});

it('does not go on if the check has failed', async () => {
  expect(outcomesOf(await tries(['check', 'list', 'create'], { credentials: { token: 'no' } }))).toEqual({
    check: 'failed',
    list: 'not_tried',
    create: 'not_tried',
  });
});

it('waits once if the product limits the rate of requests, and goes on', async () => {
  const refusals = ['1', '0'];
  acme.habits.push((_request, usual) => {
    const wait = refusals.pop();
    return wait === undefined ? usual() : { status: 429, headers: { 'retry-after': wait } };
  });

  const refused = await one('check');
  acme.habits.pop();
  acme.habits.push((request, usual) =>
    request.method === 'POST' && acme.requests.filter(({ method }) => method === 'POST').length === 1
      ? { status: 429, headers: { 'retry-after': '1' } }
      : usual(),
  );

  expect(refused).toMatchObject({ outcome: 'not_tried', calls: [{ status: 429 }, { status: 429 }] });
  expect(outcomesOf(await tries(['create', 'find_again']))).toMatchObject({
    create: 'passed',
    find_again: 'passed',
  });
});

it.each([
  ['3600', 'Wait 3600 s and try again'],
  [undefined, 'Wait and try again'],
])('says that the rate of requests is limited, and calls no more (Retry-After: %s)', async (wait, words) => {
  acme.habits.push(() => ({ status: 429, headers: wait === undefined ? {} : { 'retry-after': wait } }));

  const results = await tries(['check', 'list', 'create']);

  expect(outcomesOf(results)).toEqual({ check: 'not_tried', list: 'not_tried', create: 'not_tried' });
  const message = `The product limits the rate of requests. ${words}; nothing in the definition is wrong.`;
  expect(results).toMatchObject(results.map(() => ({ message, problems: [] })));
  expect(acme.requests).toHaveLength(1);
});

it('says what there was no time for', async () => {
  const results = await tries(['list', 'find'], { signal: AbortSignal.abort() });

  expect(outcomesOf(results)).toEqual({ list: 'not_tried', find: 'not_tried' });
  expect(results[0]?.message).toContain('time limit');
});

it('shows no credential, wherever the product repeats it', async () => {
  acme.habits.push((request, usual) => ({
    ...usual(),
    ...(request.path === '/ping' && {
      body: {
        plain: TOKEN,
        encoded: encodeURIComponent(TOKEN),
        base64: Buffer.from(TOKEN).toString('base64'),
        header: request.headers['authorization'],
      },
    }),
  }));

  const text = JSON.stringify(await tries(TRIES));

  expect(text).toContain('•••');
  expect(text).not.toContain('quux');
  expect(text).not.toContain(Buffer.from(TOKEN).toString('base64'));
});

it('shows no credential in an address, and no token of a login', async () => {
  const inQuery = acmeConfig(acme.url, {}, { auth: { type: 'query', parameters: { key: '{token}' } } });
  const login = acmeConfig(
    acme.url,
    {},
    { auth: { type: 'login', path: '/login', body: { password: '{password}' }, token: '/session' } },
  );
  acme.habits.push((request, usual) => {
    if (request.path === '/login')
      return { status: 200, body: { session: 'session-waldo', refresh: 'refresh-waldo' } };
    return request.path.startsWith('/ping')
      ? { status: 200, body: { you: request.headers['authorization'] ?? 'nobody' } }
      : usual();
  });

  const texts = JSON.stringify([
    await tries(['check'], { config: inQuery }),
    await tries(['check'], { config: login, credentials: { password: 'pass-quux' } }),
  ]);

  expect(texts).toContain('/login');
  expect(texts).not.toContain('quux');
  expect(texts).not.toContain('waldo');
});

it('shows no page of another server', async () => {
  const headers = { 'content-type': 'text/html' };
  acme.habits.push(() => ({ status: 200, headers, body: '<h1>Router of the office</h1>' }));

  const results = await tries(['check']);

  expect(results[0]?.calls).toMatchObject([{ answer: '(200, text/html, 29 characters)' }]);
  expect(JSON.stringify(results)).not.toContain('office');
});

it('hides bodies if a credential is too short to be found in them', async () => {
  const [result] = await tries(['check'], { credentials: { token: 'x' } });

  expect(result?.calls).toMatchObject([{ url: `${acme.url}/…`, answer: '(not shown)' }]);
});
