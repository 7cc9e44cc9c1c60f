/**
 * Contacts of Zoho CRM (v8) as its documentation describes them: a token scheme of its own, named fields,
 * page tokens, 204 and 304 instead of empty lists, an upsert by a unique field, a PUT that changes what it
 * contains, and a code for each record of a call that was accepted.
 */
import type { Subscription } from '../../../../connectors/incoming';
import { isJsonObject, type JsonObject } from '../../../../domain/json';
import { errorOf, pushOne } from '../../rest/rest-given';
import type { ScriptedAnswer } from '../../suite/scripted-server';
import { CONSENTED_TOKEN, type Contract, describeContract, type Given, itemsOf } from '../contract';
import { type Asked, fieldsIn, pageOf, type Product, RecordStore, type Row } from '../simulator';
import { NOW } from '../webhook-contract';
import { ZohoChannels } from './zoho-notifications';

const PAGE = 2;
const EXTERNAL_ID = 'Syncline_ID';

type Zoho = Product & { channels: ZohoChannels };

function zoho(kind: 'Contacts' | 'Accounts'): Zoho {
  const required = kind === 'Contacts' ? 'Last_Name' : 'Account_Name';
  const records = new RecordStore((number) => `41500000000${String(number).padStart(5, '0')}`);
  const channels = new ZohoChannels();

  function answer(asked: Asked): ScriptedAnswer {
    if (asked.headers['authorization'] !== `Zoho-oauthtoken ${CONSENTED_TOKEN}`)
      return refuse(401, 'INVALID_TOKEN', 'invalid oauth token');
    const [crm, version, module, id, ...more] = asked.parts;
    if (`${module}/${id}` === 'actions/watch') return channels.answer(asked);
    if (module === 'settings') return { status: 200, body: { fields: FIELDS } };
    // The check reads a contact, whatever is synced.
    if (kind === 'Accounts' && module === 'Contacts') return { status: 204 };
    if (`${crm}/${version}/${module}` !== `crm/v8/${kind}` || more.length > 0)
      return refuse(404, 'INVALID_URL_PATTERN', 'Please check if the URL trying to access is a correct one');
    if (id === undefined) return list(asked);
    if (id === 'deleted') return deleted(asked);
    if (id === 'search') return search(asked.query);
    if (id === 'upsert') return upsert(fieldsIn(asked));
    return one(asked, id);
  }

  function list({ query, headers }: Asked): ScriptedAnswer {
    const names = (query.get('fields') ?? '').split(',').filter((name) => name !== '');
    if (names.length === 0 || names.length > 50)
      return refuse(400, 'REQUIRED_PARAM_MISSING', 'One of the expected parameter is missing');
    const changed = since(headers, records.living());
    const { page, next } = pageOf(changed, Number(query.get('page_token') ?? 0), PAGE);
    if (page.length === 0) return { status: headers['if-modified-since'] === undefined ? 204 : 304 };
    const info = {
      per_page: PAGE,
      more_records: next !== undefined,
      next_page_token: next === undefined ? null : String(next),
    };
    return { status: 200, body: { data: page.map((row) => shown(row, names)), info } };
  }

  function deleted({ query, headers }: Asked): ScriptedAnswer {
    const gone = since(headers, records.all()).filter(({ isDeleted }) => isDeleted);
    const { page, next } = pageOf(gone, (Number(query.get('page') ?? 1) - 1) * PAGE, PAGE);
    if (page.length === 0) return { status: 204 };
    const data = page.map(({ id, changedAt }) => ({ id, type: 'recycle', deleted_time: written(changedAt) }));
    return { status: 200, body: { data, info: { more_records: next !== undefined } } };
  }

  function search(query: URLSearchParams): ScriptedAnswer {
    const [, wanted] = /^\(Syncline_ID:equals:([^(),\\]+)\)$/.exec(query.get('criteria') ?? '') ?? [];
    if (wanted === undefined) return refuse(400, 'INVALID_QUERY', 'Invalid query formed');
    const found = records.living().filter(({ fields }) => fields[EXTERNAL_ID] === wanted);
    if (found.length === 0) return { status: 204 };
    return { status: 200, body: { data: found.map((row) => shown(row, Object.keys(row.fields))) } };
  }

  function upsert({ data, duplicate_check_fields: by }: JsonObject): ScriptedAnswer {
    const [fields] = data as JsonObject[];
    if (!Array.isArray(by) || by[0] !== EXTERNAL_ID || fields === undefined)
      return refuse(400, 'INVALID_DATA', 'body');
    const known = records.find((row) => row.fields[EXTERNAL_ID] === fields[EXTERNAL_ID]);
    const problem = problemOf({ ...known?.fields, ...fields }, required);
    if (problem !== undefined) return problem;
    if (known !== undefined) records.change(known, fields);
    return accepted(known ?? records.add(fields), known === undefined ? 201 : 200);
  }

  function one(asked: Asked, id: string): ScriptedAnswer {
    const row = records.get(id);
    if (row === undefined && asked.method === 'GET') return { status: 204 };
    if (row === undefined)
      return answeredItem(400, 'INVALID_DATA', 'the id given seems to be invalid', { api_name: 'id' });
    if (asked.method === 'GET') {
      const names = (asked.query.get('fields') ?? '').split(',');
      return { status: 200, body: { data: [shown(row, names)] } };
    }
    if (asked.method === 'DELETE') {
      records.delete(row);
      return accepted(row, 200);
    }
    const [fields] = fieldsIn(asked)['data'] as JsonObject[];
    const problem = problemOf({ ...row.fields, ...fields }, required);
    if (problem !== undefined || !isJsonObject(fields)) return problem ?? refuse(400, 'INVALID_DATA', 'body');
    records.change(row, fields);
    return accepted(row, 200);
  }

  return { records, answer, channels };
}

function since(headers: Record<string, string>, rows: Row[]): Row[] {
  const from = headers['if-modified-since'];
  if (from === undefined) return rows;
  if (!/^[-\d]+T[\d:]+[+-]\d\d:\d\d$/.test(from)) throw new Error(`Zoho refuses the time ${from}.`);
  return rows.filter(({ changedAt }) => changedAt >= new Date(from));
}

/** A refused record of a call that was accepted: the status of the call says nothing about it. */
function problemOf(fields: JsonObject, required: string): ScriptedAnswer | undefined {
  const name = fields[required];
  if (typeof name === 'string' && name !== '') return undefined;
  const details = { api_name: required, json_path: `$.data[0].${required}` };
  return answeredItem(202, 'MANDATORY_NOT_FOUND', 'required field not found', details);
}

/** As the settings show them. */
const FIELDS = [
  {
    api_name: 'Email',
    field_label: 'Email',
    data_type: 'email',
    system_mandatory: false,
    pick_list_values: [],
  },
  {
    api_name: 'Lead_Source',
    field_label: 'Lead Source',
    data_type: 'picklist',
    system_mandatory: false,
    pick_list_values: [{ display_value: 'Web', actual_value: 'Web' }],
  },
];

const written = (instant: Date): string => `${instant.toISOString().slice(0, 19)}+00:00`;

const shown = ({ id, fields, changedAt }: Row, names: readonly string[]): JsonObject => {
  const all: JsonObject = { ...fields, Modified_Time: written(changedAt) };
  return { id, ...Object.fromEntries(names.map((name) => [name, all[name] ?? null])) };
};

const accepted = ({ id, changedAt }: Row, status: number): ScriptedAnswer => ({
  status,
  body: {
    data: [
      {
        code: 'SUCCESS',
        details: { id, Modified_Time: written(changedAt) },
        message: 'record added',
        status: 'success',
      },
    ],
  },
});

const answeredItem = (
  status: number,
  code: string,
  message: string,
  details: JsonObject,
): ScriptedAnswer => ({
  status,
  body: { data: [{ code, details, message, status: 'error' }] },
});

const refuse = (status: number, code: string, message: string): ScriptedAnswer => ({
  status,
  body: { code, details: {}, message, status: 'error' },
});

const contact = (number: number) => ({
  first_name: 'Ada',
  last_name: `Lovelace ${number}`,
  email: `e${number}@example.com`,
});

/** What Zoho sends for a change of several records at once. */
const notification = (module: string, ids: string[], token: string) => ({
  server_time: 1_764_504_000_000,
  query_params: {},
  module,
  resource_uri: `https://www.zohoapis.eu/crm/v8/${module}`,
  ids,
  affected_fields: [],
  operation: 'update',
  channel_id: '123456789012345',
  token,
});

const CONTACTS: Contract = {
  key: 'zoho-crm',
  parameters: { data_center: 'eu', oauth_app: 'oap_01h00000000000000000000000' },
  credentials: { consent: {} },
  product: () => zoho('Contacts'),
  describes: { name: 'Lead_Source', label: 'Lead Source' },
  throttled: {
    ...refuse(429, 'TOO_MANY_REQUESTS', 'You have exceeded the number of API requests.'),
    waitMs: null,
  },
  recordType: 'contacts',
  seed: ({ records }, number) =>
    records.add({ First_Name: 'Grace', Last_Name: `Hopper ${number}`, Email: `e${number}@example.com` }),
  touch: { Title: 'Admiral' },
  hasChanges: true,
  tellsDeletions: true,
  webhook: {
    headers: () => ({}),
    event: ({ id }, secret) => notification('Contacts', [id], secret),
  },
  push: {
    fields: contact,
    change: { title: 'Countess' },
    changed: { Last_Name: 'Lovelace 1', Title: 'Countess', [EXTERNAL_ID]: 'e1' },
    refused: { fields: { first_name: 'Ada' }, field: 'last_name', says: /required field not found/ },
    key: 'email',
    deletes: true,
  },
};

describeContract(CONTACTS, (given) => {
  describeChannels(given);

  it('creates nothing twice when the search lags behind', async () => {
    const { simulator, product, linked } = given();
    const context = await linked();
    const item = itemsOf('contacts')(context, contact(1));

    await pushOne(item, context);
    simulator.answerNextWith({ status: 204 });
    const again = await pushOne(item, context);

    expect(again).toMatchObject({ ok: true, remoteId: product.records.living()[0]!.id });
    expect(product.records.living()).toHaveLength(1);
  });

  it('sends nothing for an id that a search cannot express', async () => {
    const { simulator, linked } = given();
    const context = await linked();

    const item = itemsOf('contacts')(context, contact(1), { externalId: 'e1)or(Email:equals:a' });

    expect(await errorOf(item, context)).toMatchObject({ errors: [{ code: 'unusable_value' }] });
    expect(simulator.asked).toEqual([]);
  });
});

describeContract({
  ...CONTACTS,
  product: () => zoho('Accounts'),
  recordType: 'companies',
  webhook: {
    headers: () => ({}),
    event: ({ id }, secret) => notification('Accounts', [id], secret),
  },
  seed: ({ records }, number) => records.add({ Account_Name: `Hopper ${number}` }),
  touch: { Phone: '1' },
  push: {
    fields: (number) => ({ name: `Lovelace ${number}` }),
    change: { website: 'https://lovelace.example' },
    changed: { Website: 'https://lovelace.example', [EXTERNAL_ID]: 'e1' },
    refused: { fields: { phone: '1' }, field: 'name', says: /required field not found/ },
    key: 'website',
    deletes: true,
  },
});

function describeChannels(given: Given): void {
  const ORDER = { address: 'https://sync.example.com/v1/incoming/token', secret: 's'.repeat(43) };
  const subscribe = async (current: Subscription | null) => {
    const context = await given().linked();
    const order = await context.connector.subscribe!({ ...ORDER, current }, context);
    return { order, there: (given().product as Zoho).channels.open };
  };
  const soon = (order: Subscription | undefined) => ({ ...order!, endsAt: new Date(Date.now() + 3_600_000) });

  it('opens one channel for six days, which Zoho does not shorten, and renews it', async () => {
    const { order, there } = await subscribe(null);

    const [channel] = [...there.values()];
    const { address: url, secret: token } = ORDER;
    expect(channel).toMatchObject({ url, token, events: ['Contacts.all', 'Accounts.all'] });
    expect(order!.ids).toEqual([channel!.id]);
    const asked = Math.floor(order!.endsAt.getTime() / 1_000) * 1_000;
    expect(channel!.endsAt).toBe(asked);
    expect((await subscribe(order!)).order).toBeUndefined();

    channel!.endsAt = Date.now() + 3_600_000;
    expect((await subscribe(soon(order))).order!.ids).toEqual(order!.ids);
    expect([...there.values()].map(({ endsAt }) => endsAt >= asked)).toEqual([true]);
  });

  it('opens another channel if Zoho has ended the one before', async () => {
    const { order, there } = await subscribe(null);
    there.get(order!.ids[0]!)!.endsAt = Date.now() - 1;

    const again = await subscribe(soon(order));

    expect(again.order!.ids).not.toEqual(order!.ids);
    expect(there.has(again.order!.ids[0]!)).toBe(true);
  });

  it('says in the words of Zoho why it opens no channel', async () => {
    const { linked, simulator } = given();
    const context = await linked();
    const message = 'Not allowed to watch';
    simulator.answerNextWith({
      status: 202,
      body: { watch: [{ code: 'NO_PERMISSION', message, status: 'error' }] },
    });

    const refused = context.connector.subscribe!({ ...ORDER, current: null }, context);

    await expect(refused).rejects.toThrow(/Not allowed to watch/);
  });

  it('reads every record of a bulk change once, and no other module', async () => {
    const { connector, config } = await given().linked();
    const receive = (body: object) =>
      connector.incoming!(config)!.receive(
        {
          method: 'POST',
          url: ORDER.address,
          headers: {},
          body: Buffer.from(JSON.stringify(body)),
          now: NOW,
        },
        ORDER.secret,
      );
    const named = (module: string, ids: string[]) => receive(notification(module, ids, ORDER.secret));
    const found = (...remoteIds: (string | null)[]) => ({
      kind: 'records',
      records: remoteIds.map((remoteId) => ({ recordType: 'contacts', remoteId })),
    });

    expect(named('Contacts', ['2', '1', '2'])).toEqual(found('2', '1'));
    expect(named('Deals', ['1'])).toEqual(found());
    expect(named('Contacts', [])).toEqual(found(null));
    const many = named(
      'Contacts',
      Array.from({ length: 40_000 }, (_, id) => String(id)),
    );
    expect(many.kind === 'records' && many.records).toHaveLength(1_001);
    // The channel of another account, or of a former secret.
    expect(receive(notification('Contacts', ['1'], 't'.repeat(43)))).toEqual({ kind: 'refused' });
    expect(
      receive({ ...notification('Contacts', ['1'], ''), query_params: { token: ORDER.secret } }),
    ).toEqual({
      kind: 'refused',
    });
  });
}
