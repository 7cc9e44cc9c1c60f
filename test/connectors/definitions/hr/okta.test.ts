/**
 * Users of Okta as its documentation describes them: SSWS tokens, pages by the Link header, a search by
 * login, lists without deprovisioned users unless they are filtered by time, life cycle calls without a body,
 * and errors with causes.
 */
import { isJsonObject, type JsonObject } from '../../../../domain/json';
import type { ScriptedAnswer } from '../../suite/scripted-server';
import { describeContract } from '../contract';
import { type Asked, fieldsIn, pageOf, type Product, RecordStore, type Row, textOf } from '../simulator';

const TOKEN = 'okta-token-0815';
const PAGE = 2;

function okta(): Product {
  const records = new RecordStore((number) => `00u${String(number).padStart(17, '0')}`);

  function answer(asked: Asked): ScriptedAnswer {
    if (asked.headers['authorization'] !== `SSWS ${TOKEN}`)
      return refuse(401, 'E0000011', 'Invalid token provided');
    const [api, version, users, id, ...steps] = asked.parts;
    if (api !== 'api' || version !== 'v1' || users !== 'users')
      return refuse(404, 'E0000022', 'The endpoint does not support the provided HTTP method');
    if (id === undefined) return asked.method === 'GET' ? list(asked) : create(profileIn(fieldsIn(asked)));
    const row = records.get(id);
    if (row === undefined) return refuse(404, 'E0000007', `Not found: Resource not found: ${id} (User)`);
    if (asked.method === 'GET') return { status: 200, body: shown(row) };
    if (steps.length > 0) return move(row, steps.join('/'), asked);
    records.change(row, { profile: profileIn(fieldsIn(asked)) });
    return { status: 200, body: shown(row) };
  }

  function move(row: Row, step: string, { body }: Asked): ScriptedAnswer {
    if (body !== undefined) return refuse(400, 'E0000003', 'The request body was not well-formed.');
    if (step === 'lifecycle/deactivate') records.change(row, { status: 'DEPROVISIONED' });
    else if (step === 'lifecycle/activate') records.change(row, { status: 'ACTIVE' });
    else return refuse(404, 'E0000022', 'The endpoint does not support the provided HTTP method');
    return { status: 200, body: {} };
  }

  function list({ query, origin }: Asked): ScriptedAnswer {
    const filter = query.get('filter') ?? '';
    const [, login] = /^profile\.login eq "([^"]*)"$/.exec(filter) ?? [];
    const [, since] = /^lastUpdated gt "([^"]*)"$/.exec(filter) ?? [];
    if (filter !== '' && login === undefined && since === undefined)
      return refuse(400, 'E0000031', 'Invalid search criteria.');
    const found = records.all().filter((row) => {
      if (login !== undefined) return !row.isDeleted && profileIn(row.fields)['login'] === login;
      if (since !== undefined) return row.changedAt > new Date(since);
      return shown(row)['status'] !== 'DEPROVISIONED';
    });
    const from = found.findIndex(({ id }) => id === query.get('after')) + 1;
    const { page, next } = pageOf(found, from, PAGE);
    const rest = new URLSearchParams([...query].filter(([name]) => name !== 'after'));
    rest.set('after', page.at(-1)?.id ?? '');
    const link = `<${origin}/api/v1/users>; rel="self", <${origin}/api/v1/users?${rest.toString()}>; rel="next"`;
    return { status: 200, headers: next === undefined ? {} : { link }, body: page.map(shown) };
  }

  function create(profile: JsonObject): ScriptedAnswer {
    if (records.find(({ fields }) => profileIn(fields)['login'] === profile['login']) !== undefined)
      return refuse(400, 'E0000001', 'Api validation failed: login', [
        'login: An object with this field already exists in the current organization',
      ]);
    if (textOf(profile['lastName']) === '')
      return refuse(400, 'E0000001', 'Api validation failed: lastName', [
        'lastName: The field cannot be left blank',
      ]);
    return { status: 200, body: shown(records.add({ status: 'ACTIVE', profile })) };
  }

  return { records, answer };
}

const profileIn = ({ profile }: JsonObject): JsonObject => (isJsonObject(profile) ? profile : {});

/** A deletion is the second step behind a deactivation, so a deleted user was deprovisioned before. */
const shown = ({ id, fields, changedAt, isDeleted }: Row): JsonObject => ({
  id,
  ...fields,
  ...(isDeleted && { status: 'DEPROVISIONED' }),
  lastUpdated: changedAt.toISOString(),
});

function refuse(
  status: number,
  errorCode: string,
  errorSummary: string,
  causes: string[] = [],
): ScriptedAnswer {
  const errorCauses = causes.map((cause) => ({ errorSummary: cause }));
  return { status, body: { errorCode, errorSummary, errorLink: errorCode, errorId: 'oae1', errorCauses } };
}

const user = (number: number) => ({
  email: `e${number}@example.com`,
  email_address: `e${number}@example.com`,
  first_name: 'Ada',
  last_name: 'Lovelace',
});

describeContract({
  key: 'okta',
  parameters: { domain: 'acme.okta.com' },
  credentials: { api_token: { token: TOKEN } },
  product: okta,
  throttled: {
    ...refuse(429, 'E0000047', 'API call exceeded rate limit due to too many requests.'),
    waitMs: null,
  },
  recordType: 'employees',
  seed: ({ records }, number) =>
    records.add({
      status: 'ACTIVE',
      profile: {
        login: `e${number}@example.com`,
        email: `e${number}@example.com`,
        firstName: 'Grace',
        lastName: 'Hopper',
        department: 'Research',
      },
    }),
  touch: { profile: { department: 'R&D' } },
  hasChanges: true,
  tellsDeletions: true,
  webhook: {
    headers: (_body, secret) => ({ Authorization: secret }),
    event: ({ id }) => ({
      eventType: 'com.okta.event_hook',
      data: {
        events: [
          { eventType: 'user.account.update_profile', target: [{ id, type: 'User' }] },
          { eventType: 'user.session.start', target: [{ id: '00u-session', type: 'User' }] },
        ],
      },
    }),
  },
  push: {
    fields: user,
    change: { department: 'R&D' },
    changed: { profile: { login: 'e1@example.com', department: 'R&D' } },
    refused: {
      fields: { email: 'b@example.com', first_name: 'B' },
      field: 'last_name',
      says: /cannot be left blank/,
    },
    key: 'email',
    deactivated: { status: 'DEPROVISIONED' },
    deletes: false,
  },
});
