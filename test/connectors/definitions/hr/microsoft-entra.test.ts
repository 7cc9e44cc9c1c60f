/**
 * Users of Microsoft Graph as its documentation describes them: tokens of the client credentials grant, pages
 * by `@odata.nextLink`, only the selected properties, the required properties of a new user, updates without
 * a body, users by id or user principal name, and errors with details.
 */
import { Unavailable } from '../../../../connectors/errors';
import type { Subscription } from '../../../../connectors/incoming';
import type { JsonObject, JsonValue } from '../../../../domain/json';
import { isJsonObject } from '../../../../domain/json';
import type { ScriptedAnswer } from '../../suite/scripted-server';
import { CONSENTED_TOKEN, describeContract } from '../contract';
import { type Asked, fieldsIn, pageOf, type Product, RecordStore, type Row, textOf } from '../simulator';
import { NOW } from '../webhook-contract';

const TENANT = '8f1f5c1e-52a0-4f6e-9a51-2d0c6c1b7d11';
const SECRET = 'entra~secret+value';
const TOKEN = 'entra-token';
const REQUIRED = ['accountEnabled', 'displayName', 'mailNickname', 'passwordProfile', 'userPrincipalName'];
const PAGE = 2;

const guid = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

type Entra = Product & { subscriptions: Map<string, JsonObject> };

function entra(): Entra {
  const records = new RecordStore(guid);
  const subscriptions = new Map<string, JsonObject>();

  function answer(asked: Asked): ScriptedAnswer {
    if (asked.path === `/${TENANT}/oauth2/v2.0/token`) return token(asked);
    const authorization = asked.headers['authorization'];
    if (authorization !== `Bearer ${TOKEN}` && authorization !== `Bearer ${CONSENTED_TOKEN}`)
      return refuse(401, 'InvalidAuthenticationToken', 'Access token is empty.');
    if (asked.parts[1] === 'subscriptions') return subscribe(asked);
    const [version, users, key, ...more] = asked.parts;
    if (version !== 'v1.0' || users !== 'users' || more.length > 0)
      return refuse(400, 'Request_BadRequest', `Resource not found for the segment '${more[0]}'.`);
    if (key === undefined) return asked.method === 'GET' ? list(asked) : create(fieldsIn(asked));
    const row = records.get(key) ?? records.find(({ fields }) => isSame(fields['userPrincipalName'], key));
    if (row === undefined)
      return refuse(
        404,
        'Request_ResourceNotFound',
        `Resource '${key}' does not exist or one of its queried reference-property objects are not present.`,
      );
    if (asked.method === 'GET') return { status: 200, body: shown(row, asked) };
    if (asked.method === 'DELETE') records.delete(row);
    if (asked.method !== 'PATCH') return { status: 204 };
    const conflict = conflictOf(fieldsIn(asked), row);
    if (conflict !== undefined) return conflict;
    records.change(row, fieldsIn(asked));
    return { status: 204 };
  }

  /** Of users for less than 29 days, to an address with TLS. */
  function subscribe(asked: Asked): ScriptedAnswer {
    const fields = fieldsIn(asked);
    const id = asked.parts[2] ?? guid(700 + subscriptions.size);
    const days = (Date.parse(textOf(fields['expirationDateTime'])) - Date.now()) / 86_400_000;
    if (!(days > 0 && days < 29))
      return refuse(
        400,
        'ValidationError',
        'Subscription expiration can only be 41760 minutes in the future.',
      );
    if (asked.method === 'PATCH' && !subscriptions.has(id))
      return refuse(404, 'ResourceNotFound', 'The object was not found.');
    const isRight =
      fields['changeType'] === 'updated,deleted' &&
      fields['resource'] === 'users' &&
      textOf(fields['notificationUrl']).startsWith('https://') &&
      /^.{1,128}$/.test(textOf(fields['clientState']));
    if (asked.method === 'POST' && !isRight)
      return refuse(400, 'InvalidRequest', 'Subscription validation request failed.');
    subscriptions.set(id, { ...subscriptions.get(id), ...fields });
    return { status: asked.method === 'POST' ? 201 : 200, body: { id, ...subscriptions.get(id) } };
  }

  function list(asked: Asked): ScriptedAnswer {
    const from = Number(asked.query.get('$skiptoken') ?? 0);
    if (Number(asked.query.get('$top') ?? 1) > 999)
      return refuse(400, 'Request_UnsupportedQuery', "Invalid page size specified: '1000'.");
    const { page, next } = pageOf(records.living(), from, PAGE);
    const address = `${asked.origin}/v1.0/users?$select=${asked.query.get('$select')}&$skiptoken=${next}`;
    return {
      status: 200,
      body: {
        '@odata.context': `${asked.origin}/v1.0/$metadata#users`,
        ...(next !== undefined && { '@odata.nextLink': address }),
        value: page.map((row) => shown(row, asked)),
      },
    };
  }

  function create(fields: JsonObject): ScriptedAnswer {
    const missing = REQUIRED.filter((name) => fields[name] === undefined);
    if (missing.length > 0)
      return refuse(
        400,
        'Request_BadRequest',
        `The request body is missing properties: ${missing.join(', ')}.`,
      );
    if (!isStrong(fields['passwordProfile']))
      return refuse(
        400,
        'Request_BadRequest',
        'The specified password does not comply with password complexity requirements.',
      );
    if (!textOf(fields['userPrincipalName']).endsWith('@example.com'))
      return refuse(
        400,
        'Request_BadRequest',
        'The domain portion of the userPrincipalName property is invalid.',
        'InvalidValue',
      );
    const conflict = conflictOf(fields);
    if (conflict !== undefined) return conflict;
    const { passwordProfile: _, ...kept } = fields;
    const row = records.add(kept);
    return { status: 201, body: { id: row.id, ...kept } };
  }

  function conflictOf({ userPrincipalName: name }: JsonObject, own?: Row): ScriptedAnswer | undefined {
    const other = records.find((row) => isSame(row.fields['userPrincipalName'], name));
    if (name === undefined || other === undefined || other === own) return undefined;
    const message = 'Another object with the same value for property userPrincipalName already exists.';
    return refuse(400, 'Request_BadRequest', message, 'ObjectConflict');
  }

  return { records, answer, subscriptions };
}

function token({ body }: Asked): ScriptedAnswer {
  const form = isJsonObject(body) ? body : {};
  const isRight =
    form['grant_type'] === 'client_credentials' &&
    form['client_secret'] === SECRET &&
    form['scope'] === 'https://graph.microsoft.com/.default';
  return isRight
    ? {
        status: 200,
        body: { token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599, access_token: TOKEN },
      }
    : {
        status: 401,
        body: {
          error: 'invalid_client',
          error_description: 'AADSTS7000215: Invalid client secret provided.',
        },
      };
}

/** Without `$select` Graph shows a few properties only, and never those that were not selected. */
function shown({ id, fields }: Row, { query }: Asked): JsonObject {
  const selected = (query.get('$select') ?? 'id,displayName,givenName,surname,userPrincipalName').split(',');
  return Object.fromEntries(
    selected.map((name) => [name, name === 'id' ? id : (fields[name] ?? null)] as const),
  );
}

function refuse(status: number, code: string, message: string, detail?: string): ScriptedAnswer {
  const details = detail && [{ code: detail, message, target: 'userPrincipalName' }];
  const innerError = { date: '2026-01-05T09:00:00', 'request-id': guid(9), 'client-request-id': guid(9) };
  return { status, body: { error: { code, message, ...(details && { details }), innerError } } };
}

const isSame = (a: JsonValue | undefined, b: JsonValue | undefined): boolean =>
  textOf(a).toLowerCase() === textOf(b).toLowerCase();

function isStrong(profile: JsonValue | undefined): boolean {
  const password = isJsonObject(profile) ? textOf(profile['password']) : '';
  return [/[a-z]/, /[A-Z]/, /[0-9]/, /^.{8,256}$/].every((rule) => rule.test(password));
}

const user = (number: number) => ({
  email: `e${number}@example.com`,
  display_name: `Employee ${number}`,
  mail_nickname: `e${number}`,
  first_name: 'Ada',
});

describeContract(
  {
    key: 'microsoft-entra',
    parameters: { tenant_id: TENANT, oauth_app: 'oap_01h00000000000000000000000' },
    credentials: { client_credentials: { client_id: guid(1), client_secret: SECRET }, consent: {} },
    product: entra,
    throttled: {
      status: 429,
      headers: { 'retry-after': '17' },
      body: { error: { code: 'TooManyRequests', message: 'Too many requests.' } },
      waitMs: 17_000,
    },
    recordType: 'employees',
    seed: ({ records }, number) =>
      records.add({
        userPrincipalName: `e${number}@example.com`,
        displayName: `Employee ${number}`,
        mailNickname: `e${number}`,
        accountEnabled: true,
      }),
    touch: { department: 'R&D' },
    hasChanges: false,
    webhook: {
      headers: () => ({}),
      event: ({ id }, secret) => ({
        value: [
          {
            subscriptionId: guid(700),
            changeType: 'updated',
            clientState: secret,
            resource: `Users/${id}`,
            resourceData: { '@odata.type': '#Microsoft.Graph.User', id },
            tenantId: TENANT,
          },
        ],
      }),
    },
    push: {
      fields: user,
      change: { department: 'R&D' },
      changed: { userPrincipalName: 'e1@example.com', department: 'R&D' },
      refused: {
        fields: { ...user(1), email: 'ada@elsewhere.example' },
        field: 'email',
        says: /domain portion/,
      },
      key: 'email',
      deactivated: { accountEnabled: false },
      deletes: true,
    },
  },
  (given) => {
    const ORDER = { address: 'https://sync.example.com/v1/incoming/token', secret: 'made-by-syncline-0815' };
    const soon = () => new Date(Date.now() + 3_600_000);
    const ordered = async (current: Subscription | null) => {
      const { linked, product } = given();
      const context = await linked();
      const order = await context.connector.subscribe!({ ...ORDER, current }, context);
      return { order, there: (product as Entra).subscriptions };
    };

    it('orders webhooks for a day, and renews them once half of it is over', async () => {
      const { order, there } = await ordered(null);

      expect([...there.values()]).toEqual([
        expect.objectContaining({ notificationUrl: ORDER.address, clientState: ORDER.secret }),
      ]);
      expect(order!.ids).toEqual([...there.keys()]);
      const [before] = [...there.values()].map((fields) => textOf(fields['expirationDateTime']));
      expect(Date.parse(before!)).toBe(Math.floor(order!.endsAt.getTime() / 1_000) * 1_000);
      expect((await ordered(order!)).order).toBeUndefined();

      there.set(order!.ids[0]!, { expirationDateTime: 'soon' });
      const renewed = await ordered({ ...order!, endsAt: soon() });

      expect(renewed.order!.ids).toEqual(order!.ids);
      expect([...there.values()]).toEqual([{ expirationDateTime: expect.stringMatching(/\+00:00$/) }]);
    });

    it('orders again what Microsoft does not know any more', async () => {
      const { order, there } = await ordered(null);
      there.clear();
      there.set(guid(1), {});

      const again = await ordered({ ...order!, endsAt: soon() });

      expect(again.order!.ids).not.toEqual(order!.ids);
      expect(there.has(again.order!.ids[0]!)).toBe(true);
    });

    it('keeps what is ordered if a renewal gets no answer', async () => {
      const { order } = await ordered(null);
      const { linked, simulator } = given();
      const context = await linked();
      await context.connector.check(context);

      simulator.answerNextWith({ status: 503 });
      const renewal = context.connector.subscribe!(
        { ...ORDER, current: { ...order!, endsAt: soon() } },
        context,
      );

      await expect(renewal).rejects.toBeInstanceOf(Unavailable);
      expect((await ordered({ ...order!, endsAt: soon() })).order!.ids).toEqual(order!.ids);
    });

    it('answers the question whether the address is ours', async () => {
      const { connector, config } = await given().linked();
      const url = `${ORDER.address}?validationToken=Validation%3A+Testing+client`;
      const asked = { method: 'POST', url, headers: {}, body: Buffer.alloc(0), now: NOW };

      expect(connector.incoming!(config)!.receive(asked, ORDER.secret)).toEqual({
        kind: 'answer',
        mediaType: 'text/plain',
        text: 'Validation: Testing client',
      });
    });
  },
);
