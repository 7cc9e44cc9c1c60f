/**
 * Persons of Pipedrive (API v2) as its documentation describes them: cursors, lists of e-mail addresses,
 * numbers as ids, a search with an answer of its own form, strict validation, and `success` in each answer.
 */
import type { JsonObject, JsonValue } from '../../../../domain/json';
import { errorOf, pushOne } from '../../rest/rest-given';
import type { ScriptedAnswer } from '../../suite/scripted-server';
import { CONSENTED_TOKEN, type Contract, describeContract, itemsOf, readAll } from '../contract';
import { type Asked, fieldsIn, pageOf, type Product, RecordStore, type Row } from '../simulator';
import type { WebhookContract } from '../webhook-contract';

const TOKEN = 'pipedrive-token';
const PAGE = 2;
const FIELDS = ['name', 'owner_id', 'org_id', 'emails', 'phones', 'visible_to', 'custom_fields'];
/** The key of a custom field. */
const HASH = 'c0ffee0815c0ffee0815c0ffee0815c0ffee0815';

function pipedrive(kind: 'persons' | 'organizations'): Product {
  const records = new RecordStore((number) => String(number));

  function answer(asked: Asked): ScriptedAnswer {
    const { 'x-api-token': token, authorization } = asked.headers;
    if (token !== TOKEN && authorization !== `Bearer ${CONSENTED_TOKEN}`)
      return { status: 401, body: { success: false, error: 'unauthorized access', errorCode: 401 } };
    const [api, version, found, id, ...more] = asked.parts;
    // The check reads a person, whatever is synced.
    if (kind === 'organizations' && found === 'persons')
      return { status: 200, body: { success: true, data: [] } };
    if (`${api}/${version}/${found}` !== `api/v2/${kind}` || more.length > 0)
      return refuse(404, 'ERR_NOT_FOUND', 'Unknown method');
    if (id === 'search') return search(asked.query);
    if (id === undefined) return asked.method === 'GET' ? list(asked.query) : create(fieldsIn(asked));
    return one(asked, id);
  }

  function list(query: URLSearchParams): ScriptedAnswer {
    const [limit, since] = [Number(query.get('limit') ?? 100), query.get('updated_since')];
    if (limit > 500 || (since !== null && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(since)))
      return refuse(400, 'ERR_SCHEMA_VALIDATION_FAILED', 'validation failed: limit or updated_since');
    const found = records.living().filter(({ changedAt }) => since === null || changedAt >= new Date(since));
    const { page, next } = pageOf(found, Number(query.get('cursor') ?? 0), Math.min(limit, PAGE));
    const additional = { next_cursor: next === undefined ? null : String(next) };
    return { status: 200, body: { success: true, data: page.map(shown), additional_data: additional } };
  }

  function search(query: URLSearchParams): ScriptedAnswer {
    const term = query.get('term') ?? '';
    if (
      term === '' ||
      query.get('fields') !== (kind === 'persons' ? 'email' : 'name') ||
      query.get('exact_match') !== 'true'
    )
      return refuse(400, 'ERR_SCHEMA_VALIDATION_FAILED', 'validation failed: term');
    const textsOf = (row: Row) => (kind === 'persons' ? addressesOf(row) : [nameOf(row)]);
    const found = records
      .living()
      .filter((row) => textsOf(row).some((text) => text.toLowerCase() === term.toLowerCase()));
    const items = found.map((row) => ({
      result_score: 0.29,
      item: {
        id: Number(row.id),
        type: kind,
        name: nameOf(row),
        emails: addressesOf(row),
      },
    }));
    return { status: 200, body: { success: true, data: { items }, additional_data: { next_cursor: null } } };
  }

  function create(fields: JsonObject): ScriptedAnswer {
    if (typeof fields['name'] !== 'string' || fields['name'] === '')
      return refuse(400, 'ERR_SCHEMA_VALIDATION_FAILED', 'name: Name must be given.');
    const problem = problemOf(fields);
    return problem ?? { status: 201, body: { success: true, data: shown(records.add(fields)) } };
  }

  function one(asked: Asked, id: string): ScriptedAnswer {
    const row = records.all().find((each) => each.id === id);
    if (row === undefined || (row.isDeleted && asked.method !== 'GET'))
      return refuse(404, 'ERR_NOT_FOUND', 'Not found');
    if (asked.method === 'DELETE') {
      records.delete(row);
      return { status: 200, body: { success: true, data: { id: Number(id) } } };
    }
    if (asked.method === 'PATCH') {
      const problem = problemOf(fieldsIn(asked));
      if (problem !== undefined) return problem;
      records.change(row, fieldsIn(asked));
    }
    return { status: 200, body: { success: true, data: shown(row) } };
  }

  return { records, answer };
}

function problemOf(fields: JsonObject): ScriptedAnswer | undefined {
  const unknown = Object.keys(fields).find((name) => !FIELDS.includes(name));
  const isList = (value: JsonValue | undefined) => value === undefined || Array.isArray(value);
  if (unknown === undefined && isList(fields['emails']) && isList(fields['phones'])) return undefined;
  return refuse(400, 'ERR_SCHEMA_VALIDATION_FAILED', `validation failed: ${unknown ?? 'emails'}`);
}

const nameOf = ({ fields: { name } }: Row): string => (typeof name === 'string' ? name : '');
const addressesOf = ({ fields }: Row): string[] =>
  ((fields['emails'] ?? []) as { value: string }[]).map(({ value }) => value);

const shown = ({ id, fields, createdAt, changedAt, isDeleted }: Row): JsonObject => ({
  emails: [],
  phones: [],
  custom_fields: { [HASH]: null },
  ...fields,
  id: Number(id),
  add_time: `${createdAt.toISOString().slice(0, 19)}Z`,
  update_time: `${changedAt.toISOString().slice(0, 19)}Z`,
  is_deleted: isDeleted,
});

const refuse = (status: number, code: string, error: string): ScriptedAnswer => ({
  status,
  body: { success: false, error, code },
});

const person = (number: number) => ({
  name: `Ada Lovelace ${number}`,
  email: `e${number}@example.com`,
  phone: '+49 30 1',
});

/** Pipedrive does not sign: it sends the user and password that belong to the address. */
const announcedAs = (entity: string): WebhookContract => ({
  secret: 'syncline:webhook-password',
  headers: (_body, secret) => ({ Authorization: `Basic ${Buffer.from(secret).toString('base64')}` }),
  event: ({ id }) => ({
    data: { id: Number(id) },
    previous: {},
    meta: { action: 'change', entity, entity_id: id, version: '2.0', company_id: 1, webhook_id: '99' },
  }),
});

const PERSONS: Contract = {
  key: 'pipedrive',
  parameters: { company: 'acme', oauth_app: 'oap_01h00000000000000000000000' },
  credentials: { api_token: { token: TOKEN }, consent: {} },
  product: () => pipedrive('persons'),
  throttled: { status: 429, body: { success: false, error: 'request over limit' }, waitMs: null },
  recordType: 'contacts',
  seed: ({ records }, number) =>
    records.add({
      name: `Grace Hopper ${number}`,
      emails: [{ value: `e${number}@example.com`, primary: true, label: 'work' }],
      phones: [{ value: '+1 202 1', primary: true, label: 'work' }],
      custom_fields: { [HASH]: 'Navy' },
    }),
  touch: { name: 'Amazing Grace' },
  hasChanges: true,
  webhook: announcedAs('person'),
  push: {
    fields: person,
    change: { phone: '+49 30 2' },
    changed: { name: 'Ada Lovelace 1', phones: [{ value: '+49 30 2' }] },
    refused: { fields: { email: 'a@example.com' }, field: 'name', says: /Name must be given/ },
    key: 'email',
    deletes: true,
  },
};

describeContract(PERSONS, (given) => {
  it('reads a custom field by its key', async () => {
    const { product, linked } = given();
    const context = await linked();
    product.records.add({ name: 'Grace', custom_fields: { [HASH]: 'Navy' } });

    const [record] = await readAll(context, 'contacts');

    expect(record?.fields).toMatchObject({ custom_fields: { [HASH]: 'Navy' } });
  });

  it('finds a person whose e-mail address is written in another case', async () => {
    const { product, linked } = given();
    const context = await linked();
    const there = product.records.add({ name: 'Ada', emails: [{ value: 'Ada@Example.com', primary: true }] });

    const result = await pushOne(
      itemsOf('contacts')(context, { name: 'Ada L', email: 'ada@example.com' }),
      context,
    );

    expect(result).toMatchObject({ ok: true, effect: 'updated', remoteId: there.id });
    expect(product.records.living()).toHaveLength(1);
  });

  it('creates no person that could not be found again', async () => {
    const { product, linked } = given();
    const context = await linked();

    const error = await errorOf(itemsOf('contacts')(context, { name: 'Ada' }), context);

    expect(error).toMatchObject({ errors: [{ code: 'unusable_value' }] });
    expect(product.records.all()).toEqual([]);
  });
});

describeContract({
  ...PERSONS,
  product: () => pipedrive('organizations'),
  recordType: 'companies',
  webhook: announcedAs('organization'),
  push: {
    fields: (number) => ({ name: `Lovelace ${number}` }),
    change: {},
    changed: { name: 'Lovelace 1' },
    refused: { fields: { name: '' }, field: null, says: /is empty/ },
    key: 'name',
    deletes: true,
  },
});
