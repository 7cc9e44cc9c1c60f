/**
 * Accounts of Exact Online as its documentation describes them: OData with `d.results` and `__next`, ids in
 * the form guid'…', named fields only, a PUT that changes what it contains and answers nothing, and messages
 * with a language.
 */
import type { JsonObject } from '../../../../domain/json';
import { pushOne } from '../../rest/rest-given';
import type { ScriptedAnswer } from '../../suite/scripted-server';
import type { IncomingCall } from '../../../../connectors/incoming';
import { CONSENTED_TOKEN, describeContract, type Given, itemsOf } from '../contract';
import { type Asked, fieldsIn, pageOf, type Product, RecordStore, type Row } from '../simulator';
import { NOW } from '../webhook-contract';
import { ExactSubscriptions, exactWebhook } from './exact-subscriptions';

const DIVISION = '/api/v1/123456/crm';
const PAGE = 2;

type Exact = Product & { subscriptions: ExactSubscriptions };

function exact(): Exact {
  const subscriptions = new ExactSubscriptions();
  const records = new RecordStore((number) => `5a1f8e2c-6a0b-4b52-9f3e-${String(number).padStart(12, '0')}`);

  function answer(asked: Asked): ScriptedAnswer {
    if (asked.headers['authorization'] !== `Bearer ${CONSENTED_TOKEN}`) return refuse(401, 'Unauthorized');
    const ofSubscriptions = subscriptions.answer(asked);
    if (ofSubscriptions !== undefined) return ofSubscriptions;
    if (asked.path === `${DIVISION}/Accounts`)
      return asked.method === 'GET' ? list(asked) : create(fieldsIn(asked));
    const [, id] = /^\/api\/v1\/123456\/crm\/Accounts\(guid'([-0-9a-f]{36})'\)$/.exec(asked.path) ?? [];
    return id === undefined ? refuse(400, 'Bad Request - Error in query syntax.') : one(asked, id);
  }

  function list({ query, origin }: Asked): ScriptedAnswer {
    const isWanted = conditionOf(query.get('$filter'));
    const names = (query.get('$select') ?? '').split(',');
    if (isWanted === undefined || names[0] === '') return refuse(400, 'Bad Request - Error in query syntax.');
    const { page, next } = pageOf(
      records.living().filter(isWanted),
      Number(query.get('$skiptoken') ?? 0),
      PAGE,
    );
    const further = new URLSearchParams(query);
    further.set('$skiptoken', String(next));
    const address = `${origin}${DIVISION}/Accounts?${further.toString()}`;
    const results = page.map((row) => shown(row, names));
    return { status: 200, body: { d: { results, ...(next !== undefined && { __next: address }) } } };
  }

  function create(fields: JsonObject): ScriptedAnswer {
    if (typeof fields['Name'] !== 'string' || fields['Name'] === '') return refuse(400, 'Mandatory: Name');
    const row = records.add(fields);
    return { status: 201, body: { d: shown(row, ['ID', ...Object.keys(fields)]) } };
  }

  function one(asked: Asked, id: string): ScriptedAnswer {
    const row = records.get(id);
    if (row === undefined) return refuse(404, 'Not found');
    if (asked.method === 'GET')
      return { status: 200, body: { d: shown(row, (asked.query.get('$select') ?? '').split(',')) } };
    if (asked.method === 'DELETE') records.delete(row);
    else records.change(row, fieldsIn(asked));
    return { status: 204 };
  }

  return { records, answer, subscriptions };
}

/** `SearchCode eq 'text'` or the time of the last change; undefined for anything else. */
function conditionOf(filter: string | null): ((row: Row) => boolean) | undefined {
  if (filter === null) return () => true;
  const [, text] = /^SearchCode eq '((?:[^']|'')*)'$/su.exec(filter) ?? [];
  if (text !== undefined) return ({ fields }) => fields['SearchCode'] === text.replaceAll("''", "'");
  const [, since] = /^Modified ge datetime'([-\d]+T[\d:]+)'$/.exec(filter) ?? [];
  return since === undefined ? undefined : ({ changedAt }) => changedAt >= new Date(`${since}Z`);
}

/** The named fields only. Exact writes times as /Date(…)/. */
const shown = ({ id, fields, changedAt }: Row, names: readonly string[]): JsonObject => {
  const all: JsonObject = { ...fields, ID: id, Modified: `/Date(${changedAt.getTime()})/` };
  return {
    __metadata: { type: 'Exact.Web.Api.Models.CRM.Account' },
    ...Object.fromEntries(names.map((name) => [name, all[name] ?? null])),
  };
};

const refuse = (status: number, value: string): ScriptedAnswer => ({
  status,
  body: { error: { code: '', message: { lang: '', value } } },
});

const account = (number: number) => ({ name: `Lovelace Ltd ${number}`, email: `e${number}@example.com` });

describeContract(
  {
    key: 'exact-online',
    parameters: { region: 'nl', division: '123456', oauth_app: 'oap_01h00000000000000000000000' },
    credentials: { consent: {} },
    product: exact,
    throttled: { ...refuse(429, 'Too many requests'), waitMs: null },
    recordType: 'companies',
    seed: ({ records }, number) =>
      records.add({ Name: `Hopper Inc ${number}`, Email: `e${number}@example.com` }),
    touch: { City: 'Arlington' },
    hasChanges: true,
    webhook: { headers: () => ({}), event: ({ id }, secret) => exactWebhook(id, secret) },
    push: {
      fields: account,
      change: { city: 'London' },
      changed: { Name: 'Lovelace Ltd 1', City: 'London', SearchCode: 'e1' },
      refused: { fields: { email: 'a@example.com' }, field: 'name', says: /Mandatory: Name/ },
      key: 'email',
      deletes: true,
    },
  },
  (given) => {
    describeSubscription(given);

    it('finds the account with a quote in its search code again', async () => {
      const { product, linked } = given();
      const context = await linked();
      const item = () => itemsOf('companies')(context, account(1), { externalId: "o'hara' or Name ne '" });

      await pushOne(item(), context);
      const again = await pushOne(item(), context);

      expect(again).toMatchObject({ ok: true, effect: 'updated' });
      expect(product.records.living()).toHaveLength(1);
    });
  },
);

function describeSubscription(given: Given): void {
  const ORDER = { address: 'https://sync.example.com/v1/incoming/token', secret: 'of-the-app-0815' };
  const there = () => (given().product as Exact).subscriptions;
  const subscribe = async () => {
    const context = await given().linked();
    return context.connector.subscribe!({ ...ORDER, current: null }, context);
  };
  const created = () =>
    given().simulator.asked.filter(({ method, path }) => method === 'POST' && path.includes('/webhooks/'));

  it('subscribes to the accounts of the division, and tells nothing of the secret', async () => {
    const order = await subscribe();

    expect(there().all).toEqual([{ id: order!.ids[0], url: ORDER.address, topic: 'Accounts' }]);
    expect(JSON.stringify(given().simulator.asked)).not.toContain(ORDER.secret);
  });

  it('keeps the subscription that it finds, also after a creation whose answer was lost', async () => {
    const { id } = there().add(ORDER.address);

    expect((await subscribe())!.ids).toEqual([id]);
    expect(created()).toEqual([]);
  });

  it('subscribes again if an admin of Exact has removed the subscription', async () => {
    await subscribe();
    there().all.length = 0;

    expect((await subscribe())!.ids).toEqual(there().all.map(({ id }) => id));
    expect(created()).toHaveLength(2);
  });

  it('takes the place of a former address of this Syncline', async () => {
    there().add('https://sync.example.com/v1/incoming/former');
    await subscribe();

    expect(there().all.map(({ url }) => url)).toEqual([ORDER.address]);
  });

  it('does not take it back when it looks again, and says who has it', async () => {
    const order = await subscribe();
    there().all.length = 0;
    const other = there().add('https://sync.example.com/v1/incoming/of-another-integration');
    const current = { ids: order!.ids, endsAt: new Date(0) };
    const context = await given().linked();

    await expect(context.connector.subscribe!({ ...ORDER, current }, context)).rejects.toThrow(
      /Another address of Syncline/,
    );
    expect(there().all).toEqual([other]);
  });

  it('leaves the subscription of another address, and says why it has none', async () => {
    const other = there().add('https://sync.example.com.evil.example/v1/incoming/x');

    await expect(subscribe()).rejects.toThrow(/Data already exists/);
    expect(there().all).toEqual([other]);
  });

  const receive = async (body: object | '', changes: Partial<IncomingCall> = {}) => {
    const { connector, config } = await given().linked();
    const text = body === '' ? '' : JSON.stringify(body);
    const call = { method: 'POST', url: ORDER.address, headers: {}, body: Buffer.from(text), now: NOW };
    return connector.incoming!(config)!.receive({ ...call, ...changes }, ORDER.secret);
  };

  it('answers the empty call by which Exact tries the address', async () => {
    expect(await receive('')).toEqual({ kind: 'answer', mediaType: 'text/plain', text: '' });
    expect(await receive('', { method: 'GET' })).toEqual({ kind: 'refused' });
  });

  it('reads nothing for another division, topic or app', async () => {
    const nothing = { kind: 'records', records: [] };

    expect(await receive(exactWebhook('a', ORDER.secret, { Division: 999 }))).toEqual(nothing);
    expect(await receive(exactWebhook('a', ORDER.secret, { Topic: 'Items' }))).toEqual(nothing);
    expect(await receive(exactWebhook('a', 'of-another-app-0815'))).toEqual({ kind: 'refused' });
  });
}
