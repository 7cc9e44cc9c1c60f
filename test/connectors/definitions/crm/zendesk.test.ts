/**
 * Users of Zendesk as its documentation describes them: cursor pages for all users, an incremental export
 * with deleted users until the end of the stream, a PUT that changes only what it contains, an e-mail address
 * that is taken only at the creation, and errors per field.
 */
import { isJsonObject, type JsonObject } from '../../../../domain/json';
import { pushOne } from '../../rest/rest-given';
import type { ScriptedAnswer } from '../../suite/scripted-server';
import { CONSENTED_TOKEN, describeContract, itemsOf } from '../contract';
import { type Asked, fieldsIn, pageOf, type Product, RecordStore, type Row } from '../simulator';

const ADMIN = 'admin@example.com/token';
const TOKEN = 'zendesk-token';
const SIGNED_IN = [
  `Basic ${Buffer.from(`${ADMIN}:${TOKEN}`).toString('base64')}`,
  `Bearer ${CONSENTED_TOKEN}`,
];
const PAGE = 2;

function zendesk(): Product {
  const records = new RecordStore((number) => String(35_436 + number));

  function answer(asked: Asked): ScriptedAnswer {
    if (!SIGNED_IN.includes(asked.headers['authorization'] ?? ''))
      return { status: 401, body: { error: "Couldn't authenticate you" } };
    if (asked.path === '/api/v2/incremental/users/cursor') return exported(asked);
    const [, , users, id, ...more] = asked.parts;
    if (users !== 'users' || more.length > 0) return refuse(404, 'InvalidEndpoint', 'Not found');
    if (id === 'me') return { status: 200, body: { user: { id: 1, role: 'admin' } } };
    if (id === 'search') return search(asked.query);
    if (id === undefined) return asked.method === 'GET' ? list(asked) : create(userIn(asked));
    return one(asked, id);
  }

  function list({ query, origin }: Asked): ScriptedAnswer {
    if (query.get('page[size]') === null) return refuse(400, 'InvalidPagination', 'Use page[size]');
    const from = Number(query.get('page[after]') ?? 0);
    const { page, next } = pageOf(records.living(), from, PAGE);
    const meta = { has_more: next !== undefined, after_cursor: String(next ?? from) };
    const address = `${origin}/api/v2/users?page%5Bsize%5D=100&page%5Bafter%5D=${meta.after_cursor}`;
    return { status: 200, body: { users: page.map(shown), meta, links: { prev: null, next: address } } };
  }

  function exported({ query, origin }: Asked): ScriptedAnswer {
    const [since, offset = '0'] = (query.get('cursor') ?? query.get('start_time') ?? '').split('-');
    const changed = records.all().filter(({ changedAt }) => changedAt.getTime() >= Number(since) * 1_000);
    const { page, next } = pageOf(changed, Number(offset), PAGE);
    const cursor = `${since}-${next ?? changed.length}`;
    const body = {
      users: page.map(shown),
      after_url: `${origin}/api/v2/incremental/users/cursor?cursor=${cursor}`,
      after_cursor: cursor,
      end_of_stream: next === undefined,
    };
    return { status: 200, body };
  }

  function search(query: URLSearchParams): ScriptedAnswer {
    const wanted = query.get('external_id');
    const users = records.living().filter(({ fields }) => fields['external_id'] === wanted);
    return { status: 200, body: { users: users.map(shown), next_page: null, count: users.length } };
  }

  function create(user: JsonObject): ScriptedAnswer {
    if (typeof user['name'] !== 'string' || user['name'] === '')
      return invalid('name', 'Name: cannot be blank', 'BlankValue');
    for (const name of ['email', 'external_id'] as const)
      if (records.find(({ fields }) => user[name] !== undefined && fields[name] === user[name]))
        return invalid(name, `${name} has already been taken`, 'DuplicateValue');
    return { status: 201, body: { user: shown(records.add({ suspended: false, ...user })) } };
  }

  function one(asked: Asked, id: string): ScriptedAnswer {
    const row = records.all().find((each) => each.id === id);
    if (row === undefined || (row.isDeleted && asked.method !== 'GET'))
      return refuse(404, 'RecordNotFound', 'Not found');
    if (asked.method === 'DELETE') records.delete(row);
    if (asked.method === 'PUT') {
      if ('email' in userIn(asked)) return invalid('email', 'Use the identities of the user', 'Unwritable');
      records.change(row, userIn(asked));
    }
    return { status: 200, body: { user: shown(row) } };
  }

  return { records, answer };
}

const shown = ({ id, fields, changedAt, isDeleted }: Row): JsonObject => ({
  external_id: null,
  phone: null,
  notes: '',
  ...fields,
  id: Number(id),
  active: !isDeleted,
  updated_at: `${changedAt.toISOString().slice(0, 19)}Z`,
});

function userIn(asked: Asked): JsonObject {
  const { user } = fieldsIn(asked);
  return isJsonObject(user) ? user : {};
}

const refuse = (status: number, error: string, description: string): ScriptedAnswer => ({
  status,
  body: { error, description },
});
const invalid = (field: string, description: string, error: string): ScriptedAnswer => ({
  status: 422,
  body: {
    error: 'RecordInvalid',
    description: 'Record validation errors',
    details: { [field]: [{ description, error }] },
  },
});

const user = (number: number) => ({ name: `Ada Lovelace ${number}`, email: `e${number}@example.com` });

describeContract(
  {
    key: 'zendesk',
    parameters: { subdomain: 'acme', oauth_app: 'oap_01h00000000000000000000000' },
    credentials: { api_token: { username: ADMIN, password: TOKEN }, consent: {} },
    product: zendesk,
    throttled: {
      status: 429,
      headers: { 'retry-after': '93' },
      body: {
        error: 'APIRateLimitExceeded',
        description: 'Number of allowed API requests per minute exceeded',
      },
      waitMs: 93_000,
    },
    recordType: 'contacts',
    seed: ({ records }, number) =>
      records.add({ name: `Grace Hopper ${number}`, email: `e${number}@example.com`, suspended: false }),
    touch: { notes: 'Admiral' },
    hasChanges: true,
    tellsDeletions: true,
    push: {
      fields: user,
      change: { notes: 'Countess' },
      changed: { notes: 'Countess', external_id: 'e1' },
      refused: { fields: { email: 'a@example.com' }, field: 'name', says: /cannot be blank/ },
      key: 'notes',
      deactivated: { suspended: true },
      deletes: true,
    },
  },
  (given) => {
    it('does not send an e-mail address again', async () => {
      const { product, linked } = given();
      const context = await linked();
      const itemOf = itemsOf('contacts');

      await pushOne(itemOf(context, user(1)), context);
      const changed = await pushOne(itemOf(context, { ...user(1), email: 'new@example.com' }), context);

      expect(changed).toMatchObject({ ok: true, effect: 'updated' });
      expect(product.records.living().map(({ fields }) => fields['email'])).toEqual(['e1@example.com']);
    });
  },
);
