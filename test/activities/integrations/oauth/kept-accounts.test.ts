/** Accounts that are not used: workers refresh their tokens, and new data keys encrypt them again. */
import { createConnectorOpener } from '../../../../activities/integrations/open-connector';
import { connectors } from '../../../../connectors';
import { rest } from '../../../../connectors/rest';
import { sealCredentials } from '../../../../db/integrations/sealed-credentials';
import { rotateDataKeys } from '../../../../db/rotate-keys';
import { originsOf } from '../../../../domain/credential-origins';
import { closeConnections, createHttpClient } from '../../../../egress/http-client';
import { createSocketOpener } from '../../../../egress/socket-opener';
import { startOAuthRefresher } from '../../../../worker/schedules/oauth-refresher';
import { loopbackPolicy } from '../../../connectors/suite/given';
import { GivenTenant, openTestDb, type TestDb } from '../../../db/given';
import { HostileIssuer } from '../../../support/servers/hostile-issuer';
import { until } from '../../../support/until';
import { encryptionWith, type GivenAccount, givenAccount, KEY, tokensOfWorker } from './given-account';

let db: TestDb;
let tenant: GivenTenant;
let issuer: HostileIssuer;
const logged: string[] = [];
beforeEach(async () => {
  db = await openTestDb();
  tenant = await GivenTenant.create(db);
  issuer = await HostileIssuer.start();
  logged.length = 0;
});
afterEach(async () => {
  await closeConnections(loopbackPolicy);
  await issuer.stop();
  await db.end();
});

/** With the credentials that name the consent, as an exchange stores them. */
async function givenIdleAccount(): Promise<GivenAccount> {
  const account = await givenAccount(tenant, issuer);
  const { integrationId, connectionId } = account;
  const config = rest.configSchema.parse(account.config);
  await tenant.work(async (work) => {
    const credentials = await sealCredentials(work, encryptionWith(KEY), integrationId, {
      credentials: { oauth_account: connectionId },
      origins: originsOf(rest, config),
    });
    await work.trx
      .updateTable('integrations')
      .set({ credentials, config: JSON.stringify(config) })
      .where('tenantId', '=', work.tenantId)
      .where('integrationId', '=', integrationId)
      .execute();
  });
  return account;
}

/** One more worker, until `isDone`. */
async function refreshUntil(isDone: () => Promise<boolean>): Promise<void> {
  const note = (...given: unknown[]) => void logged.push(JSON.stringify(given));
  const log = { info: note, warn: note, error: note } as never;
  const openConnector = createConnectorOpener({
    database: db.database,
    encryption: encryptionWith(KEY),
    connectors,
    createHttpClient: (options) => createHttpClient({ policy: loopbackPolicy, ...options }),
    createSocketOpener: (options) => createSocketOpener({ policy: loopbackPolicy, ...options }),
    log,
  });
  const loops = [1, 2, 3].map(() => startOAuthRefresher({ database: db.database, openConnector, log }));
  await until('the refresher is done', isDone);
  await Promise.all(loops.map((loop) => loop.stop()));
}
const rowOf = async ({ integrationId }: GivenAccount) =>
  (await db.superuser('select * from oauth_accounts where integration_id = $1', [integrationId]))[0]!;

it('are refreshed once, by one of several workers, and one whose provider fails is tried later', async () => {
  const [first, second, third] = [
    await givenIdleAccount(),
    await givenIdleAccount(),
    await givenIdleAccount(),
  ];
  issuer.mishaps.push('fail');
  // The next attempt is in minutes, and not before the other accounts are looked at.
  await db.superuser('update oauth_accounts set failed_refreshes = 5');

  await refreshUntil(async () => {
    const rows = await Promise.all([first, second, third].map(rowOf));
    return rows.every(
      ({ refresh_lease_until: lease, refresh_due_at: due }) => lease === null && (due as Date) > new Date(),
    );
  });

  const rows = await Promise.all([first, second, third].map(rowOf));
  const countOf = (column: string, value: number) =>
    rows.filter((row) => Number(row[column]) === value).length;
  expect([logged, countOf('generation', 2), countOf('failed_refreshes', 6)]).toEqual([
    [expect.anything()],
    2,
    1,
  ]);
  expect(issuer.tokenCalls).toBe(3);
  for (const secret of issuer.secrets) expect(logged.join()).not.toContain(secret);
});

it('of a configuration that signs in otherwise meanwhile let the others go first', async () => {
  const account = await givenIdleAccount();
  const config = { ...account.config, auth: { type: 'none' } };
  await db.superuser('update integrations set config = $1 where integration_id = $2', [
    JSON.stringify(config),
    account.integrationId,
  ]);

  await refreshUntil(async () => ((await rowOf(account))['refresh_due_at'] as Date).getTime() > Date.now());

  expect(issuer.tokenCalls).toBe(0);
});

it('have tokens of the newest data key after `rotate-keys data-keys`, also for a refresh', async () => {
  const account = await givenIdleAccount();
  await tokensOfWorker(db.database, account).current();
  await db.superuser(`update tenant_keys set created_at = now() - interval '2 days'`);
  const [{ ids }] = (await db.superuser(`select array_agg(tenant_key_id::text) as ids from tenant_keys`)) as [
    { ids: string[] },
  ];

  const rotated = await rotateDataKeys(db.database, encryptionWith(KEY), (problem) => {
    throw new Error(problem);
  });

  // Two tokens to use, the one before, the credentials that name the consent, and the secret of the app.
  expect(rotated.secrets).toBe(5);
  const stored = [await rowOf(account), ...(await db.superuser('select * from oauth_apps'))];
  for (const id of ids) expect(JSON.stringify(stored)).not.toContain(id);
  await db.superuser(`update oauth_accounts set refresh_due_at = now(), access_expires_at = now()`);
  expect(issuer.accepts((await tokensOfWorker(db.database, account).current()).value)).toBe(true);
});
