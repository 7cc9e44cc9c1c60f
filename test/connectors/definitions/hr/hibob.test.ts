/**
 * Employees of Bob as its documentation describes them: searches by POST in one answer, nested values beside
 * keys with slashes, fields that are left out silently, a PUT that keeps what it does not name, and 304 where
 * nothing changes.
 */
import { isJsonObject, jsonEquals, type JsonObject, type JsonValue } from '../../../../domain/json';
import type { ScriptedAnswer } from '../../suite/scripted-server';
import { describeContract } from '../contract';
import { type Asked, fieldsIn, merged, type Product, RecordStore, type Row, textOf } from '../simulator';
import { hmacOf } from '../webhook-contract';

const SIGNED_IN = `Basic ${Buffer.from('SERVICE-1234:bob-token-0815').toString('base64')}`;
const WORDS: Record<string, string> = { '251': 'Engineering', '252': 'R&D', '771': 'Analyst' };

function bob(): Product {
  const records = new RecordStore((number) => `28131935324481790${String(number).padStart(2, '0')}`);

  function answer(asked: Asked): ScriptedAnswer {
    if (asked.headers['authorization'] !== SIGNED_IN)
      return refuse(401, 'unauthorized', 'The service user is not known.');
    const { method, parts } = asked;
    if (parts.join('/') === 'v1/company/people/fields') return { status: 200, body: [] };
    if (parts[0] !== 'v1' || parts[1] !== 'people' || parts.length > 3 || method === 'GET')
      return refuse(404, 'not.found', 'The address is not known.');
    if (parts[2] === undefined) return create(fieldsIn(asked));
    if (parts[2] === 'search') return search(fieldsIn(asked));
    const row = records.get(parts[2]);
    if (row === undefined) return refuse(404, 'employee.not.found', 'The employee is not known.');
    if (method === 'POST') return { status: 200, body: shown(row, fieldsIn(asked)) };
    if (jsonEquals(merged(row.fields, fieldsIn(asked)), row.fields)) return { status: 304 };
    records.change(row, fieldsIn(asked));
    return { status: 200 };
  }

  function search(body: JsonObject): ScriptedAnswer {
    const filters = Array.isArray(body['filters']) ? body['filters'] : [];
    const [filter] = filters;
    if (filters.length > 1 || (isJsonObject(filter) && filter['operator'] !== 'equals'))
      return refuse(400, 'bad.request', 'The filter is not valid.');
    const emails = isJsonObject(filter) && Array.isArray(filter['values']) ? filter['values'] : undefined;
    const rows = records.living().filter(({ fields }) => {
      if (body['showInactive'] !== true && statusOf(fields) !== 'Active') return false;
      return emails === undefined || emails.includes(fields['email'] ?? null);
    });
    return { status: 200, body: { employees: rows.map((row) => shown(row, body)) } };
  }

  function create(fields: JsonObject): ScriptedAnswer {
    const work = isJsonObject(fields['work']) ? fields['work'] : {};
    const missing = [
      ...['email', 'firstName', 'surname'].filter((name) => fields[name] === undefined),
      ...['site', 'startDate'].filter((name) => work[name] === undefined),
    ];
    if (missing.length > 0)
      return refuse(400, 'validations.missing', `Missing in the request: ${missing.join(', ')}.`);
    if (records.find((row) => row.fields['email'] === fields['email']) !== undefined)
      return refuse(400, 'validations.email.exists', 'Another employee has this e-mail address.');
    const { id } = records.add(merged(fields, { internal: { status: 'Active' } }));
    return { status: 201, body: { id } };
  }

  return { records, answer };
}

const statusOf = ({ internal }: JsonObject): JsonValue | undefined =>
  isJsonObject(internal) ? internal['status'] : undefined;

/** The requested fields, nested and with slashes; what was not entered is left out. */
function shown({ id, fields }: Row, { fields: wanted, humanReadable }: JsonObject): JsonObject {
  let result: JsonObject = { id };
  let words: JsonObject = {};
  for (const name of Array.isArray(wanted) ? wanted.map(textOf) : []) {
    const [category = '', key = ''] = name.split('.');
    const group = category === 'root' ? { ...fields, id } : fields[category];
    const value = isJsonObject(group) ? group[key] : undefined;
    if (value === undefined) continue;
    const nested = category === 'root' ? { [key]: value } : { [category]: { [key]: value } };
    result = merged(result, { ...nested, [`/${category}/${key}`]: { value } });
    const word = WORDS[textOf(value)] ?? value;
    words = merged(words, category === 'root' ? { [key]: word } : { [category]: { [key]: word } });
  }
  return humanReadable === 'APPEND' ? { ...result, humanReadable: words } : result;
}

const refuse = (status: number, key: string, error: string): ScriptedAnswer => ({
  status,
  body: { key, args: {}, error },
});

const employee = (number: number) => ({
  email: `e${number}@example.com`,
  first_name: 'Ada',
  last_name: 'Lovelace',
  site: 'London',
  start_date: '2026-02-01',
});

const { site: _, ...withoutSite } = employee(1);

describeContract({
  key: 'hibob',
  parameters: {},
  credentials: { service_user: { service_user_id: 'SERVICE-1234', token: 'bob-token-0815' } },
  product: bob,
  throttled: { status: 429, headers: { 'x-ratelimit-remaining': '0' }, waitMs: null },
  recordType: 'employees',
  seed: ({ records }, number) =>
    records.add({
      email: `e${number}@example.com`,
      firstName: 'Grace',
      surname: `Hopper ${number}`,
      work: { site: 'London', startDate: '2026-02-01', department: '251', title: '771' },
      internal: { status: number === 2 ? 'Inactive' : 'Active' },
    }),
  touch: { firstName: 'Anna' },
  hasChanges: false,
  isOnePage: true,
  webhook: {
    headers: (body, secret) => ({
      'Bob-Signature': hmacOf(body, secret, { algorithm: 'sha512', encoding: 'base64' }),
    }),
    event: ({ id }) => ({
      companyId: 636_192,
      type: 'employee.updated',
      triggeredBy: '3332883804594373380',
      triggeredAt: '2026-11-30T12:00:00.915906',
      version: 'v2',
      data: { employeeId: id, fieldUpdates: [{ id: 'root.firstName' }] },
    }),
  },
  push: {
    fields: employee,
    change: { site: 'Paris' },
    changed: { email: 'e1@example.com', work: { site: 'Paris' } },
    refused: { fields: withoutSite, field: 'site', says: /Missing in the request: site/ },
    key: 'email',
    deletes: false,
  },
});
