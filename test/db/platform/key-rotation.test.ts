import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { requestTenantDeletion } from '../../../db/erasures/tenant-deletions';
import { openCredentials, sealCredentials } from '../../../db/integrations/sealed-credentials';
import { createEncryption, type Encryption } from '../../../db/platform/encryption';
import { parseEncryptionKeys } from '../../../db/platform/encryption-keys';
import { rotateDataKeys } from '../../../db/rotate-keys';
import { newUuid, toTypeId } from '../../../db/sql/ids';
import {
  createEndpoint,
  endpointHeadersLocation,
  endpointSecretsLocation,
} from '../../../db/webhooks/endpoints';
import { GivenTenant, openTestDb, type TestDb } from '../given';

const [k1, k2] = ['k1', 'k2'].map((id, index) => `${id}:${Buffer.alloc(32, index + 1).toString('base64')}`);
/** What a process with this ENCRYPTION_KEYS has. */
const processWith = (...keys: (string | undefined)[]): Encryption =>
  createEncryption({ keys: parseEncryptionKeys(keys.join()) });

let db: TestDb;
beforeAll(async () => (db = await openTestDb()));
afterAll(() => db.end());
beforeEach(() => db.superuser('truncate tenant_keys'));

interface Stored {
  tenantId: string;
  integrationId: string;
}

async function connectTenant(): Promise<Stored> {
  const tenant = await GivenTenant.create(db);
  return { tenantId: tenant.tenantId, integrationId: await tenant.integration() };
}

const write = ({ tenantId, integrationId }: Stored, encryption: Encryption, token: string) =>
  db.database.withTenant(tenantId, async (work) => {
    const credentials = await sealCredentials(work, encryption, integrationId, {
      credentials: { token },
      origins: [] as never,
    });
    await work.trx
      .updateTable('integrations')
      .set({ credentials })
      .where('integrationId', '=', integrationId)
      .execute();
  });

const read = ({ tenantId, integrationId }: Stored, encryption: Encryption) =>
  db.database.withTenant(tenantId, async (work) => {
    const row = await work.trx
      .selectFrom('integrations')
      .select('credentials')
      .where('integrationId', '=', integrationId)
      .executeTakeFirstOrThrow();
    return (await openCredentials(work, encryption, integrationId, row.credentials ?? '')).credentials.token;
  });

const wrappingKeys = async () =>
  (
    await db.superuser(`select distinct split_part(wrapped_key, '.', 2) as id from tenant_keys order by 1`)
  ).map(({ id }) => id);
const letDataKeysAge = () => db.superuser(`update tenant_keys set created_at = now() - interval '2 days'`);

describe('a new key of ENCRYPTION_KEYS', () => {
  it('is taken over process by process without one error in those that are not restarted yet', async () => {
    const [first, both, newFirst, last] = [
      processWith(k1),
      processWith(k1, k2),
      processWith(k2, k1),
      processWith(k2),
    ];
    let token = 0;
    // Each of two processes reads what the other wrote, also for a tenant that the other has made.
    const runBeside = async (...processes: readonly Encryption[]) => {
      for (const writer of processes) {
        await writer.verify(db.database);
        const made = await connectTenant();
        for (const reader of processes) {
          await write(made, writer, `t${++token}`);
          expect(await read(made, reader)).toBe(`t${token}`);
          expect(reader.isSigned('link', 'text', writer.sign('link', 'text'))).toBe(true);
        }
      }
    };

    await runBeside(first, both);
    await runBeside(both, newFirst);
    await newFirst.rewrap(db.database);
    await runBeside(newFirst, last);

    expect(await wrappingKeys()).toEqual(['k2']);
  });

  it('re-wraps nothing at the start of a process, whose neighbours may not know it', async () => {
    const given = await connectTenant();
    await write(given, processWith(k1), 'secret');

    await processWith(k2, k1).verify(db.database);

    expect(await read(given, processWith(k1))).toBe('secret');
    await expect(processWith(k2).verify(db.database)).rejects.toThrow('npm run rotate-keys');
  });

  it('wraps the data keys of more tenants than a chunk holds, once', async () => {
    const process = processWith(k1);
    for (let index = 0; index < 501; index += 1)
      await db.database.withTenant(newUuid(), (work) => process.addDataKey(work));

    const command = processWith(k2, k1);

    expect(await command.rewrap(db.database)).toEqual({ rewrapped: 501 });
    expect(await command.rewrap(db.database)).toEqual({ rewrapped: 0 });
    await processWith(k2).verify(db.database);
  });
});

describe('new data keys of the tenants', () => {
  const encryption = processWith(k1);
  const rotate = () =>
    rotateDataKeys(db.database, encryption, (problem) => {
      throw new Error(problem);
    });

  it('encrypt every stored secret again, and a repeated command changes nothing', async () => {
    const given = await connectTenant();
    await write(given, encryption, 'secret');
    const endpointId = newUuid();
    const place = { endpointId };
    await db.database.withTenant(given.tenantId, async (work) => {
      const encrypted = await encryption.encrypt(work, endpointSecretsLocation(place), 'whsec_1');
      const headers = await encryption.encrypt(work, endpointHeadersLocation(place), '{"a":"b"}');
      const settings = { url: 'https://r.test', description: '', eventTypes: null, integrationIds: null };
      await createEndpoint(
        work,
        { endpointId, encrypted, ...settings, ratePerSecond: null, headers, headerNames: ['a'] },
        { endpointsMax: 10 },
      );
    });
    await letDataKeysAge();
    const [old] = await db.superuser('select tenant_key_id as id from tenant_keys');

    expect(await rotate()).toEqual({ tenants: 1, secrets: 3, unreadable: 0 });
    expect(await rotate()).toEqual({ tenants: 0, secrets: 0, unreadable: 0 });

    expect(await read(given, encryption)).toBe('secret');
    const [endpoint] = await db.superuser(`select secrets, headers from webhook_endpoints`);
    const { secrets, headers } = endpoint as { secrets: { encrypted: string }[]; headers: string };
    await db.database.withTenant(given.tenantId, async (work) => {
      const secret = secrets[0]?.encrypted ?? '';
      expect(await encryption.open(work, endpointSecretsLocation(place), secret)).toBe('whsec_1');
      expect(await encryption.open(work, endpointHeadersLocation(place), headers)).toBe('{"a":"b"}');
    });
    expect(await tablesWith(String(old?.id))).toEqual(['tenant_keys']);
  });

  it('are also made for the tenants behind one that is being deleted', async () => {
    const all = await Promise.all([1, 2, 3].map(connectTenant));
    for (const given of all) await write(given, encryption, 'secret');
    await letDataKeysAge();
    const [first] = all.toSorted((one, other) => (one.tenantId < other.tenantId ? -1 : 1));
    await db.database.withTenant(first?.tenantId as string, (work) =>
      requestTenantDeletion(work, { requestId: 'r' }),
    );

    expect(await rotate()).toEqual({ tenants: 2, secrets: 2, unreadable: 0 });
  });

  it('also encrypt what a transaction stores afterwards, although it encrypted it before', async () => {
    const given = await connectTenant();
    await write(given, encryption, 'first');
    await letDataKeysAge();
    const [old] = await db.superuser('select tenant_key_id as id from tenant_keys');
    let rotating: Promise<unknown> | undefined;
    await db.database.withTenant(given.tenantId, async (work) => {
      const contents = { credentials: { token: 'second' }, origins: [] as never };
      const credentials = await sealCredentials(work, encryption, given.integrationId, contents);
      rotating = rotate();
      await sleep(500);
      await work.trx
        .updateTable('integrations')
        .set({ credentials })
        .where('integrationId', '=', given.integrationId)
        .execute();
    });
    await rotating;

    expect(await read(given, encryption)).toBe('second');
    expect(await tablesWith(String(old?.id))).toEqual(['tenant_keys']);
  });

  it('replace one that was made before the clock was set back', async () => {
    const given = await connectTenant();
    const aYear = 365 * 24 * 3_600_000;
    await db.database.withTenant(given.tenantId, async (work) => {
      newUuid(Date.now() + aYear);
      await encryption.addDataKey({ ...work, now: new Date(Date.now() + aYear) });
    });
    await write(given, encryption, 'secret');
    const [old] = await db.superuser('select tenant_key_id as id from tenant_keys');

    expect(await rotate()).toEqual({ tenants: 1, secrets: 1, unreadable: 0 });
    expect(await rotate()).toEqual({ tenants: 0, secrets: 0, unreadable: 0 });

    expect(await read(given, encryption)).toBe('secret');
    expect(await tablesWith(String(old?.id))).toEqual(['tenant_keys']);
  });

  it('lose no credentials that are read and replaced meanwhile', async () => {
    const given = await connectTenant();
    await write(given, encryption, 't0');
    let isDone = false;
    let written = 0;
    const writing = (async () => {
      while (!isDone) {
        await write(given, encryption, `t${++written}`);
        expect(await read(given, encryption)).toBe(`t${written}`);
      }
    })();

    for (let round = 0; round < 10; round += 1) {
      await letDataKeysAge();
      await rotate();
    }
    isDone = true;
    await writing;

    expect(await read(given, encryption)).toBe(`t${written}`);
  });
});

it('names the tenant whose secret was altered, renews those of all others, and does not end with 0', async () => {
  const encryption = processWith(k1);
  const [first, altered, deleted, last] = await Promise.all([1, 2, 3, 4].map(connectTenant));
  const all = [first, altered, deleted, last] as Stored[];
  for (const given of all) await write(given, encryption, 'secret');
  const [{ keyOfDeleted, keyOfAltered }] = (await db.superuser(
    `select max(tenant_key_id::text) filter (where tenant_id = $1) as "keyOfDeleted",
            max(tenant_key_id::text) filter (where tenant_id = $2) as "keyOfAltered" from tenant_keys`,
    [deleted?.tenantId, altered?.tenantId],
  )) as [{ keyOfDeleted: string; keyOfAltered: string }];
  await db.superuser(`update integrations set credentials = $1 where integration_id = $2`, [
    `v1.${keyOfAltered}.AAAA.BBBB.CCCC`,
    altered?.integrationId,
  ]);
  await db.superuser(`update integrations set credentials = $1 where integration_id = $2`, [
    'no encrypted text',
    last?.integrationId,
  ]);
  await letDataKeysAge();
  await db.superuser('delete from tenant_keys where tenant_key_id = $1', [keyOfDeleted]);
  await db.database.withTenant(deleted?.tenantId as string, (work) => encryption.addDataKey(work));

  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'db/rotate-keys.ts', 'data-keys'],
    { env: { ...process.env, DATABASE_URL: db.url, ENCRYPTION_KEYS: k1 }, encoding: 'utf8' },
  );

  const named = stderr.split('\n').filter((line) => line.startsWith('ten_'));
  expect(new Set(named.map((line) => line.split(': ')[0]))).toEqual(
    new Set(
      [altered, deleted, last].map(
        (given) => `${toTypeId('ten', given?.tenantId as string)}, row ${given?.integrationId}`,
      ),
    ),
  );
  expect(stdout).toContain('New data keys: 3. Secrets encrypted with them: 1.');
  expect(status).toBe(3);
  expect(await read(first as Stored, encryption)).toBe('secret');
}, 60_000);

/** The tables in which a text is found anywhere. */
async function tablesWith(text: string): Promise<unknown[]> {
  const tables = await db.superuser(
    `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')`,
  );
  const found = [];
  for (const { name } of tables) {
    const rows = await db.superuser(`select from ${String(name)} t where t::text like $1 limit 1`, [
      `%${text}%`,
    ]);
    if (rows.length > 0) found.push(name);
  }
  return found;
}
