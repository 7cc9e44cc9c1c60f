/**
 * Users of Zendesk as its documentation describes them: cursor pages for all users, an incremental export
 * with deleted users until the end of the stream, a PUT that changes only what it contains, an e-mail address
 * that is taken only at the creation, and errors per field.
 */
import { isJsonObject, type JsonObject } from '../../../../domain/json';
import { pushOne } from '../../rest/rest-given';
import type { ScriptedAnswer } from '../../suite/scripted-server';
import { CONSENTED_TOKEN, type Contract, describeContract, itemsOf } from '../contract';
import { type Asked, fieldsIn, pageOf, type Product, RecordStore, type Row } from '../simulator';
import { hmacOf, NOW, type WebhookContract } from '../webhook-contract';

const ADMIN = 'admin@example.com/token';
const TOKEN = 'zendesk-token';
const SIGNED_IN = [
  `Basic ${Buffer.from(`${ADMIN}:${TOKEN}`).toString('base64')}`,
  `Bearer ${CONSENTED_TOKEN}`,
];
const PAGE = 2;

function zendesk(kind: 'users' | 'organizations'): Product {
  const one = kind === 'users' ? 'user' : 'organization';
  const records = new RecordStore((number) => String(35_436 + number));

  function answer(asked: Asked): ScriptedAnswer {
    if (!SIGNED_IN.includes(asked.headers['authorization'] ?? ''))
      return { status: 401, body: { error: "Couldn't authenticate you" } };
    if (asked.path === '/api/v2/incremental/users/cursor') return exported(asked, 'after_url');
    if (asked.path === '/api/v2/incremental/organizations') return exported(asked, 'next_page');
    const [, , found, id, ...more] = asked.parts;
    if (asked.path === '/api/v2/users/me') return { status: 200, body: { user: { id: 1, role: 'admin' } } };
    if (found !== kind || more.length > 0) return refuse(404, 'InvalidEndpoint', 'Not found');
    if (id === 'search') return search(asked.query);
    if (id === undefined) return asked.method === 'GET' ? list(asked) : create(given(asked));
    return single(asked, id);
  }

  function list({ query, origin }: Asked): ScriptedAnswer {
    if (query.get('page[size]') === null) return refuse(400, 'InvalidPagination', 'Use page[size]');
    const from = Number(query.get('page[after]') ?? 0);
    const { page, next } = pageOf(records.living(), from, PAGE);
    const meta = { has_more: next !== undefined, after_cursor: String(next ?? from) };
    const address = `${origin}/api/v2/${kind}?page%5Bsize%5D=100&page%5Bafter%5D=${meta.after_cursor}`;
    return { status: 200, body: { [kind]: page.map(shown), meta, links: { prev: null, next: address } } };
  }

  function exported({ path, query, origin }: Asked, next_at: string): ScriptedAnswer {
    const [since, offset = '0'] = (query.get('cursor') ?? query.get('start_time') ?? '').split('-');
    const changed = records.all().filter(({ changedAt }) => changedAt.getTime() >= Number(since) * 1_000);
    const { page, next } = pageOf(changed, Number(offset), PAGE);
    const cursor = `${since}-${next ?? changed.length}`;
    const body = {
      [kind]: page.map(shown),
      [next_at]: `${origin}${path}?cursor=${cursor}`,
      end_time: 1_764_400_000,
      end_of_stream: next === undefined,
    };
    return { status: 200, body };
  }

  function search(query: URLSearchParams): ScriptedAnswer {
    const wanted = query.get('external_id');
    const found = records.living().filter(({ fields }) => fields['external_id'] === wanted);
    return { status: 200, body: { [kind]: found.map(shown), next_page: null, count: found.length } };
  }

  function create(user: JsonObject): ScriptedAnswer {
    if (typeof user['name'] !== 'string' || user['name'] === '')
      return invalid('name', 'Name: cannot be blank', 'BlankValue');
    for (const name of ['email', 'external_id'] as const)
      if (records.find(({ fields }) => user[name] !== undefined && fields[name] === user[name]))
        return invalid(name, `${name} has already been taken`, 'DuplicateValue');
    return { status: 201, body: { [one]: shown(records.add({ suspended: false, ...user })) } };
  }

  function single(asked: Asked, id: string): ScriptedAnswer {
    const row = records.all().find((each) => each.id === id);
    const isShown = kind === 'users' && asked.method === 'GET';
    if (row === undefined || (row.isDeleted && !isShown)) return refuse(404, 'RecordNotFound', 'Not found');
    if (asked.method === 'DELETE') records.delete(row);
    if (asked.method === 'PUT') {
      if ('email' in given(asked)) return invalid('email', 'Use the identities of the user', 'Unwritable');
      records.change(row, given(asked));
    }
    return { status: 200, body: { [one]: shown(row) } };
  }

  function given(asked: Asked): JsonObject {
    const fields = fieldsIn(asked)[one];
    return isJsonObject(fields) ? fields : {};
  }

  return { records, answer };
}

const shown = ({ id, fields, changedAt, isDeleted }: Row): JsonObject => ({
  external_id: null,
  phone: null,
  notes: '',
  details: '',
  ...fields,
  id: Number(id),
  active: !isDeleted,
  deleted_at: isDeleted ? changedAt.toISOString() : null,
  updated_at: `${changedAt.toISOString().slice(0, 19)}Z`,
});

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

const announcedAs = (subject: string, change: string): WebhookContract => ({
  headers(body, secret) {
    const at = NOW.toISOString();
    const signature = hmacOf(`${at}${body}`, secret, { encoding: 'base64' });
    return { 'X-Zendesk-Webhook-Signature-Timestamp': at, 'X-Zendesk-Webhook-Signature': signature };
  },
  event: ({ id }) => ({
    type: `zen:event-type:${subject}.${change}`,
    account_id: 12_514_403,
    id: '2b24ef10-19d4-4740-93cf-8f98ec4776c0',
    time: '2026-11-30T12:00:00Z',
    zendesk_event_version: '2022-06-20',
    subject: `zen:${subject}:${id}`,
    detail: { id },
    event: {},
  }),
});

const USERS: Contract = {
  key: 'zendesk',
  parameters: { subdomain: 'acme', oauth_app: 'oap_01h00000000000000000000000' },
  credentials: { api_token: { username: ADMIN, password: TOKEN }, consent: {} },
  product: () => zendesk('users'),
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
  webhook: announcedAs('user', 'notes_changed'),
  push: {
    fields: user,
    change: { notes: 'Countess' },
    changed: { notes: 'Countess', external_id: 'e1' },
    refused: { fields: { email: 'a@example.com' }, field: 'name', says: /cannot be blank/ },
    key: 'notes',
    deactivated: { suspended: true },
    deletes: true,
  },
};

describeContract(USERS, (given) => {
  it('does not send an e-mail address again', async () => {
    const { product, linked } = given();
    const context = await linked();
    const itemOf = itemsOf('contacts');

    await pushOne(itemOf(context, user(1)), context);
    const changed = await pushOne(itemOf(context, { ...user(1), email: 'new@example.com' }), context);

    expect(changed).toMatchObject({ ok: true, effect: 'updated' });
    expect(product.records.living().map(({ fields }) => fields['email'])).toEqual(['e1@example.com']);
  });
});

describeContract({
  ...USERS,
  product: () => zendesk('organizations'),
  recordType: 'companies',
  webhook: announcedAs('organization', 'name_changed'),
  seed: ({ records }, number) => records.add({ name: `Hopper ${number}` }),
  push: {
    fields: (number) => ({ name: `Lovelace ${number}` }),
    change: { notes: 'Countess' },
    changed: { notes: 'Countess', external_id: 'e1' },
    refused: { fields: { notes: '1' }, field: 'name', says: /cannot be blank/ },
    key: 'notes',
    deletes: true,
  },
});
