/**
 * Contacts of HubSpot as its documentation describes them: only the named properties in answers, `after`, a
 * search that serves its first records only and sorts by one property, unique properties as ids, a conflict
 * about an e-mail address that is taken, and errors with the name of the property.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../../../domain/json';
import { rest } from '../../../../connectors/rest';
import { errorOf } from '../../rest/rest-given';
import type { ScriptedAnswer } from '../../suite/scripted-server';
import { CONSENTED_TOKEN, type Contract, describeContract, itemsOf, readAll } from '../contract';
import { type Asked, fieldsIn, pageOf, type Product, RecordStore, type Row } from '../simulator';
import { CALLED, hmacOf, NOW, type WebhookContract } from '../webhook-contract';

const TOKEN = 'pat-eu1-0815';
const PAGE = 2;
/** 10,000 in HubSpot. */
const WINDOW = 3;

function hubspot(kind: 'contacts' | 'companies'): Product {
  const records = new RecordStore((number) => String(70_000 + number));

  function answer(asked: Asked): ScriptedAnswer {
    if (![`Bearer ${TOKEN}`, `Bearer ${CONSENTED_TOKEN}`].includes(asked.headers['authorization'] ?? ''))
      return refuse(401, 'INVALID_AUTHENTICATION', 'Authentication credentials not found.');
    const [, , objects, found, id, ...more] = asked.parts;
    if (objects === 'properties') return { status: 200, body: { results: PROPERTIES } };
    // The check reads a contact, whatever is synced.
    if (kind === 'companies' && found === 'contacts') return { status: 200, body: { results: [] } };
    if (!asked.path.startsWith(`/crm/v3/objects/${kind}`) || more.length > (id === 'batch' ? 1 : 0))
      return refuse(404, 'OBJECT_NOT_FOUND', 'No such address.');
    if (id === 'search') return search(fieldsIn(asked));
    if (id === 'batch') return createAll(fieldsIn(asked));
    if (id === undefined) return asked.method === 'GET' ? list(asked.query) : create(propertiesIn(asked));
    return one(asked, id);
  }

  function list(query: URLSearchParams): ScriptedAnswer {
    const names = (query.get('properties') ?? '').split(',');
    const from = Number(query.get('after') ?? 0);
    const { page, next } = pageOf(records.living(), from, Math.min(PAGE, Number(query.get('limit') ?? 10)));
    const paging = next === undefined ? {} : { paging: { next: { after: String(next), link: '…' } } };
    return { status: 200, body: { results: page.map((row) => shown(row, names)), ...paging } };
  }

  function search({ filterGroups, sorts, properties, limit = 10, after = 0 }: JsonObject): ScriptedAnswer {
    const groups = filterGroups as unknown as { filters: Filter[] }[];
    const size = Math.min(PAGE, Number(limit));
    if (!Array.isArray(sorts) || sorts.length > 1 || Number(limit) > 200 || groups.length > 5)
      return refuse(400, 'VALIDATION_ERROR', 'A search has one sort and 200 results at most.');
    if (Number(after) + size > WINDOW)
      return refuse(400, 'VALIDATION_ERROR', `Cannot page past ${WINDOW} results.`);
    const found = records
      .living()
      .filter((row) => groups.some(({ filters }) => filters.every((filter) => isMet(row, filter))));
    const { page, next } = pageOf(found, Number(after), size);
    const paging = next === undefined ? {} : { paging: { next: { after: String(next) } } };
    const results = page.map((row) => shown(row, properties as string[]));
    return { status: 200, body: { total: found.length, results, ...paging } };
  }

  function one(asked: Asked, id: string): ScriptedAnswer {
    const by = asked.query.get('idProperty');
    const row = by === null ? records.get(id) : records.find(({ fields }) => fields[by] === id);
    if (row === undefined && asked.method === 'DELETE') return { status: 204 };
    if (row === undefined) return refuse(404, 'OBJECT_NOT_FOUND', 'resource not found');
    const names = (asked.query.get('properties') ?? '').split(',');
    if (asked.method === 'GET') return { status: 200, body: shown(row, names) };
    if (asked.method === 'DELETE') {
      records.delete(row);
      return { status: 204 };
    }
    const problem = problemOf(propertiesIn(asked), row);
    if (problem !== undefined) return problem;
    records.change(row, propertiesIn(asked));
    return { status: 200, body: shown(row, Object.keys(propertiesIn(asked))) };
  }

  function create(properties: JsonObject): ScriptedAnswer {
    const problem = problemOf(properties, undefined);
    if (problem !== undefined) return problem;
    const row = records.add(properties);
    return { status: 201, body: shown(row, Object.keys(properties)) };
  }

  /** All or nothing, and the results in an order of their own. */
  function createAll({ inputs }: JsonObject): ScriptedAnswer {
    const all = (inputs as { properties: JsonObject }[]).map(({ properties }) => properties);
    const problem = all
      .map((properties) => problemOf(properties, undefined))
      .find((each) => each !== undefined);
    if (problem !== undefined) return problem;
    const results = all.map((properties) => shown(records.add(properties), Object.keys(properties)));
    return { status: 201, body: { status: 'COMPLETE', results: results.toReversed() } };
  }

  function problemOf(properties: JsonObject, own: Row | undefined): ScriptedAnswer | undefined {
    const { email } = properties;
    if (typeof email === 'string' && !/^[^@\s]+@[^@\s]+$/.test(email))
      return refuse(400, 'VALIDATION_ERROR', 'Property values were not valid', [
        {
          message: `Email address ${email} is invalid`,
          code: 'INVALID_EMAIL',
          context: { propertyName: ['email'] },
        },
      ]);
    if (typeof properties['name'] === 'string' && properties['name'].length > 65_536)
      return refuse(400, 'VALIDATION_ERROR', 'Property values were not valid', [
        { message: 'The value is too long', code: 'TOO_LONG', context: { propertyName: ['name'] } },
      ]);
    const other = records.find(({ fields }) => email !== undefined && fields['email'] === email);
    if (other === undefined || other === own) return undefined;
    return refuse(409, 'CONFLICT', `Contact already exists. Existing ID: ${other.id}`);
  }

  return { records, answer };
}

/** As the API of properties shows them. */
const PROPERTIES = [
  { name: 'email', label: 'Email', type: 'string', options: [] },
  {
    name: 'lifecyclestage',
    label: 'Lifecycle Stage',
    type: 'enumeration',
    options: [{ label: 'Lead', value: 'lead' }],
  },
];

interface Filter {
  propertyName: string;
  operator: 'GTE' | 'GT' | 'EQ';
  value: JsonValue;
}

function isMet(row: Row, { propertyName, operator, value }: Filter): boolean {
  const times = ['lastmodifieddate', 'hs_lastmodifieddate'];
  const own = propertyName === 'hs_object_id' ? Number(row.id) : row.changedAt.getTime();
  if (propertyName !== 'hs_object_id' && !times.includes(propertyName)) return false;
  return operator === 'GTE' ? own >= Number(value) : operator === 'GT' && own > Number(value);
}

/** The named properties, and those that every answer has. */
function shown({ id, fields, createdAt, changedAt, isDeleted }: Row, names: readonly string[]): JsonObject {
  const times = { createdate: createdAt.toISOString(), lastmodifieddate: changedAt.toISOString() };
  const all: JsonObject = { ...fields, ...times, hs_object_id: id };
  const wanted = [...names, ...Object.keys(times), 'hs_object_id'].filter((name) => name !== '');
  return {
    id,
    properties: Object.fromEntries(wanted.map((name) => [name, all[name] ?? null])),
    createdAt: times.createdate,
    updatedAt: times.lastmodifieddate,
    archived: isDeleted,
  };
}

function propertiesIn(asked: Asked): JsonObject {
  const { properties } = fieldsIn(asked);
  return isJsonObject(properties) ? properties : {};
}

const refuse = (status: number, category: string, message: string, errors?: JsonValue[]): ScriptedAnswer => ({
  status,
  body: { status: 'error', message, correlationId: 'c1', category, ...(errors && { errors }) },
});

/** As the app's events are signed: the method, the address, the body and the time. */
const announcedAs = (subscriptionType: string): WebhookContract => ({
  account: '62515',
  headers(body, secret) {
    const at = String(NOW.getTime());
    const signature = hmacOf(`POST${CALLED}${body}${at}`, secret, { encoding: 'base64' });
    return { 'X-HubSpot-Request-Timestamp': at, 'X-HubSpot-Signature-v3': signature };
  },
  event: ({ id }, _secret, account) => [
    {
      eventId: 100,
      subscriptionId: 1234,
      portalId: Number(account),
      appId: 98765,
      occurredAt: NOW.getTime(),
      subscriptionType,
      attemptNumber: 0,
      objectId: Number(id),
      ...(subscriptionType.startsWith('object.') && { objectTypeId: '0-2' }),
    },
  ],
});

const contact = (number: number) => ({
  first_name: 'Ada',
  last_name: `Lovelace ${number}`,
  email: `e${number}@example.com`,
});

const CONTACTS: Contract = {
  key: 'hubspot',
  parameters: { oauth_app: 'oap_01h00000000000000000000000' },
  credentials: { token: { token: TOKEN }, consent: {} },
  product: () => hubspot('contacts'),
  describes: { name: 'lifecyclestage', label: 'Lifecycle Stage' },
  throttled: {
    status: 429,
    body: {
      status: 'error',
      message: 'You have reached your ten_secondly_rolling limit.',
      errorType: 'RATE_LIMIT',
      policyName: 'TEN_SECONDLY_ROLLING',
    },
    waitMs: null,
  },
  recordType: 'contacts',
  seed: ({ records }, number) =>
    records.add({ firstname: 'Grace', lastname: `Hopper ${number}`, email: `e${number}@example.com` }),
  touch: { jobtitle: 'Admiral' },
  hasChanges: true,
  webhook: announcedAs('contact.propertyChange'),
  push: {
    fields: contact,
    change: { title: 'Countess' },
    changed: { lastname: 'Lovelace 1', jobtitle: 'Countess', syncline_id: 'e1' },
    refused: {
      fields: { email: 'no address' },
      field: 'email',
      says: /Email address no address is invalid/,
    },
    key: 'title',
    deletes: true,
  },
};

describeContract(CONTACTS, (given) => {
  it('says that an e-mail address belongs to another contact', async () => {
    const { product, linked } = given();
    const context = await linked();
    const row = product.records.add({ email: 'e1@example.com', syncline_id: 'other' });

    const error = await errorOf(itemsOf('contacts')(context, contact(1)), context);

    expect(error.message).toBe(`Contact already exists. Existing ID: ${row.id}`);
    expect(product.records.living()).toEqual([row]);
  });

  it('creates many contacts in one call, and shows who is refused', async () => {
    const { simulator, product, linked } = given();
    const context = await linked();
    const emails = ['a@example.com', 'no address', 'b@example.com', 'c@example.com'];
    const items = emails.map((email, index) =>
      itemsOf('contacts')(context, { ...contact(1), email }, { externalId: `e${index}` }),
    );

    const results = await rest.push(items, context);

    expect(results.map(({ ok }) => ok)).toEqual([true, false, true, true]);
    const made = product.records.all().map(({ id, fields }) => [id, fields['syncline_id']]);
    expect(new Map(made as [string, string][])).toEqual(
      new Map(results.flatMap((one, index) => (one.ok ? [[one.remoteId!, `e${index}`]] : []))),
    );
    expect(simulator.asked.some(({ path }) => path.endsWith('/batch/create'))).toBe(true);
  });

  it('asks for a property that the customer has mapped', async () => {
    const { product, linked } = given();
    const context = await linked();
    product.records.add({ email: 'e1@example.com', tier: 'gold' });
    context.mappings['contacts']!.fields.push({ name: 'tier', to: '/properties/tier' });

    const [listed] = await readAll(context, 'contacts');
    const [changed] = await readAll(context, 'contacts', new Date(0));

    for (const record of [listed, changed])
      expect(record?.fields).toMatchObject({ properties: { tier: 'gold' } });
  });
});

describeContract({
  ...CONTACTS,
  product: () => hubspot('companies'),
  recordType: 'companies',
  webhook: announcedAs('object.propertyChange'),
  seed: ({ records }, number) => records.add({ name: `Hopper ${number}`, domain: 'hopper.example' }),
  touch: { phone: '1' },
  push: {
    fields: (number) => ({ name: `Lovelace ${number}` }),
    change: { domain: 'lovelace.example' },
    changed: { domain: 'lovelace.example', syncline_id: 'e1' },
    refused: { fields: { name: 'x'.repeat(65_537) }, field: 'name', says: /too long/ },
    key: 'domain',
    deletes: true,
  },
});
