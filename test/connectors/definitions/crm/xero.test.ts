/**
 * Contacts of Xero as its documentation describes them: the tenant in a header, pages with their number,
 * `If-Modified-Since`, archived contacts only on request, a PUT that creates and a POST that changes,
 * idempotency keys, and validation errors per element.
 */
import type { JsonObject } from '../../../../domain/json';
import { pushOne } from '../../rest/rest-given';
import type { ScriptedAnswer } from '../../suite/scripted-server';
import { CONSENTED_TOKEN, describeContract, itemsOf, readAll } from '../contract';
import { type Asked, fieldsIn, pageOf, type Product, RecordStore, type Row } from '../simulator';
import { hmacOf } from '../webhook-contract';

const TENANT = '45e4708e-d862-4111-ab3a-dd8cd03913e1';
const OWN_TOKEN = 'custom-connection-token';
const SECRET = 'xero-secret';
const PAGE = 2;
const INVALID_NAME = 'The contact name must be specified.';

function xero(): Product {
  const records = new RecordStore((number) => `bd2270c3-8706-4c11-9cfb-${String(number).padStart(12, '0')}`);
  const answered = new Map<string, ScriptedAnswer>();

  function answer(asked: Asked): ScriptedAnswer {
    if (asked.path === '/connect/token') return token(asked);
    const { authorization, 'xero-tenant-id': tenant, 'idempotency-key': key } = asked.headers;
    const isConsented = authorization === `Bearer ${CONSENTED_TOKEN}`;
    if (!isConsented && authorization !== `Bearer ${OWN_TOKEN}`)
      return {
        status: 401,
        body: { Title: 'Unauthorized', Status: 401, Detail: 'AuthenticationUnsuccessful' },
      };
    if (isConsented && tenant !== TENANT)
      return { status: 403, body: { Title: 'Forbidden', Status: 403, Detail: 'AuthenticationUnsuccessful' } };
    const [api, version, contacts, id, ...more] = asked.parts;
    if (`${api}/${version}/${contacts}` !== 'api.xro/2.0/Contacts' || more.length > 0)
      return { status: 404, body: 'The resource you are looking for cannot be found' };
    if (id !== undefined) return one(asked, id);
    if (asked.method === 'GET') return list(asked);
    const before = key === undefined ? undefined : answered.get(key);
    const now = before ?? create(fieldsIn(asked));
    if (key !== undefined) answered.set(key, now);
    return now;
  }

  function list({ query, headers }: Asked): ScriptedAnswer {
    const [where, since] = [query.get('where'), headers['if-modified-since']];
    const [, wanted] = /^ContactNumber=="([^"\\]*)"$/.exec(where ?? '') ?? [];
    if (where !== null && wanted === undefined)
      return refuse(16, 'QueryParseException', 'Invalid where clause');
    if (since !== undefined && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(since))
      return refuse(17, 'QueryParseException', 'Invalid If-Modified-Since');
    const found = records.all().filter((row) => {
      if (row.fields['ContactStatus'] === 'ARCHIVED' && query.get('includeArchived') !== 'true') return false;
      if (since !== undefined && row.changedAt < new Date(`${since}Z`)) return false;
      return wanted === undefined || row.fields['ContactNumber'] === wanted;
    });
    const number = Number(query.get('page') ?? 1);
    const { page } = pageOf(found, (number - 1) * PAGE, PAGE);
    const pagination = {
      page: number,
      pageSize: PAGE,
      pageCount: Math.ceil(found.length / PAGE),
      itemCount: found.length,
    };
    return { status: 200, body: { Status: 'OK', pagination, Contacts: page.map(shown) } };
  }

  function create(fields: JsonObject): ScriptedAnswer {
    const problem = problemOf(fields, undefined);
    if (problem !== undefined) return problem;
    return contacts(records.add({ ContactStatus: 'ACTIVE', ...fields }));
  }

  function one(asked: Asked, id: string): ScriptedAnswer {
    const row = records.get(id);
    if (row === undefined) return { status: 404, body: 'The resource you are looking for cannot be found' };
    if (asked.method === 'POST') {
      const problem = problemOf({ ...row.fields, ...fieldsIn(asked) }, row);
      if (problem !== undefined) return problem;
      records.change(row, fieldsIn(asked));
    }
    return contacts(row);
  }

  function problemOf({ Name: name }: JsonObject, own: Row | undefined): ScriptedAnswer | undefined {
    if (typeof name !== 'string' || name === '') return refuse(10, 'ValidationException', INVALID_NAME);
    const other = records.find(
      ({ fields }) => fields['Name'] === name && fields['ContactStatus'] === 'ACTIVE',
    );
    if (other === undefined || other === own) return undefined;
    const message = `The contact name ${name} is already assigned to another contact.`;
    return refuse(10, 'ValidationException', message);
  }

  return { records, answer };
}

function token({ headers }: Asked): ScriptedAnswer {
  const isKnown = headers['authorization'] === `Basic ${Buffer.from(`client:${SECRET}`).toString('base64')}`;
  return isKnown
    ? { status: 200, body: { access_token: OWN_TOKEN, expires_in: 1800, token_type: 'Bearer' } }
    : { status: 400, body: { error: 'invalid_client' } };
}

/** Xero writes times as /Date(…)/. */
const shown = ({ id, fields, changedAt }: Row): JsonObject => ({
  FirstName: '',
  LastName: '',
  EmailAddress: '',
  ...fields,
  ContactID: id,
  UpdatedDateUTC: `/Date(${changedAt.getTime()}+0000)/`,
  HasValidationErrors: false,
});

const contacts = (row: Row): ScriptedAnswer => ({
  status: 200,
  body: { Status: 'OK', Contacts: [shown(row)] },
});

const refuse = (ErrorNumber: number, Type: string, message: string): ScriptedAnswer => ({
  status: 400,
  body: {
    ErrorNumber,
    Type,
    Message: 'A validation exception occurred',
    Elements: [{ HasValidationErrors: true, ValidationErrors: [{ Message: message }] }],
  },
});

const contact = (number: number) => ({
  name: `Lovelace Ltd ${number}`,
  first_name: 'Ada',
  last_name: 'Lovelace',
  email: `e${number}@example.com`,
});

describeContract(
  {
    key: 'xero',
    parameters: { tenant_id: TENANT, oauth_app: 'oap_01h00000000000000000000000' },
    credentials: { consent: {}, custom_connection: { client_id: 'client', client_secret: SECRET } },
    product: xero,
    throttled: {
      status: 429,
      headers: { 'retry-after': '21', 'x-rate-limit-problem': 'minute' },
      waitMs: 21_000,
    },
    recordType: 'contacts',
    seed: ({ records }, number) =>
      records.add({
        Name: `Hopper Inc ${number}`,
        EmailAddress: `e${number}@example.com`,
        ContactStatus: 'ACTIVE',
      }),
    touch: { EmailAddress: 'grace@example.com' },
    hasChanges: true,
    webhook: {
      account: TENANT,
      headers: (body, secret) => ({ 'x-xero-signature': hmacOf(body, secret, { encoding: 'base64' }) }),
      event: ({ id }, _secret, account) => ({
        events: [
          {
            resourceUrl: `https://api.xero.com/api.xro/2.0/Contacts/${id}`,
            resourceId: id,
            eventDateUtc: '2026-11-30T12:00:00.000',
            eventType: 'UPDATE',
            eventCategory: 'CONTACT',
            tenantId: account,
            tenantType: 'ORGANISATION',
          },
        ],
        lastEventSequence: 1,
        firstEventSequence: 1,
        entropy: 'S0m3r4Nd0mt3xt',
      }),
    },
    push: {
      fields: contact,
      change: { email: 'ada@example.com' },
      changed: { Name: 'Lovelace Ltd 1', EmailAddress: 'ada@example.com', ContactNumber: 'e1' },
      refused: { fields: { first_name: 'Ada' }, field: null, says: /contact name must be specified/ },
      key: 'email',
      deactivated: { ContactStatus: 'ARCHIVED' },
      deletes: false,
    },
  },
  (given) => {
    it('reads of changes which contacts were archived', async () => {
      const { product, linked } = given();
      const row = product.records.add({ Name: 'Hopper Inc', ContactStatus: 'ACTIVE' });
      product.records.change(row, { ContactStatus: 'ARCHIVED' });

      const [record, ...more] = await readAll(await linked(), 'contacts', new Date(0));

      expect(record).toMatchObject({ remoteId: row.id, isDeleted: true });
      expect(more).toEqual([]);
    });

    it('creates nothing twice when the search does not see a contact yet', async () => {
      const { simulator, product, linked } = given();
      const context = await linked();
      const item = itemsOf('contacts')(context, contact(1));

      await pushOne(item, context);
      simulator.answerNextWith({ status: 200, body: { Contacts: [] } });
      const again = await pushOne(item, context);

      expect(again).toMatchObject({ ok: true });
      expect(product.records.living()).toHaveLength(1);
    });
  },
);
