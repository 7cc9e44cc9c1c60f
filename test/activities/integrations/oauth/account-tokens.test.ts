/** How workers keep the access tokens of a connected account, whatever the provider does (decision 0030). */
import { REFRESH_TIMES } from '../../../../activities/integrations/oauth/refresh-account';
import { RateLimited, Unauthorized, Unavailable } from '../../../../connectors/errors';
import { closeConnections } from '../../../../egress/http-client';
import { loopbackPolicy } from '../../../connectors/suite/given';
import { GivenTenant, openTestDb, type TestDb } from '../../../db/given';
import { HostileIssuer, type IssuerRules, type Mishap } from '../../../support/servers/hostile-issuer';
import { APP_SECRET, type GivenAccount, givenAccount, QUICK, tokensOfWorker } from './given-account';

let db: TestDb;
let tenant: GivenTenant;
let issuer: HostileIssuer;
beforeAll(async () => {
  db = await openTestDb();
  tenant = await GivenTenant.create(db);
});
afterAll(() => db.end());
beforeEach(async () => (issuer = await HostileIssuer.start()));
afterEach(async () => {
  await closeConnections(loopbackPolicy);
  await issuer.stop();
});

const rowOf = async ({ integrationId }: GivenAccount) =>
  (await db.superuser('select * from oauth_accounts where integration_id = $1', [integrationId]))[0]!;
const makeDue = ({ integrationId }: GivenAccount) =>
  db.superuser(
    `update oauth_accounts set refresh_due_at = now() - interval '1 s', access_expires_at = now() - interval '1 s'
     where integration_id = $1`,
    [integrationId],
  );
const given = (rules: Partial<IssuerRules> = {}, settings: object = {}) => {
  Object.assign(issuer.rules, rules);
  return givenAccount(tenant, issuer, settings);
};
const failureOf = async (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error as Error,
  );

describe('a token that is due', () => {
  it('is refreshed once by 16 workers at the same time, and all get the new one', async () => {
    const account = await given();
    const workers = Array.from({ length: 16 }, () => tokensOfWorker(db.database, account));

    const tokens = await Promise.all(workers.map((worker) => worker.current()));

    expect(new Set(tokens.map(({ value }) => value)).size).toBe(1);
    expect(issuer.accepts(tokens[0]!.value)).toBe(true);
    expect(issuer.rotations).toBe(1);
  });

  it('is not refreshed while it is far from its end', async () => {
    const account = await given({}, { isDue: false });

    await tokensOfWorker(db.database, account).current();

    expect(issuer.tokenCalls).toBe(0);
  });

  it.each([
    ['a number', 3600],
    ['a text', '3600'],
    ['missing', undefined],
    ['nonsense', 'soon'],
    ['negative', -5],
  ])('is usable when expires_in is %s', async (_name, expiresIn) => {
    const account = await given({ expiresIn });

    const { value } = await tokensOfWorker(db.database, account).current();

    expect(issuer.accepts(value)).toBe(true);
    expect((await rowOf(account)).refresh_due_at).toBeInstanceOf(Date);
  });

  it('keeps the refresh token of a provider that does not rotate', async () => {
    const account = await given({ isRotating: false });
    const worker = tokensOfWorker(db.database, account);

    await worker.current();
    await makeDue(account);
    await tokensOfWorker(db.database, account).current();

    expect(issuer.rotations).toBe(2);
  });
});

describe('an answer that is lost', () => {
  it.each(['lose', 'html', 'no_token'] as const)(
    'after the rotation (%s): the same refresh token is sent again within the grace',
    async (mishap) => {
      const account = await given();
      issuer.mishaps.push(mishap);

      expect(await failureOf(tokensOfWorker(db.database, account).current())).toBeInstanceOf(Unavailable);
      expect((await rowOf(account)).unanswered_since).toBeInstanceOf(Date);
      const { value } = await tokensOfWorker(db.database, account).current();

      expect(issuer.accepts(value)).toBe(true);
      expect(await rowOf(account)).toMatchObject({ unanswered_since: null, refused_at: null });
    },
  );

  it('by a slow provider ends in a token too', async () => {
    const account = await given();
    issuer.mishaps.push('slow');

    await failureOf(tokensOfWorker(db.database, account, { times: QUICK }).current());
    const { value } = await tokensOfWorker(db.database, account).current();

    expect(issuer.accepts(value)).toBe(true);
  });

  it('without a grace is believed only after an open answer cannot arrive any more', async () => {
    const account = await given({ graceMs: -1 });
    issuer.mishaps.push('lose');
    await failureOf(tokensOfWorker(db.database, account).current());

    const early = await failureOf(tokensOfWorker(db.database, account).current());
    await db.superuser(`update oauth_accounts set unanswered_since = now() - interval '1 hour'`);
    const late = await failureOf(tokensOfWorker(db.database, account).current());

    expect(early).toBeInstanceOf(Unavailable);
    expect(late).toBeInstanceOf(Unauthorized);
    expect(late?.message).toContain('Connect the account again');
  });
});

describe('a refusal of the refresh token', () => {
  it('asks for a new connection, without another call and without a secret in the words', async () => {
    const account = await given();
    issuer.revoke();

    const refused = await failureOf(tokensOfWorker(db.database, account).current());
    const calls = issuer.tokenCalls;
    const again = await failureOf(tokensOfWorker(db.database, account).current());

    expect(refused).toBeInstanceOf(Unauthorized);
    expect(again).toBeInstanceOf(Unauthorized);
    expect(issuer.tokenCalls).toBe(calls);
    const told = [refused?.message, again?.message, JSON.stringify(await rowOf(account))].join();
    for (const secret of [...issuer.secrets, APP_SECRET]) expect(told).not.toContain(secret);
  });

  it('is not believed if another worker has stored new tokens meanwhile', async () => {
    const account = await given({ graceMs: -1 });
    let isFirst = true;
    const overtaken = tokensOfWorker(db.database, account, {
      times: { ...REFRESH_TIMES, leaseMs: 0, answersArriveMs: 0 },
      async at(point) {
        if (point !== 'leased' || !isFirst) return;
        isFirst = false;
        await tokensOfWorker(db.database, account).current();
      },
    });

    const { value } = await overtaken.current();

    expect((await rowOf(account)).refused_at).toBeNull();
    expect(value).toBeDefined();
  });
});

describe('trouble of the provider', () => {
  const CASES: [Mishap, new (...given: never[]) => Error][] = [
    ['fail', Unavailable],
    ['busy', Unavailable],
    ['wrong_client', Unavailable],
    ['limit', RateLimited],
  ];
  it.each(CASES)('(%s) does not end the connection', async (mishap, kind) => {
    const account = await given();
    issuer.mishaps.push(mishap);

    expect(await failureOf(tokensOfWorker(db.database, account).current())).toBeInstanceOf(kind);
    await makeDue(account);

    expect(issuer.accepts((await tokensOfWorker(db.database, account).current()).value)).toBe(true);
  });

  it('is not noticed while the old token can be used', async () => {
    const account = await given();
    await db.superuser(
      `update oauth_accounts set access_expires_at = now() + interval '1 hour' where integration_id = $1`,
      [account.integrationId],
    );
    issuer.mishaps.push('fail');

    expect(issuer.accepts((await tokensOfWorker(db.database, account).current()).value)).toBe(true);
  });
});

describe('a 401 of the API', () => {
  it('refreshes a token once, and a new one not again', async () => {
    const account = await given({}, { isDue: false });
    await db.superuser(`update oauth_accounts set refreshed_at = now() - interval '1 minute'`);
    const worker = tokensOfWorker(db.database, account);
    const refused = await worker.current();

    const renewed = await worker.renew(refused);

    expect(renewed?.value).not.toBe(refused.value);
    expect(await worker.renew(renewed!)).toBeUndefined();
    expect(issuer.rotations).toBe(1);
  });
});

describe('a changed configuration', () => {
  it('sends nothing to an origin that the app does not allow', async () => {
    const account = await given();
    await db.superuser(`update oauth_apps set allowed_origins = '["https://other.example"]'`);

    const failure = await failureOf(tokensOfWorker(db.database, account).current());

    expect(failure?.message).toContain('does not allow');
    expect(issuer.tokenCalls).toBe(0);
  });

  it('needs the credentials of the same connection', async () => {
    const account = await given();
    const other = tokensOfWorker(db.database, { ...account, connectionId: account.integrationId });

    expect(await failureOf(other.current())).toBeInstanceOf(Unauthorized);
  });
});
