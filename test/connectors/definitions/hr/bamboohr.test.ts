/**
 * Employees of BambooHR as its documentation describes them: the key as user name, a data set with pages by
 * number and an OData filter, a map of changed ids, single employees with the named fields only, an id in the
 * Location header, and messages in a header beside an empty body.
 */
import type { JsonObject, JsonValue } from '../../../../domain/json';
import type { ScriptedAnswer } from '../../suite/scripted-server';
import { CONSENTED_TOKEN, describeContract } from '../contract';
import { type Asked, fieldsIn, pageOf, type Product, RecordStore, type Row, textOf } from '../simulator';
import { hmacOf } from '../webhook-contract';

const KEY = 'bamboo-key-0815';
const SIGNED_IN = [`Basic ${Buffer.from(`${KEY}:x`).toString('base64')}`, `Bearer ${CONSENTED_TOKEN}`];
const PAGE = 2;
/** Custom fields have an alias, and tables have none. */
const FIELDS = [
  { id: 1360, name: 'First Name', type: 'text', alias: 'firstName' },
  { id: 3, name: 'Hire Date', type: 'date', alias: 'hireDate' },
  { id: '4340.4', name: 'Shirt size', type: 'list', alias: 'customShirtSize' },
  { id: 4011, name: 'Compensation Change Reason', type: 'list', deprecated: true },
];

function bamboo(): Product {
  const records = new RecordStore((number) => String(40_000 + number));

  function answer(asked: Asked): ScriptedAnswer {
    if (!SIGNED_IN.includes(asked.headers['authorization'] ?? '')) return refuse(401, 'Invalid API key');
    if (asked.path === '/api/v2/datasets/employee/data') return dataset(asked);
    if (asked.path === '/api/v1/meta/fields') return { status: 200, body: FIELDS };
    const [api, version, employees, id, ...more] = asked.parts;
    if (api !== 'api' || version !== 'v1' || employees !== 'employees' || more.length > 0)
      return refuse(404, 'Not found');
    if (id === 'changed') return changed(asked);
    if (id === undefined) return create(asked);
    const row = records.get(id);
    if (row === undefined) return refuse(404, 'Employee not found');
    if (asked.method === 'GET') return { status: 200, body: shown(row, asked) };
    const conflict = conflictOf(fieldsIn(asked), row);
    if (conflict !== undefined) return conflict;
    records.change(row, fieldsIn(asked));
    return { status: 200 };
  }

  function dataset(asked: Asked): ScriptedAnswer {
    const { fields, filter, page = 1, pageSize = 100 } = fieldsIn(asked);
    const [, email] = /^email eq '((?:[^']|'')*)'$/.exec(textOf(filter)) ?? [];
    if (asked.method !== 'POST' || !Array.isArray(fields) || Number(pageSize) > 1_000)
      return problem(400, 'Invalid parameters.');
    if (filter !== undefined && email === undefined) return problem(422, 'Invalid filter expression.');
    const wanted = email?.replaceAll("''", "'");
    const found = records
      .living()
      .filter(({ fields: { workEmail } }) => wanted === undefined || workEmail === wanted);
    const size = Math.min(Number(pageSize), PAGE);
    const { page: rows } = pageOf(found, (Number(page) - 1) * size, size);
    const valueOf = ({ id, fields: own }: Row, name: JsonValue) => {
      if (name === 'eeid') return id;
      return name === 'email' ? (own['workEmail'] ?? '') : (own[textOf(name)] ?? '');
    };
    return {
      status: 200,
      body: {
        data: rows.map((row) => ({
          fields: Object.fromEntries(fields.map((name) => [textOf(name), valueOf(row, name)])),
        })),
        links: { next: null, prev: null },
        meta: { page, pageSize: size, totalPages: Math.ceil(found.length / size), totalItems: found.length },
      },
    };
  }

  function changed({ query }: Asked): ScriptedAnswer {
    const since = Date.parse(query.get('since') ?? '');
    if (Number.isNaN(since)) return refuse(400, 'The since parameter is missing or is not a valid date.');
    const rows = records.all().filter(({ changedAt }) => changedAt.getTime() > since);
    const entries = rows.map((row) => [
      row.id,
      { id: row.id, action: actionOf(row), lastChanged: iso(row.changedAt) },
    ]);
    return { status: 200, body: { latest: iso(records.now()), employees: Object.fromEntries(entries) } };
  }

  function create(asked: Asked): ScriptedAnswer {
    const fields = fieldsIn(asked);
    if (typeof fields['firstName'] !== 'string' || typeof fields['lastName'] !== 'string')
      return refuse(400, 'A first and a last name are required.');
    const conflict = conflictOf(fields);
    if (conflict !== undefined) return conflict;
    const { id } = records.add(fields);
    return { status: 201, headers: { location: `${asked.origin}/api/v1/employees/${id}` } };
  }

  /** Both are a conflict: an address that another employee has, and a value that a list does not have. */
  function conflictOf({ workEmail, department }: JsonObject, own?: Row): ScriptedAnswer | undefined {
    if (department === 'Alchemy') return refuse(409, 'Invalid value for Department: Alchemy');
    const other = records.find(({ fields }) => fields['workEmail'] === workEmail);
    if (workEmail === undefined || other === undefined || other === own) return undefined;
    return refuse(409, 'Duplicate email.');
  }

  return { records, answer };
}

/** Only the named fields, and none that is empty for want of a permission. */
function shown({ id, fields }: Row, { query }: Asked): JsonObject {
  const named = (query.get('fields') ?? '').split(',').filter((name) => name !== '' && name !== 'salary');
  return { id, ...Object.fromEntries(named.map((name) => [name, fields[name] ?? null])) };
}

const actionOf = ({ isDeleted, createdAt, changedAt }: Row): string => {
  if (isDeleted) return 'Deleted';
  return createdAt === changedAt ? 'Inserted' : 'Updated';
};
const iso = (instant: Date): string => `${instant.toISOString().slice(0, 19)}+00:00`;
const refuse = (status: number, message: string): ScriptedAnswer => ({
  status,
  headers: { 'x-bamboohr-error-message': message },
});
const problem = (status: number, detail: string): ScriptedAnswer => ({
  status,
  body: { type: 'about:blank', title: 'Error', status, detail },
});

const employee = (number: number) => ({
  first_name: 'Ada',
  last_name: `Lovelace ${number}`,
  email: `e${number}@example.com`,
});

describeContract({
  key: 'bamboohr',
  parameters: { company: 'acme', oauth_app: 'oap_01h00000000000000000000000' },
  credentials: { api_key: { api_key: KEY }, consent: {} },
  product: bamboo,
  throttled: { status: 429, headers: { 'retry-after': '30' }, waitMs: 30_000 },
  recordType: 'employees',
  seed: ({ records }, number) =>
    records.add({ firstName: 'Grace', lastName: `Hopper ${number}`, workEmail: `e${number}@example.com` }),
  touch: { department: 'R&D' },
  hasChanges: true,
  tellsDeletions: true,
  describes: { name: 'customShirtSize', label: 'Shirt size' },
  webhook: {
    headers: (body, secret) => ({
      'X-BambooHR-Timestamp': '1796040000',
      'X-BambooHR-Signature': hmacOf(`${body}1796040000`, secret),
    }),
    event: ({ id }) => ({
      type: 'employee.updated',
      timestamp: '2026-11-30T12:00:00+0000',
      data: { companyId: '12345', employeeId: id, changedFields: ['department'] },
    }),
  },
  push: {
    fields: employee,
    change: { department: 'R&D' },
    changed: { workEmail: 'e1@example.com', department: 'R&D' },
    refused: {
      fields: { ...employee(1), department: 'Alchemy' },
      field: 'department',
      says: /Invalid value for Department/,
    },
    key: 'email',
    deletes: false,
  },
});
