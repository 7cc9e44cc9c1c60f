import { sql } from 'kysely';
import { Database } from '../../../db/database';
import { newUuid } from '../../../db/sql/ids';
import { createEncryption } from '../../../db/platform/encryption';
import { parseEncryptionKeys, EncryptionError } from '../../../db/platform/encryption-keys';
import { createTestDatabase } from '../../support/environments/database';
import { newEncryptionKey } from '../support/service';

let database: Database;
beforeAll(async () => {
  const { url } = await createTestDatabase();
  database = new Database({ url, poolSize: 3, statementTimeoutMs: 5_000, waitForConnectionMs: 20_000 });
});
afterAll(() => database.close());
beforeEach(() =>
  database.withPlatform(({ trx }) =>
    sql`reset role`.execute(trx).then(() => sql`truncate tenant_keys`.execute(trx)),
  ),
);

async function givenTenant(): Promise<string> {
  const tenantId = newUuid();
  await database.withTenant(tenantId, ({ trx }) =>
    trx.insertInto('tenants').values({ tenantId, name: 'x', timeZone: 'UTC', contactEmail: null }).execute(),
  );
  return tenantId;
}

const place = (rowId: string, column = 'credentials') => ({ table: 'integrations', rowId, column });
const old = newEncryptionKey('k1');
const current = newEncryptionKey('k2');

describe('an encrypted secret (S18)', () => {
  const encryption = createEncryption({ keys: [old] });
  const encrypt = (tenantId: string, rowId: string, text: string) =>
    database.withTenant(tenantId, (work) => encryption.encrypt(work, place(rowId), text));
  const open = (tenantId: string, at: ReturnType<typeof place>, text: string) =>
    database.withTenant(tenantId, (work) => encryption.open(work, at, text));

  it('is decrypted at the location it was encrypted for, and never gives the same text twice', async () => {
    const tenantId = await givenTenant();

    const [first, second] = [
      await encrypt(tenantId, 'r1', 'geheim 🔑'),
      await encrypt(tenantId, 'r1', 'geheim 🔑'),
    ];

    expect(first).toMatch(/^v1\.[0-9a-f-]{36}\.[\w-]{16}\.[\w-]+\.[\w-]{22}$/);
    expect(first).not.toBe(second);
    expect(await open(tenantId, place('r1'), first)).toBe('geheim 🔑');
  });

  it('cannot be decrypted in another row, column, table or tenant', async () => {
    const [tenantId, other] = [await givenTenant(), await givenTenant()];
    const encrypted = await encrypt(tenantId, 'r1', 'secret');
    await encrypt(other, 'r1', 'of another tenant');

    await expect(open(tenantId, place('r2'), encrypted)).rejects.toThrow(EncryptionError);
    await expect(open(tenantId, place('r1', 'config'), encrypted)).rejects.toThrow(EncryptionError);
    await expect(open(tenantId, { ...place('r1'), table: 'notes' }, encrypted)).rejects.toThrow(
      EncryptionError,
    );
    await expect(open(other, place('r1'), encrypted)).rejects.toThrow(EncryptionError);
  });

  it('cannot be decrypted if a single character was altered', async () => {
    const tenantId = await givenTenant();
    const encrypted = await encrypt(tenantId, 'r1', 'secret');

    for (const part of [2, 3, 4]) {
      const altered = encrypted
        .split('.')
        .map((text, index) => (index === part ? `${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}` : text))
        .join('.');
      await expect(open(tenantId, place('r1'), altered)).rejects.toThrow(EncryptionError);
    }
    for (const garbled of ['', 'secret', 'v2.a.b.c.d', `${encrypted}.x`])
      await expect(open(tenantId, place('r1'), garbled)).rejects.toThrow(EncryptionError);
  });

  it('leaves no data key behind when its transaction fails, and the next one encrypts with a stored key', async () => {
    const tenantId = await givenTenant();
    const failing = database.withTenant(tenantId, async (work) => {
      await encryption.encrypt(work, place('r1'), 'lost');
      throw new Error('rolled back');
    });
    await expect(failing).rejects.toThrow('rolled back');

    const encrypted = await encrypt(tenantId, 'r1', 'kept');

    expect(await open(tenantId, place('r1'), encrypted)).toBe('kept');
  });
});

describe('the keys of the environment', () => {
  it('refuse to start when the wrapping key is missing, or is another key of the same name', async () => {
    const tenantId = await givenTenant();
    await database.withTenant(tenantId, (work) =>
      createEncryption({ keys: [old] }).encrypt(work, place('r1'), 'x'),
    );

    await expect(createEncryption({ keys: [current] }).verify(database)).rejects.toThrow(
      'lacks the key "k1"',
    );
    await expect(createEncryption({ keys: [newEncryptionKey('k1')] }).verify(database)).rejects.toThrow(
      'is not the one',
    );
    await createEncryption({ keys: [old] }).verify(database);
  });

  it.each([
    ['', 'holds no key'],
    ['k1', 'is malformed'],
    ['k1:c2hvcnQ=', 'has 5 bytes'],
    [`k.1:${'A'.repeat(43)}=`, 'is malformed'],
    [`k1:${'A'.repeat(43)}=,k1:${'B'.repeat(43)}=`, 'twice'],
  ])('are refused when they read %j', (text, message) => {
    expect(() => parseEncryptionKeys(text)).toThrow(message);
    expect(() => parseEncryptionKeys(text)).toThrow(EncryptionError);
  });

  it('are read in their order, the first being the current one', () => {
    const keys = parseEncryptionKeys(
      ` new:${current.secret.toString('base64')}, old:${old.secret.toString('base64')} `,
    );

    expect(keys).toEqual([
      { keyId: 'new', secret: current.secret },
      { keyId: 'old', secret: old.secret },
    ]);
  });
});
