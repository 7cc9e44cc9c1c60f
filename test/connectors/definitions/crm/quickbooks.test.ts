/**
 * Customers of QuickBooks Online as its documentation describes them: a query language that names its page,
 * an empty object instead of an empty list, sparse changes that name the version (SyncToken), inactive
 * customers only on request, unique display names, and faults with codes.
 */
import type { JsonObject } from '../../../../domain/json';
import { pushOne } from '../../rest/rest-given';
import type { ScriptedAnswer } from '../../suite/scripted-server';
import { CONSENTED_TOKEN, type Contract, describeContract, itemsOf, readAll } from '../contract';
import { type Asked, fieldsIn, pageOf, type Product, RecordStore, type Row } from '../simulator';
import { hmacOf, NOW, type WebhookContract } from '../webhook-contract';

const COMPANY = '/v3/company/1234567890123456';
const PAGE = 2;
const QUERY =
  /^SELECT (?<what>\*|COUNT\(\*\)) FROM (?<from>\w+)(?: WHERE (?<where>.+?))?(?: ORDERBY Id)?(?: STARTPOSITION (?<start>\d+) MAXRESULTS (?<size>\d+))?$/su;

function quickbooks(entity: 'Customer' | 'Vendor'): Product {
  const records = new RecordStore((number) => String(number));
  const requests = new Map<string, ScriptedAnswer>();

  function answer(asked: Asked): ScriptedAnswer {
    if (asked.headers['authorization'] !== `Bearer ${CONSENTED_TOKEN}`)
      return {
        status: 401,
        body: { fault: { error: [{ message: 'Token expired', code: '3200' }], type: 'AUTHENTICATION' } },
      };
    if (!asked.path.startsWith(COMPANY) || asked.headers['accept'] !== 'application/json')
      return fault('120', 'Authorization Failure', 'You do not have access.');
    const [, , , kind, id, ...more] = asked.parts;
    if (kind === 'companyinfo') return { status: 200, body: { CompanyInfo: { CompanyName: 'Acme' } } };
    if (kind === 'query') return query(asked.query.get('query') ?? '');
    if (kind !== entity.toLowerCase() || more.length > 0)
      return fault('500', 'Unsupported Operation', 'No such entity.');
    if (asked.method === 'GET') return read(id ?? '');
    return written(asked);
  }

  function query(text: string): ScriptedAnswer {
    const { what, from, where, start = '1', size = '100' } = QUERY.exec(text)?.groups ?? {};
    const isWanted = conditionOf(where ?? '');
    if (what === undefined || from !== entity || isWanted === undefined || Number(size) > 1_000)
      return fault('4000', 'Error parsing query', 'QueryParserError: Invalid content.');
    const found = records.all().filter(isWanted);
    const { page } = pageOf(found, Number(start) - 1, Math.min(PAGE, Number(size)));
    if (what !== '*') return answered({ QueryResponse: { totalCount: found.length } });
    const list = { [entity]: page.map(shown), startPosition: Number(start), maxResults: page.length };
    return answered({ QueryResponse: page.length === 0 ? {} : list });
  }

  function read(id: string): ScriptedAnswer {
    const row = records.get(id);
    return row === undefined ? notFound() : answered({ [entity]: shown(row) });
  }

  /** A creation is repeated with its request id without effect. */
  function written(asked: Asked): ScriptedAnswer {
    const key = asked.query.get('requestid');
    const before = key === null ? undefined : requests.get(key);
    const now = before ?? ('Id' in fieldsIn(asked) ? change(fieldsIn(asked)) : create(fieldsIn(asked)));
    if (key !== null) requests.set(key, now);
    return now;
  }

  function create(fields: JsonObject): ScriptedAnswer {
    const problem = problemOf(fields, undefined);
    return problem ?? answered({ [entity]: shown(records.add({ Active: true, ...fields, version: 0 })) });
  }

  function change({ Id: id, SyncToken: token, sparse, ...fields }: JsonObject): ScriptedAnswer {
    const row = typeof id === 'string' ? records.get(id) : undefined;
    if (row === undefined) return notFound();
    if (sparse !== true)
      return fault('2010', 'Request has invalid or unsupported property', 'sparse is missing');
    if (token !== versionOf(row))
      return fault(
        '5010',
        'Stale Object Error',
        'You and someone else were working on this at the same time.',
      );
    const problem = problemOf({ ...row.fields, ...fields }, row);
    if (problem !== undefined) return problem;
    records.change(row, { ...fields, version: Number(versionOf(row)) + 1 });
    return answered({ [entity]: shown(row) });
  }

  function problemOf({ DisplayName: name }: JsonObject, own: Row | undefined): ScriptedAnswer | undefined {
    if (typeof name !== 'string' || /[:\t\n]/.test(name))
      return fault('6000', 'A business validation error', 'A name cannot contain a colon.', 'DisplayName');
    const other = records.find(({ fields }) => nameOf(fields) === name.toLowerCase());
    if (other === undefined || other === own) return undefined;
    return fault('6240', 'Duplicate Name Exists Error', `The name supplied already exists. : Id=${other.id}`);
  }

  return { records, answer };
}

/** `DisplayName = 'text'`, or the time of the last change with inactive ones; undefined for anything else. */
function conditionOf(where: string): ((row: Row) => boolean) | undefined {
  const isActive = ({ fields }: Row) => fields['Active'] !== false;
  if (where === '') return isActive;
  const [, text] = /^DisplayName = '((?:[^'\\]|\\['\\])*)'$/su.exec(where) ?? [];
  const name = text?.replaceAll(/\\(['\\])/g, '$1').toLowerCase();
  if (name !== undefined) return (row) => isActive(row) && nameOf(row.fields) === name;
  const [, since] =
    /^Active IN \(true, false\) AND MetaData\.LastUpdatedTime >= '([-\d]+T[\d:]+\+00:00)'$/.exec(where) ?? [];
  return since === undefined ? undefined : ({ changedAt }) => changedAt >= new Date(since);
}

const nameOf = ({ DisplayName: name }: JsonObject): string =>
  typeof name === 'string' ? name.toLowerCase() : '';

const versionOf = ({ fields: { version } }: Row): string =>
  typeof version === 'number' ? `${version}` : '0';

function shown(row: Row): JsonObject {
  const { version: _, ...fields } = row.fields;
  const MetaData = { LastUpdatedTime: `${row.changedAt.toISOString().slice(0, 19)}+00:00` };
  return { ...fields, Id: row.id, SyncToken: versionOf(row), MetaData };
}

const answered = (body: JsonObject): ScriptedAnswer => ({
  status: 200,
  body: { ...body, time: '2026-01-05T09:00:00.000-08:00' },
});

const fault = (code: string, Message: string, Detail: string, element = ''): ScriptedAnswer => ({
  status: 400,
  body: { Fault: { Error: [{ Message, Detail, code, element }], type: 'ValidationFault' } },
});
const notFound = () => fault('610', 'Object Not Found', 'Object Not Found : Something you are trying to use');

const customer = (number: number) => ({
  name: `Lovelace Ltd ${number}`,
  first_name: 'Ada',
  last_name: 'Lovelace',
  email: `e${number}@example.com`,
  phone: '1',
});

const signed = (body: string, secret: string) => ({
  'intuit-signature': hmacOf(body, secret, { encoding: 'base64' }),
});

/** CloudEvents. */
const announced: WebhookContract = {
  account: '1234567890123456',
  headers: signed,
  event: ({ id }, _secret, account) => [
    {
      specversion: '1.0',
      id: '88cd52aa-33b6-4351-9aa4-47572edbd068',
      source: 'intuit.dsnBgbseACLLRZNxo2dfc4evmEJdxde58xeeYcZliOU=',
      type: 'qbo.customer.updated.v1',
      datacontenttype: 'application/json',
      time: NOW.toISOString(),
      intuitentityid: id,
      intuitaccountid: account,
      data: {},
    },
  ],
};

/** As before 2026. */
const announcedBefore: WebhookContract = {
  ...announced,
  event: ({ id }, _secret, account) => ({
    eventNotifications: [
      {
        realmId: account,
        dataChangeEvent: {
          entities: [{ name: 'Vendor', id, operation: 'Update', lastUpdated: NOW.toISOString() }],
        },
      },
    ],
  }),
};

const CUSTOMERS: Contract = {
  key: 'quickbooks',
  parameters: { company_id: '1234567890123456', oauth_app: 'oap_01h00000000000000000000000' },
  credentials: { consent: {} },
  product: () => quickbooks('Customer'),
  throttled: {
    status: 429,
    body: { Fault: { Error: [{ Message: 'ThrottleExceeded', code: '3001' }], type: 'THROTTLE' } },
    waitMs: null,
  },
  recordType: 'customers',
  seed: ({ records }, number) =>
    records.add({
      DisplayName: `O'Hopper Inc ${number}`,
      GivenName: 'Grace',
      FamilyName: 'Hopper',
      PrimaryEmailAddr: { Address: `e${number}@example.com` },
      PrimaryPhone: { FreeFormNumber: '2' },
      Active: true,
    }),
  touch: { GivenName: 'Amazing' },
  hasChanges: true,
  webhook: announced,
  push: {
    fields: customer,
    change: { email: 'ada@example.com' },
    changed: { DisplayName: 'Lovelace Ltd 1', PrimaryEmailAddr: { Address: 'ada@example.com' } },
    refused: { fields: { name: 'Lovelace: Ada' }, field: 'name', says: /cannot contain a colon/ },
    key: 'name',
    deactivated: { Active: false },
    deletes: false,
  },
};

describeContract(CUSTOMERS, (given) => {
  it('changes the latest version when another change was faster', async () => {
    const { simulator, product, linked } = given();
    const context = await linked();
    const row = product.records.add({
      DisplayName: 'Lovelace Ltd 1',
      Notes: 'theirs',
      Active: true,
      version: 4,
    });

    const item = itemsOf('customers')(context, customer(1), { remoteId: row.id, remoteVersion: '3' });
    const result = await pushOne(item, context);

    expect(result).toMatchObject({ ok: true, effect: 'updated', remoteVersion: '5' });
    expect(row.fields).toMatchObject({ GivenName: 'Ada', Notes: 'theirs' });
    expect(simulator.asked.map(({ method }) => method)).toEqual(['POST', 'GET', 'POST']);
  });

  it('reads of changes who was made inactive', async () => {
    const { product, linked } = given();
    const row = product.records.add({ DisplayName: 'Hopper Inc', Active: true });
    product.records.change(row, { Active: false });

    const context = await linked();
    const [record] = await readAll(context, 'customers', new Date(0));

    expect(record).toMatchObject({ remoteId: row.id, isDeleted: true });
    expect(await readAll(context, 'customers')).toHaveLength(0);
  });
});

describeContract({
  ...CUSTOMERS,
  product: () => quickbooks('Vendor'),
  recordType: 'vendors',
  webhook: announcedBefore,
});
