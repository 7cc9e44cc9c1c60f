/**
 * Contacts of Salesforce as its documentation describes them: SOQL with named fields and `nextRecordsUrl`,
 * deleted records in `queryAll` only, answers without a body to changes, and lists of errors with codes.
 */
import { generateKeyPairSync, verify } from 'node:crypto';
import type { JsonObject } from '../../../../domain/json';
import { pushOne } from '../../rest/rest-given';
import type { ScriptedAnswer } from '../../suite/scripted-server';
import { CONSENTED_TOKEN, describeContract, itemsOf } from '../contract';
import { type Asked, fieldsIn, pageOf, type Product, RecordStore, type Row } from '../simulator';

const API = '/services/data/v62.0';
const EXTERNAL_ID = 'Syncline_Id__c';
const OWN_TOKEN = 'client-token';
const SECRET = 'consumer-secret';
const KEYS = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const PAGE = 2;
const COLUMNS = {
  Contact: ['FirstName', 'LastName', 'Email', 'Phone', 'Title', EXTERNAL_ID],
  Account: ['Name', 'Website', 'Phone', EXTERNAL_ID],
};
const REQUIRED = { Contact: 'LastName', Account: 'Name' };
const SOQL =
  /^SELECT (?<columns>[\w., ()]+) FROM (?<from>Contact|Account)(?: WHERE (?<where>.+?))?(?: ORDER BY SystemModstamp)?(?: LIMIT (?<limit>\d+))?$/su;

function salesforce(object: 'Contact' | 'Account'): Product {
  const [own, required] = [COLUMNS[object], REQUIRED[object]];
  const records = new RecordStore((number) => `003${String(number).padStart(15, '0')}`);
  const cursors = new Map<string, { found: Row[]; columns: string[] }>();

  function answer(asked: Asked): ScriptedAnswer {
    if (asked.path === '/services/oauth2/token') return token(asked);
    const signedIn = [`Bearer ${CONSENTED_TOKEN}`, `Bearer ${OWN_TOKEN}`];
    if (!signedIn.includes(asked.headers['authorization'] ?? ''))
      return refuse(401, 'INVALID_SESSION_ID', 'Session expired or invalid');
    const [, , , what = '', kind, id, ...more] = asked.parts;
    if (what === 'query' || what === 'queryAll') return query(asked, what, kind);
    if (what === 'sobjects' && id === 'describe') return { status: 200, body: { fields: FIELDS } };
    if (what !== 'sobjects' || kind !== object || more.length > 0)
      return refuse(404, 'NOT_FOUND', 'The requested resource does not exist');
    if (id === undefined) return create(fieldsIn(asked));
    return one(asked, id);
  }

  function query(asked: Asked, what: string, locator: string | undefined): ScriptedAnswer {
    if (locator !== undefined) {
      const [key = '', from = '0'] = locator.split('-');
      const known = cursors.get(key);
      return known === undefined
        ? refuse(400, 'INVALID_QUERY_LOCATOR', 'invalid query locator')
        : page(key, known, Number(from));
    }
    const { columns = '', from, where, limit } = SOQL.exec(asked.query.get('q') ?? '')?.groups ?? {};
    const isWanted = where === undefined ? () => true : condition(where);
    if (columns === '' || isWanted === undefined) return refuse(400, 'MALFORMED_QUERY', 'unexpected token');
    const names = columns.split(/\s*,\s*/);
    const unknown = names.find((name) => ![...own, 'Id', 'IsDeleted', 'SystemModstamp'].includes(name));
    if (unknown !== undefined)
      return refuse(400, 'INVALID_FIELD', `No such column '${unknown}' on entity '${object}'.`);
    const rows = what === 'queryAll' ? records.all() : records.living();
    const found = from === object ? rows.filter(isWanted) : [];
    const key = `01g${cursors.size}`;
    const cursor = { found: found.slice(0, Number(limit ?? found.length)), columns: names };
    cursors.set(key, cursor);
    return page(key, cursor, 0);
  }

  function page(key: string, { found, columns }: { found: Row[]; columns: string[] }, from: number) {
    const { page: rows, next } = pageOf(found, from, PAGE);
    const more =
      next === undefined ? { done: true } : { done: false, nextRecordsUrl: `${API}/query/${key}-${next}` };
    const body = { totalSize: found.length, ...more, records: rows.map((row) => shown(row, columns)) };
    return { status: 200, body };
  }

  function create(fields: JsonObject): ScriptedAnswer {
    const problem = problemOf(fields, undefined);
    if (problem !== undefined) return problem;
    const { id } = records.add(fields);
    return {
      status: 201,
      headers: { location: `${API}/sobjects/${object}/${id}` },
      body: { id, success: true, errors: [] },
    };
  }

  function one(asked: Asked, id: string): ScriptedAnswer {
    const row = records.all().find((each) => each.id === id);
    if (row === undefined)
      return refuse(404, 'NOT_FOUND', 'Provided external ID field does not exist or is not accessible');
    if (row.isDeleted) return refuse(404, 'ENTITY_IS_DELETED', 'entity is deleted');
    if (asked.method === 'GET') return { status: 200, body: shown(row, ['Id', 'IsDeleted', ...own]) };
    if (asked.method === 'DELETE') {
      records.delete(row);
      return { status: 204 };
    }
    const problem = problemOf({ [required]: row.fields[required] ?? null, ...fieldsIn(asked) }, row);
    if (problem !== undefined) return problem;
    records.change(row, fieldsIn(asked));
    return { status: 204 };
  }

  function problemOf(fields: JsonObject, self: Row | undefined): ScriptedAnswer | undefined {
    const unknown = Object.keys(fields).find((name) => !own.includes(name));
    if (unknown !== undefined)
      return refuse(400, 'INVALID_FIELD', `No such column '${unknown}' on sobject of type ${object}`);
    if ((fields[required] ?? '') === '')
      return refuse(400, 'REQUIRED_FIELD_MISSING', `Required fields are missing: [${required}]`, [required]);
    const value = fields[EXTERNAL_ID];
    const other = records.find((row) => value !== undefined && row.fields[EXTERNAL_ID] === value);
    if (other === undefined || other === self) return undefined;
    const message = `duplicate value found: ${EXTERNAL_ID} duplicates value on record with id: ${other.id}`;
    return refuse(400, 'DUPLICATE_VALUE', message);
  }

  return { records, answer };
}

function token({ body }: Asked): ScriptedAnswer {
  const { grant_type: grant, client_secret: secret, assertion } = body as Record<string, string>;
  const isSigned = grant === 'urn:ietf:params:oauth:grant-type:jwt-bearer' && isAssertion(assertion ?? '');
  if (!isSigned && (grant !== 'client_credentials' || secret !== SECRET))
    return {
      status: 400,
      body: { error: 'invalid_client', error_description: 'invalid client credentials' },
    };
  return { status: 200, body: { access_token: OWN_TOKEN, token_type: 'Bearer', issued_at: '1764400000000' } };
}

function isAssertion(assertion: string): boolean {
  const [header = '', claims = '', signature = ''] = assertion.split('.');
  const { iss, sub, aud } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, string>;
  const signed = Buffer.from(`${header}.${claims}`);
  return (
    `${iss} ${sub} ${aud}` === 'key ada@example.com https://login.salesforce.com' &&
    verify('sha256', signed, KEYS.publicKey, Buffer.from(signature, 'base64url'))
  );
}

/** As `describe` shows them. */
const FIELDS = [
  { name: 'Email', label: 'Email', type: 'email', nillable: true, picklistValues: [] },
  {
    name: 'LeadSource',
    label: 'Lead Source',
    type: 'picklist',
    picklistValues: [{ active: true, label: 'Web', value: 'Web' }],
  },
];

/** `Field = 'text'` with escapes, and `SystemModstamp >= instant`; undefined for anything else. */
function condition(where: string): ((row: Row) => boolean) | undefined {
  const [, column, text] = /^(\w+) = '((?:[^'\\]|\\['\\])*)'$/su.exec(where) ?? [];
  if (column !== undefined && text !== undefined) {
    const value = text.replaceAll(/\\(['\\])/g, '$1');
    return ({ fields }) => fields[column] === value;
  }
  const [, since] = /^SystemModstamp >= (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$/.exec(where) ?? [];
  return since === undefined ? undefined : ({ changedAt }) => changedAt >= new Date(since);
}

function shown({ id, fields, changedAt, isDeleted }: Row, columns: readonly string[]): JsonObject {
  const all = {
    ...fields,
    Id: id,
    IsDeleted: isDeleted,
    SystemModstamp: `${changedAt.toISOString().slice(0, 23)}+0000`,
  };
  const named = columns.map((name) => [name, (all as JsonObject)[name] ?? null]);
  return {
    attributes: { type: 'Contact', url: `${API}/sobjects/Contact/${id}` },
    ...Object.fromEntries(named),
  };
}

const refuse = (
  status: number,
  errorCode: string,
  message: string,
  fields: string[] = [],
): ScriptedAnswer => ({
  status,
  body: [{ message, errorCode, fields }],
});

const COMMON = {
  key: 'salesforce',
  parameters: { domain: 'acme.my.salesforce.com', oauth_app: 'oap_01h00000000000000000000000' },
  credentials: {
    consent: {},
    client_credentials: { client_id: 'key', client_secret: SECRET },
    jwt: { client_id: 'key', username: 'ada@example.com', private_key: KEYS.privateKey },
  },
  throttled: {
    ...refuse(403, 'REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.'),
    waitMs: null,
  },
  hasChanges: true,
  tellsDeletions: true,
};

const contact = (number: number) => ({
  first_name: 'Ada',
  last_name: `Lovelace ${number}`,
  email: `e${number}@example.com`,
});

describeContract(
  {
    ...COMMON,
    product: () => salesforce('Contact'),
    describes: { name: 'LeadSource', label: 'Lead Source' },
    recordType: 'contacts',
    seed: ({ records }, number) =>
      records.add({ FirstName: 'Grace', LastName: `Hopper ${number}`, Email: `e${number}@example.com` }),
    touch: { Title: 'Admiral' },
    push: {
      fields: contact,
      change: { title: 'Countess' },
      changed: { LastName: 'Lovelace 1', Title: 'Countess', [EXTERNAL_ID]: 'e1' },
      refused: { fields: { first_name: 'Ada' }, field: 'last_name', says: /Required fields are missing/ },
      key: 'email',
      deletes: true,
    },
  },
  (given) => {
    const itemOf = itemsOf('contacts');

    it('changes the contact that a person has created meanwhile', async () => {
      const { simulator, product, linked } = given();
      const context = await linked();
      const row = product.records.add({ LastName: 'Lovelace', [EXTERNAL_ID]: 'e1' });

      simulator.answerNextWith({ status: 200, body: { totalSize: 0, done: true, records: [] } });
      const result = await pushOne(itemOf(context, contact(1)), context);

      expect(result).toMatchObject({ ok: true, effect: 'updated', remoteId: row.id });
      expect(product.records.living()).toHaveLength(1);
    });

    it.each(["o'hara", 'a\\', "\\' OR Id != '"])(
      'finds the contact with the id %s again',
      async (externalId) => {
        const { product, linked } = given();
        const context = await linked();

        await pushOne(itemOf(context, contact(1), { externalId }), context);
        const again = await pushOne(itemOf(context, contact(1), { externalId }), context);

        expect(again).toMatchObject({ ok: true, effect: 'updated' });
        expect(product.records.living().map(({ fields }) => fields[EXTERNAL_ID])).toEqual([externalId]);
      },
    );
  },
);

describeContract({
  ...COMMON,
  product: () => salesforce('Account'),
  recordType: 'companies',
  seed: ({ records }, number) => records.add({ Name: `Hopper ${number}`, Website: 'https://hopper.example' }),
  touch: { Phone: '1' },
  push: {
    fields: (number) => ({ name: `Lovelace ${number}` }),
    change: { website: 'https://lovelace.example' },
    changed: { Website: 'https://lovelace.example', [EXTERNAL_ID]: 'e1' },
    refused: { fields: { phone: '1' }, field: 'name', says: /Required fields are missing/ },
    key: 'website',
    deletes: true,
  },
});
