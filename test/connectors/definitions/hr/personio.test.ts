/**
 * Persons of Personio as the documentation of version 2 describes them: tokens by client credentials in a
 * form, pages by an address in `_meta.links.next.href`, filters by time, a list of addresses as a filter, and
 * errors as a list of problems.
 */
import { isJsonObject, type JsonObject } from '../../../../domain/json';
import type { ScriptedAnswer } from '../../suite/scripted-server';
import { describeContract } from '../contract';
import { type Asked, fieldsIn, pageOf, type Product, RecordStore, type Row, textOf } from '../simulator';

const guid = (number: number) => `2306b77a-35fb-4b1d-8044-${String(number).padStart(12, '0')}`;
const TOKEN = 'papi-token-0815';
const PAGE = 2;

/** @param recordType whose records the test has; employments belong to persons of the same number */
function personio(recordType: 'employees' | 'employments'): Product & { persons: RecordStore } {
  const persons = new RecordStore((number) => String(3_000 + number));
  const employments = new RecordStore(guid);
  const records = recordType === 'employees' ? persons : employments;

  function answer(asked: Asked): ScriptedAnswer {
    if (asked.path === '/v2/auth/token') return token(asked);
    if (asked.headers['authorization'] !== `Bearer ${TOKEN}`) return refuse(401, 'The token is not valid.');
    const [version, resource, id, ...more] = asked.parts;
    if (version !== 'v2' || resource !== 'persons') return missing();
    if (id === undefined) return asked.method === 'GET' ? list(persons, asked) : create(fieldsIn(asked));
    if (more.join('/') === 'employments') return employmentsOf(id, asked);
    const row = more.length > 0 ? undefined : persons.get(id);
    if (row === undefined) return missing();
    if (asked.method === 'GET') return { status: 200, body: shown(row) };
    if (asked.method === 'DELETE') persons.delete(row);
    else persons.change(row, fieldsIn(asked));
    return { status: 204 };
  }

  function employmentsOf(personId: string, asked: Asked): ScriptedAnswer {
    const isOf = ({ fields: { person } }: Row) => isJsonObject(person) && person['id'] === personId;
    return persons.get(personId) === undefined ? missing() : list(employments, asked, isOf);
  }

  function list(
    store: RecordStore,
    { query, origin, path }: Asked,
    isWanted: (row: Row) => boolean = () => true,
  ): ScriptedAnswer {
    const limit = Number(query.get('limit') ?? 10);
    const since = query.get('updated_at.gt');
    if (limit < 1 || limit > 50 || (since !== null && Number.isNaN(Date.parse(since))))
      return refuse(400, 'Provided request parameters are invalid.');
    const emails = query.get('email')?.split(',');
    const found = store.living().filter((row) => {
      if (emails !== undefined && !emails.includes(textOf(row.fields['email']))) return false;
      return isWanted(row) && (since === null || row.changedAt > new Date(since));
    });
    const from = Number(query.get('cursor')?.replace('cur_', '') ?? 0);
    const { page, next } = pageOf(found, from, Math.min(limit, PAGE));
    const others = [...query].filter(([name]) => name !== 'cursor');
    const href = `${origin}${path}?${new URLSearchParams([...others, ['cursor', `cur_${next}`]]).toString()}`;
    const links = { self: { href: `${origin}${path}` }, ...(next !== undefined && { next: { href } }) };
    return { status: 200, body: { _data: page.map(shown), _meta: { links } } };
  }

  function create(fields: JsonObject): ScriptedAnswer {
    const lacking = ['email', 'first_name', 'last_name'].filter((name) => fields[name] === undefined);
    if (lacking.length > 0) return refuse(400, `The request lacks the attribute "${lacking[0]}".`);
    if (persons.find((row) => row.fields['email'] === fields['email']) !== undefined)
      return refuse(409, 'A person with this email exists.');
    return { status: 201, body: { id: persons.add({ status: 'ACTIVE', ...fields }).id } };
  }

  return { records, answer, persons };
}

function token({ body, headers }: Asked): ScriptedAnswer {
  const form = isJsonObject(body) ? body : {};
  const isForm = headers['content-type'] === 'application/x-www-form-urlencoded';
  if (isForm && form['grant_type'] === 'client_credentials' && form['client_secret'] === 'papi-secret')
    return {
      status: 200,
      body: { access_token: TOKEN, token_type: 'Bearer', expires_in: 86_400, scope: '' },
    };
  const error_description = 'The credentials were not correct.';
  return { status: 400, body: { error: 'unauthorized_client', error_description, trace_id: 't1' } };
}

const shown = ({ id, fields, createdAt, changedAt }: Row): JsonObject => ({
  id,
  preferred_name: '',
  ...fields,
  created_at: `${createdAt.toISOString().slice(0, 19)}Z`,
  updated_at: `${changedAt.toISOString().slice(0, 19)}Z`,
  custom_attributes: [{ id: 'dynamic_305', type: 'STRING', value: 'Red', global_id: 'color' }],
  employments: [{ id: `${id}-1` }],
});

const missing = (): ScriptedAnswer => refuse(404, 'There is no resource for the specified id.');

function refuse(status: number, detail: string): ScriptedAnswer {
  const type = 'https://developer.personio.de/reference/errors#common.bad_request';
  return {
    status,
    headers: { 'content-type': 'application/problem+json' },
    body: {
      personio_trace_id: 't1',
      timestamp: '2026-01-05T09:00:00Z',
      errors: [{ title: 'No', detail, type }],
    },
  };
}

const person = (number: number) => ({
  email: `e${number}@example.com`,
  first_name: 'Ada',
  last_name: 'Lovelace',
});

const announced = (name: string, payload: JsonObject): JsonObject => ({
  company_id: '815',
  event_name: name,
  occurred_at: '2026-11-30T12:00:00Z',
  payload,
});

const SHARED = {
  key: 'personio',
  parameters: {},
  credentials: { client_credentials: { client_id: 'papi-client', client_secret: 'papi-secret' } },
  throttled: { ...refuse(429, 'Too many requests.'), waitMs: null },
};

describeContract({
  ...SHARED,
  product: () => personio('employees'),
  recordType: 'employees',
  seed: ({ records }, number) =>
    records.add({
      email: `e${number}@example.com`,
      first_name: 'Grace',
      last_name: `Hopper ${number}`,
      status: 'ACTIVE',
    }),
  touch: { last_name: 'Murray' },
  hasChanges: true,
  webhook: {
    headers: (_body, secret) => ({ Authorization: secret }),
    event: ({ id }) => announced('person.updated', { person: { id } }),
  },
  push: {
    fields: person,
    change: { preferred_name: 'Countess' },
    changed: { email: 'e1@example.com', preferred_name: 'Countess' },
    refused: {
      fields: { email: 'a@example.com', last_name: 'B' },
      field: 'first_name',
      says: /lacks the attribute/,
    },
    key: 'email',
    deletes: true,
  },
});

describeContract({
  ...SHARED,
  product: () => personio('employments'),
  recordType: 'employments',
  mapping: {
    direction: 'pull',
    onDelete: 'leave',
    fields: [
      { name: 'person_id', to: '/person/id' },
      { name: 'position', to: '/position/title' },
      { name: 'start_date', to: 'employment_start_date' },
    ],
  },
  seed(product, number) {
    const { id } = (product as ReturnType<typeof personio>).persons.add({ email: `e${number}@example.com` });
    const fields = { status: 'ACTIVE', employment_start_date: '2026-02-01', position: { title: 'Analyst' } };
    return product.records.add({ ...fields, person: { id } });
  },
  touch: { position: { title: 'Lead' } },
  hasChanges: true,
  webhook: {
    headers: (_body, secret) => ({ Authorization: secret }),
    event: ({ id }) => announced('employment.updated', { employment: { id } }),
    isAnonymous: true,
  },
});
