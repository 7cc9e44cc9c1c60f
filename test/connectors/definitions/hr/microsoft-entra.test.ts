/**
 * Users of Microsoft Graph as its documentation describes them: tokens of the client credentials grant, pages
 * by `@odata.nextLink`, only the selected properties, the required properties of a new user, updates without
 * a body, users by id or user principal name, errors with details, and delta queries: they show only what has
 * changed, list users twice, and forget their links.
 */
import { SyncTokenExpired, Unavailable } from '../../../../connectors/errors';
import type { Subscription } from '../../../../connectors/incoming';
import type { JsonObject, JsonValue } from '../../../../domain/json';
import { isJsonObject } from '../../../../domain/json';
import type { ScriptedAnswer } from '../../suite/scripted-server';
import { Random, testSeed } from '../../../support/random';
import { CONSENTED_TOKEN, describeContract, type Given } from '../contract';
import { type Asked, fieldsIn, pageOf, type Product, RecordStore, type Row, textOf } from '../simulator';
import { NOW } from '../webhook-contract';

const TENANT = '8f1f5c1e-52a0-4f6e-9a51-2d0c6c1b7d11';
const SECRET = 'entra~secret+value';
const TOKEN = 'entra-token';
const REQUIRED = ['accountEnabled', 'displayName', 'mailNickname', 'passwordProfile', 'userPrincipalName'];
const PAGE = 2;

const guid = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

type Entra = Product & {
  subscriptions: Map<string, JsonObject>;
  /** Lets the delta links until now expire, as after seven days. */
  forgetLinks(expired?: ScriptedAnswer): void;
};

function entra(): Entra {
  const records = new RecordStore(guid);
  const subscriptions = new Map<string, JsonObject>();
  const links = { generation: 1, expired: refuse(400, 'syncStateNotFound', 'The delta token is expired.') };

  function answer(asked: Asked): ScriptedAnswer {
    if (asked.path === `/${TENANT}/oauth2/v2.0/token`) return token(asked);
    const authorization = asked.headers['authorization'];
    if (authorization !== `Bearer ${TOKEN}` && authorization !== `Bearer ${CONSENTED_TOKEN}`)
      return refuse(401, 'InvalidAuthenticationToken', 'Access token is empty.');
    if (asked.parts[1] === 'subscriptions') return subscribe(asked);
    const [version, users, key, ...more] = asked.parts;
    if (version !== 'v1.0' || users !== 'users' || more.length > 0)
      return refuse(400, 'Request_BadRequest', `Resource not found for the segment '${more[0]}'.`);
    if (key === 'delta') return delta(asked);
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

  /** What a link continues is in its token, and nothing may be added to it. */
  function delta({ query, origin }: Asked): ScriptedAnswer {
    const address = (name: string, state: object) =>
      `${origin}/v1.0/users/delta?${name}=${Buffer.from(JSON.stringify(state)).toString('base64url')}`;
    const { generation } = links;
    const now = records.now().getTime();
    const given = query.get('$deltatoken') ?? query.get('$skiptoken');
    const select = query.get('$select') ?? 'id,displayName';
    if (given === 'latest')
      return delivered([], {
        '@odata.deltaLink': address('$deltatoken', { select, since: now, generation }),
      });
    if (given !== null && query.size > 1) return refuse(400, 'BadRequest', 'Parameters cannot be changed.');
    const state =
      given === null ? { select, generation } : JSON.parse(Buffer.from(given, 'base64url').toString());
    if (state.generation !== generation) return links.expired;
    const { since, from = 0, until = now } = state;
    const rows =
      since === undefined
        ? records.living().map((row) => entryOf(row, state.select, false))
        : records.all().flatMap((row) => {
            const at = row.changedAt.getTime();
            return at > since && at <= until
              ? [entryOf(row, state.select, true), entryOf(row, state.select, true)]
              : [];
          });
    const { page, next } = pageOf(rows, from, PAGE);
    const link =
      next === undefined
        ? { '@odata.deltaLink': address('$deltatoken', { select: state.select, since: until, generation }) }
        : { '@odata.nextLink': address('$skiptoken', { ...state, from: next, until }) };
    return delivered(page, link);
  }

  const delivered = (value: JsonObject[], link: JsonObject): ScriptedAnswer => ({
    status: 200,
    body: { ...link, value },
  });

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

  return {
    records,
    answer,
    subscriptions,
    forgetLinks: (expired = links.expired) =>
      void Object.assign(links, { generation: links.generation + 1, expired }),
  };
}

/** Changes name the user and some of its properties, and a list leaves out those that were never set. */
function entryOf({ id, fields, isDeleted }: Row, select: string, isChange: boolean): JsonObject {
  if (isDeleted) return { id, '@removed': { reason: 'changed' } };
  const names = isChange ? ['userPrincipalName'] : select.split(',');
  const set = names.filter((name) => fields[name] !== undefined && fields[name] !== null);
  return { ...Object.fromEntries(set.map((name) => [name, fields[name]!])), id };
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
        givenName: 'Ada',
        surname: 'Lovelace',
        jobTitle: 'Engineer',
        department: 'Research',
        employeeId: String(number),
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
    describeDelta(given);

    const ORDER = { address: 'https://sync.example.com/v1/incoming/token', secret: 'made-by-syncline-0815' };
    const soon = () => new Date(Date.now() + 3_600_000);
    const ordered = async (current: Subscription | null) => {
      const { linked, product } = given();
      const context = await linked();
      const order = await context.connector.subscribe!({ ...ORDER, current }, context);
      return { order, there: (product as Entra).subscriptions };
    };

    it('subscribes for a day, and renews the subscription after half of it', async () => {
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

    it('subscribes again if Microsoft no longer knows the subscription', async () => {
      const { order, there } = await ordered(null);
      there.clear();
      there.set(guid(1), {});

      const again = await ordered({ ...order!, endsAt: soon() });

      expect(again.order!.ids).not.toEqual(order!.ids);
      expect(there.has(again.order!.ids[0]!)).toBe(true);
    });

    it('keeps the subscription if a renewal gets no answer', async () => {
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

/** What an integration keeps: the users, the place in a list, and the token of the last whole list. */
class Copy {
  readonly users = new Map<string, JsonValue>();
  private kept: string | null = null;
  private next: string | undefined;
  private cursor: string | null = null;

  constructor(
    private readonly given: Given,
    private readonly context: Awaited<ReturnType<ReturnType<Given>['linked']>>,
  ) {}

  /** One page; a crash before it is stored changes nothing. @returns whether the list has ended */
  async page({ crashes = false } = {}): Promise<boolean> {
    const { kept: syncToken, cursor, context } = this;
    const request = { recordType: 'employees', modifiedSince: null, cursor, syncToken };
    const page = await context.connector.readPage!(request, context).catch((error: unknown) => {
      if (!(error instanceof SyncTokenExpired)) throw error;
    });
    if (page === undefined) {
      this.kept = null;
      return false;
    }
    if (crashes) return false;
    for (const { remoteId, isDeleted, fields } of page.records)
      if (isDeleted) this.users.delete(remoteId);
      else this.users.set(remoteId, fields['displayName'] ?? null);
    this.next = page.syncToken ?? this.next;
    this.cursor = page.nextCursor;
    if (page.nextCursor !== null) return false;
    this.kept = this.next ?? null;
    return true;
  }

  /** As a run that begins or restarts: at the token that was stored last. */
  startOver(): void {
    this.cursor = null;
    this.next = undefined;
  }

  async toTheEnd(): Promise<void> {
    for (let pages = 0; !(await this.page()); pages += 1) if (pages > 200) throw new Error('It has no end.');
  }

  /** Of the living users. A list of everything does not tell what was deleted. */
  differences(): string[] {
    const { product } = this.given();
    return product.records
      .living()
      .filter(({ id, fields }) => this.users.get(id) !== fields['displayName'])
      .map(({ id }) => id);
  }
}

function describeDelta(given: Given): void {
  const entraOf = () => given().product as Entra;
  const add = (number: number) =>
    entraOf().records.add({ displayName: `User ${number}`, userPrincipalName: `u${number}@example.com` });

  it('reads by the delta link only what has changed, whole, and what was deleted', async () => {
    const [changed, deleted] = [1, 2, 3, 4].map(add);
    const copy = new Copy(given, await given().linked());
    await copy.toTheEnd();
    const { records } = entraOf();
    records.change(changed!, { displayName: 'Countess' });
    records.delete(deleted!);
    const before = given().simulator.asked.length;

    await copy.toTheEnd();

    expect(copy.differences()).toEqual([]);
    expect(copy.users.has(deleted!.id)).toBe(false);
    const asked = given().simulator.asked.slice(before);
    expect(asked.every(({ path, query }) => path !== '/v1.0/users/delta' || query.size === 1)).toBe(true);
    expect(asked.filter(({ parts }) => parts[2] !== 'delta').map(({ parts }) => parts[2])).toEqual([
      changed!.id,
      changed!.id,
    ]);
  });

  it.each([
    ['400', refuse(400, 'syncStateNotFound', 'The sync state generation is not found.')],
    [
      '410',
      { ...refuse(410, 'resyncRequired', 'Resync.'), headers: { location: 'http://169.254.169.254/' } },
    ],
  ])('reads everything where the link has expired (%s), from its own address', async (_, answer) => {
    const changed = add(1);
    const copy = new Copy(given, await given().linked());
    await copy.toTheEnd();
    entraOf().records.change(changed, { displayName: 'Countess' });
    entraOf().forgetLinks(answer);

    await copy.toTheEnd();

    expect(copy.differences()).toEqual([]);
  });

  it.each(Array.from({ length: 15 }, (_, index) => testSeed + index))(
    'has every user in the end, whatever changes meanwhile and wherever it dies (seed %d)',
    async (seed) => {
      const random = new Random(seed);
      let number = 0;
      const copy = new Copy(given, await given().linked());
      const { records } = entraOf();
      for (let step = 0; step < 60; step += 1) {
        const row = random.chance(0.3) ? undefined : random.shuffled(records.living())[0];
        const act = random.weighted({ page: 6, crash: 2, change: 4, delete: 1, forget: 1 });
        if (act === 'page' || act === 'crash') await copy.page({ crashes: act === 'crash' });
        else if (act === 'forget' && random.chance(0.3)) entraOf().forgetLinks();
        else if (row === undefined) add((number += 1));
        else if (act === 'delete') records.delete(row);
        else records.change(row, { displayName: `Renamed ${step}` });
        if (act === 'forget') copy.startOver();
      }
      copy.startOver();
      await copy.toTheEnd();
      await copy.toTheEnd();

      expect(copy.differences()).toEqual([]);
    },
  );
}
