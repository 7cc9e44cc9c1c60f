/**
 * Members of a Slack organization by SCIM 2.0, as its documentation describes them: a PATCH that overwrites
 * the named values, a PUT that overwrites all, a DELETE that deactivates, and a name and an address for each
 * member.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../../domain/json';
import type { ScriptedAnswer } from '../suite/scripted-server';
import { describeContract } from './contract';
import {
  type Asked,
  fieldsIn,
  merged,
  pageOf,
  type Product,
  RecordStore,
  type Row,
  textOf,
} from './simulator';

const TOKEN = 'xoxp-0815-token';
const PAGE = 2;
const CORE = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const LIST = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
const supported = { supported: true };
const CONFIG = {
  patch: supported,
  bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
  filter: { supported: true, maxResults: 1_000 },
  sort: { supported: false },
  etag: { supported: false },
};

function slack(): Product {
  const records = new RecordStore((number) => `U0${String(number).padStart(9, '0')}`);

  function answer(asked: Asked): ScriptedAnswer {
    if (asked.headers['authorization'] !== `Bearer ${TOKEN}`) return refuse(401, 'invalid_authentication');
    const [scim, version, resource, id, ...more] = asked.parts;
    if (scim !== 'scim' || version !== 'v2' || more.length > 0) return refuse(404, 'not_found');
    if (resource === 'ServiceProviderConfig') return { status: 200, body: CONFIG };
    if (resource !== 'Users') return refuse(404, 'not_found');
    if (id === undefined) return asked.method === 'GET' ? list(asked) : create(fieldsIn(asked));
    const row = records.get(id);
    if (row === undefined) return refuse(404, 'user_not_found');
    if (asked.method === 'DELETE') records.change(row, { active: false });
    if (asked.method === 'PUT') row.fields = {};
    if (asked.method === 'PUT') records.change(row, fieldsIn(asked));
    if (asked.method === 'PATCH') records.change(row, patched(fieldsIn(asked)));
    return asked.method === 'DELETE' ? { status: 204 } : { status: 200, body: shown(row) };
  }

  function list({ query }: Asked): ScriptedAnswer {
    const [, attribute = '', value] =
      /^(userName|externalId) eq ("(?:[^"\\\\]|\\\\.)*")$/.exec(query.get('filter') ?? '') ?? [];
    if (query.has('filter') && value === undefined) return refuse(400, 'invalid_filter');
    const found = records
      .living()
      .filter(({ fields }) => value === undefined || fields[attribute] === JSON.parse(value));
    const from = Number(query.get('startIndex') ?? 1) - 1;
    const { page } = pageOf(found, from, Math.min(Number(query.get('count') ?? 10), PAGE));
    const counts = { totalResults: found.length, itemsPerPage: page.length, startIndex: from + 1 };
    return { status: 200, body: { schemas: [LIST], ...counts, Resources: page.map(shown) } };
  }

  function create(fields: JsonObject): ScriptedAnswer {
    const { userName, emails } = fields;
    if (textOf(userName) === '') return refuse(400, 'Missing required attribute: userName');
    if (!Array.isArray(emails) || emails.length === 0)
      return refuse(400, 'Missing required attribute: emails');
    if (records.find((row) => row.fields['userName'] === userName) !== undefined)
      return refuse(409, 'username_taken', 'uniqueness');
    const { schemas: _, ...kept } = fields;
    return { status: 201, body: shown(records.add({ active: true, ...kept })) };
  }

  return { records, answer };
}

/** `title`, `name.givenName`, or an attribute below the name of an extension. */
function patched({ Operations: operations }: JsonObject): JsonObject {
  let result: JsonObject = {};
  for (const operation of Array.isArray(operations) ? operations.filter(isJsonObject) : []) {
    const path = textOf(operation['path']);
    const extension = path.startsWith(`${ENTERPRISE}:`) ? ENTERPRISE : undefined;
    const keys = extension === undefined ? path.split('.') : [extension, path.slice(ENTERPRISE.length + 1)];
    const value: JsonValue = operation['op'] === 'remove' ? null : (operation['value'] ?? null);
    result = merged(
      result,
      keys.reduceRight<JsonValue>((inner, key) => ({ [key]: inner }), value) as JsonObject,
    );
  }
  return result;
}

const shown = ({ id, fields, createdAt, changedAt }: Row): JsonObject => ({
  schemas: [CORE, ENTERPRISE],
  id,
  ...fields,
  meta: {
    resourceType: 'User',
    created: createdAt.toISOString(),
    lastModified: changedAt.toISOString(),
    location: `https://api.slack.com/scim/v2/Users/${id}`,
  },
});

function refuse(status: number, detail: string, scimType?: string): ScriptedAnswer {
  const schemas = ['urn:ietf:params:scim:api:messages:2.0:Error'];
  return { status, body: { schemas, detail, status: String(status), ...(scimType && { scimType }) } };
}

const member = (number: number) => ({
  user_name: `e${number}`,
  email: `e${number}@example.com`,
  first_name: 'Ada',
});

const WORK_ADDRESS = (number: number) => ({ value: `e${number}@example.com`, type: 'work', primary: true });

describeContract({
  key: 'slack',
  parameters: {},
  credentials: { token: { token: TOKEN } },
  product: slack,
  throttled: { ...refuse(429, 'rate_limited'), headers: { 'retry-after': '30' }, waitMs: 30_000 },
  recordType: 'employees',
  mapping: {
    direction: 'push',
    onDelete: 'deactivate',
    fields: [
      { name: 'user_name', to: '/userName' },
      { name: 'first_name', to: '/name/givenName' },
      { name: 'email', to: 'emails[type eq "work"].value' },
      { to: 'emails[type eq "work"].primary', constant: true },
      { name: 'title', to: '/title' },
      { name: 'department', to: `/${ENTERPRISE}/department` },
    ],
  },
  seed: ({ records }, number) =>
    records.add({
      userName: `e${number}`,
      name: { givenName: 'Grace', familyName: 'Hopper' },
      emails: [WORK_ADDRESS(number)],
      title: 'Analyst',
      active: true,
      [ENTERPRISE]: { department: 'Research' },
    }),
  touch: { title: 'Lead' },
  hasChanges: false,
  push: {
    fields: member,
    change: { title: 'Lead', department: 'R&D' },
    changed: { userName: 'e1', title: 'Lead', [ENTERPRISE]: { department: 'R&D' } },
    refused: { fields: { user_name: 'e1', first_name: 'Ada' }, field: 'email', says: /emails/ },
    key: 'user_name',
    deactivated: { active: false },
    deletes: false,
  },
});
