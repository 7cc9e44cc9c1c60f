/** The tenant's key for the hashes of erased records. It never changes: a new one would forget them. */
import { randomBytes } from 'node:crypto';
import type { TenantWork } from '../database';
import type { Encryption } from './encryption';

export const erasureKeyLocation = (tenantId: string) => ({
  table: 'erasure_keys',
  rowId: tenantId,
  column: 'secret',
});

/** Creates the key if the tenant has none. */
export async function openErasureKey(
  work: TenantWork,
  encryption: Pick<Encryption, 'encrypt' | 'open'>,
): Promise<Buffer> {
  const { trx, tenantId } = work;
  const location = erasureKeyLocation(tenantId);
  const read = () =>
    trx.selectFrom('erasureKeys').select('secret').where('tenantId', '=', tenantId).executeTakeFirst();
  let stored = await read();
  if (stored === undefined) {
    const secret = await encryption.encrypt(work, location, randomBytes(32).toString('base64'));
    await trx
      .insertInto('erasureKeys')
      .values({ tenantId, secret })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    stored = await read();
  }
  if (stored === undefined) throw new Error('The erasure key was not stored.');
  return Buffer.from(await encryption.open(work, location, stored.secret), 'base64');
}
