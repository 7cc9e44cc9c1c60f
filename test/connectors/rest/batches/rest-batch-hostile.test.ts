/** Batch calls that are refused, damaged or lost: no record is lost, doubled or taken for another. */
import type { PushItem, PushResult } from '../../../../connectors/connector';
import { RateLimited, RecordRejected, Unauthorized, Unavailable } from '../../../../connectors/errors';
import { rest } from '../../../../connectors/rest';
import { closeConnections } from '../../../../egress/http-client';
import { loopbackPolicy } from '../../suite/given';
import {
  type RecordedRequest,
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from '../../suite/scripted-server';
import { aContact, contactsConfig, restContext } from '../rest-given';

interface Contact {
  id: string;
  external_id: string;
  email: string;
}

interface Input {
  ref: string;
  record: Omit<Contact, 'id'>;
}

type Result = { ref: string; record?: Contact; error?: { field: string; message: string } };
type Damage = (answer: ScriptedAnswer, inputs: Input[]) => ScriptedAnswer;

let server: ScriptedServer;
let contacts: Contact[];
let damage: Damage;
let refuse: (inputs: Input[]) => ScriptedAnswer | undefined;
/** All writes are answered 401. */
let isRefusing: boolean;

beforeEach(async () => {
  contacts = [];
  damage = (answer) => answer;
  refuse = () => undefined;
  isRefusing = false;
  server = await startScriptedServer(respond);
});

afterEach(async () => {
  await closeConnections(loopbackPolicy);
  await server.stop();
});

function respond({ method, path, body }: RecordedRequest): ScriptedAnswer {
  const url = new URL(path, 'http://contacts.example.com');
  if (method === 'GET') {
    const wanted = url.searchParams.get('external_id');
    return { status: 200, body: { items: contacts.filter((each) => each.external_id === wanted) } };
  }
  if (isRefusing) return { status: 401 };
  if (method === 'PATCH') {
    const patched = contacts.find(({ id }) => url.pathname === `/contacts/${id}`);
    return patched === undefined ? { status: 404 } : { status: 200, body: patched };
  }
  if (url.pathname !== '/contacts/batch') return single(JSON.parse(body) as Input['record']);
  const { inputs } = JSON.parse(body) as { inputs: Input[] };
  return refuse(inputs) ?? damage({ status: 200, body: { results: inputs.map(resultOf) } }, inputs);
}

function single(record: Input['record']): ScriptedAnswer {
  const { record: created, error } = resultOf({ ref: '', record });
  return created === undefined ? { status: 422, body: error } : { status: 201, body: created };
}

function resultOf({ ref, record }: Input): Result {
  if (record.email === 'bad') return { ref, error: { field: 'email', message: 'is not an address' } };
  const created = { ...record, id: `c${contacts.length + 1}` };
  contacts.push(created);
  return { ref, record: created };
}

function context(match: object | 'position' = { at: '/ref', value: '{external_id}' }) {
  const batch = {
    path: '/contacts/batch',
    items_at: '/inputs',
    item: { ref: '{external_id}', record: '{body}' },
    max: 10,
    results_at: '/results',
    match,
  };
  const errors = { name: '/field', message: '/message' };
  return restContext(
    contactsConfig(
      server.url,
      { errors },
      {
        create: { path: '/contacts', batch: { ...batch, answer_at: '/record', error_at: '/error' } },
      },
    ),
  );
}

const newContacts = (count: number): PushItem[] =>
  Array.from({ length: count }, (_, index) =>
    aContact({ externalId: `emp-${index}` }, { email: `ada-${index}@example.com` }),
  );

const withBad = (items: PushItem[], ...bad: number[]): PushItem[] =>
  items.map((item, index) =>
    bad.includes(index) ? { ...item, payload: { ...item.payload, email: 'bad' } } : item,
  );

const batches = () => server.requests.filter(({ path }) => path === '/contacts/batch');
const sizes = () => batches().map(({ body }) => (JSON.parse(body) as { inputs: Input[] }).inputs.length);
const changed =
  (change: (results: Result[]) => Result[]): Damage =>
  (given) => ({ ...given, body: { results: change((given.body as { results: Result[] }).results) } });
const indexes = (results: PushResult[], items: PushItem[], isWanted: (result: PushResult) => boolean) =>
  items.flatMap(({ pushId }, index) =>
    results.some((result) => result.pushId === pushId && isWanted(result)) ? [index] : [],
  );
const isUnknown = (result: PushResult) => !result.ok && result.error instanceof Unavailable;
const isRefused = (result: PushResult) => !result.ok && result.error instanceof RecordRejected;
const all = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('batch calls', () => {
  it('F10: have at most max items, and a success or an error at its field per record', async () => {
    const items = withBad(newContacts(24), 3, 17);

    const results = await rest.push(items, context());

    expect(sizes().sort((a, b) => a - b)).toEqual([4, 10, 10]);
    expect(indexes(results, items, isRefused)).toEqual([3, 17]);
    expect(results.filter(({ ok }) => ok)).toHaveLength(22);
    const refused = results.find(isRefused);
    expect(refused).toMatchObject({ error: { errors: [{ field: 'email', message: 'is not an address' }] } });
  });

  it('assign results in another order by the value that they repeat', async () => {
    damage = changed((results) => results.toReversed());
    const items = newContacts(10);

    const results = await rest.push(items, context());

    for (const [index, { pushId }] of items.entries()) {
      const contact = contacts.find((each) => each.external_id === `emp-${index}`);
      expect(results.find((result) => result.pushId === pushId)).toMatchObject({ remoteId: contact?.id });
    }
  });

  it('leave the outcome of records without a result, or with two, unknown (rule 47)', async () => {
    damage = changed(([, second, ...others]) => [second as Result, second as Result, ...others]);
    const items = newContacts(10);

    const results = await rest.push(items, context());

    expect(indexes(results, items, isUnknown)).toEqual([0, 1]);
    expect(results.filter(({ ok }) => ok)).toHaveLength(8);
  });

  it('leave the outcome of all records unknown if fewer results come by position (rule 47)', async () => {
    damage = changed((results) => results.slice(1));
    const items = newContacts(4);

    const results = await rest.push(items, context('position'));

    expect(indexes(results, items, isUnknown)).toEqual(all(4));
  });

  it.each([
    ['an error of the server', () => ({ status: 500 })],
    ['a page of HTML', () => ({ status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' })],
    ['a redirect', () => ({ status: 303, headers: { location: 'https://elsewhere.example.com' } })],
    ['a failure with a status of success', () => ({ status: 200, body: { ok: false } })],
    ['results that are no list', () => ({ status: 200, body: { results: 'done' } })],
  ])('create no duplicate after %s (rule 47)', async (_, broken) => {
    damage = broken;
    const items = newContacts(10);

    const results = await rest.push(items, context());
    const again = await rest.push(
      items.map((item) => ({ ...item, isSentAlone: true })),
      context(),
    );

    expect(indexes(results, items, isUnknown)).toEqual(all(10));
    expect(again.filter(({ ok }) => ok)).toHaveLength(10);
    expect(contacts).toHaveLength(10);
    expect(batches()).toHaveLength(1);
  });

  it('are halved when the third party finds them too large (413)', async () => {
    refuse = (inputs) => (inputs.length > 3 ? { status: 413 } : undefined);

    const results = await rest.push(newContacts(10), context());

    expect(results.filter(({ ok }) => ok)).toHaveLength(10);
    expect(contacts).toHaveLength(10);
  });

  it.each([
    [429, RateLimited],
    [503, Unavailable],
  ])('keep the results of the half before an answer of %i', async (status, kind) => {
    refuse = (inputs) => {
      if (inputs.length > 5) return { status: 413 };
      return contacts.length > 0 ? { status } : undefined;
    };
    const items = newContacts(10);

    const results = await rest.push(items, context());

    expect(contacts).toHaveLength(5);
    const created = indexes(results, items, ({ ok }) => ok).map((index) => `emp-${index}`);
    expect(created.toSorted()).toEqual(contacts.map(({ external_id }) => external_id).toSorted());
    expect(results.filter((one) => !one.ok && one.error instanceof kind)).toHaveLength(5);
  });

  it('send no other half after one was not answered', async () => {
    refuse = (inputs) => ({ status: inputs.length > 5 ? 413 : 429 });

    const results = await rest.push(newContacts(10), context());

    expect(sizes()).toEqual([10, 5]);
    expect(results.every((one) => !one.ok && one.error instanceof RateLimited)).toBe(true);
  });

  it('are divided when one bad record has the whole batch refused', async () => {
    refuse = (inputs) => (inputs.some(({ record }) => record.email === 'bad') ? { status: 400 } : undefined);
    const items = withBad(newContacts(10), 6);

    const results = await rest.push(items, context());

    expect(indexes(results, items, isRefused)).toEqual([6]);
    expect(contacts).toHaveLength(9);
    expect(batches().length).toBeLessThanOrEqual(7);
  });

  it('are not divided for ever when every batch is refused', async () => {
    refuse = () => ({ status: 400 });

    const results = await rest.push(newContacts(40), context());

    expect(results.filter(({ ok }) => ok)).toHaveLength(40);
    expect(contacts).toHaveLength(40);
    expect(batches().length).toBeLessThanOrEqual(20);
  });

  it.each([401, 404, 405, 501])(
    'are given up when the third party has none, or not for us (%i)',
    async (status) => {
      refuse = () => ({ status });

      const results = await rest.push(newContacts(10), context());

      expect(results.filter(({ ok }) => ok)).toHaveLength(10);
      expect(contacts).toHaveLength(10);
      expect(batches()).toHaveLength(1);
    },
  );

  it('are given up when the third party allows single calls only (403)', async () => {
    refuse = () => ({ status: 403 });

    const results = await rest.push(newContacts(40), context());

    expect(results.filter(({ ok }) => ok)).toHaveLength(40);
    expect(contacts).toHaveLength(40);
  });

  it('stop the push when they are answered 429', async () => {
    refuse = () => ({ status: 429 });

    const results = await rest.push(newContacts(40), context());

    expect(results.every((result) => !result.ok && result.error instanceof RateLimited)).toBe(true);
    expect(contacts).toEqual([]);
  });

  it('ask for new credentials only if a call of its own is refused, too (rule 10)', async () => {
    isRefusing = true;

    const results = await rest.push(newContacts(40), context());

    expect(results.length).toBeGreaterThan(0);
    expect(results.every((result) => !result.ok && result.error instanceof Unauthorized)).toBe(true);
    const alone = server.requests.filter(({ method, path }) => method === 'POST' && path === '/contacts');
    expect(alone.length).toBeLessThanOrEqual(8);
  });
});

describe('the configuration of a batch', () => {
  const problemsOf = (batch: object) => {
    const config = rest.configSchema.parse(
      contactsConfig('https://contacts.example.com', {}, { create: { path: '/contacts', batch } }),
    );
    return rest.validate?.(config, {}).map(({ pointer }) => pointer.replace(/.*\/batch/, ''));
  };
  const batch = {
    path: '/contacts/batch',
    items_at: '/inputs',
    max: 10,
    results_at: '/results',
    match: 'position',
    status_at: '/status',
  };

  it.each([
    ['nothing wrong', {}, []],
    ['a failure that would go unnoticed', { status_at: undefined }, ['/status_at']],
    ['an id that a new record lacks', { item: { id: '{remote_id}', record: '{body}' } }, ['/item']],
    ['a value of one record in the path', { path: '/contacts/{external_id}' }, ['']],
    ['a value that two records share', { match: { at: '/x', value: '{payload.city}' } }, ['/match/value']],
  ])('with %s', (_, change, pointers) => {
    expect(problemsOf({ ...batch, ...change })).toEqual(pointers);
  });
});
