/** A server whose certificate is of the operator's own CA. */
import fs from 'node:fs';
import path from 'node:path';
import { backUp } from '../../db/backup';
import { Database } from '../../db/database';
import { migrateToLatest } from '../../db/migrate';
import { makeSelfSigned } from '../support/servers/self-signed';
import { temporaryFolder } from '../support/servers/shared-servers';
import { type Cluster, startCluster } from './own-cluster';

let cluster: Cluster;
let caFile: string;
beforeAll(async () => {
  const certificate = makeSelfSigned();
  caFile = path.join(temporaryFolder('ca'), 'ca.crt');
  fs.writeFileSync(caFile, certificate.cert);
  cluster = await startCluster(certificate);
});
afterAll(() => cluster.server.stop());

async function givenUrl(name: string, parameters: Record<string, string>): Promise<string> {
  const url = new URL(await cluster.givenOwner(name, 'createrole'));
  url.hostname = 'localhost';
  for (const [key, value] of Object.entries(parameters)) url.searchParams.set(key, value);
  return url.href;
}

it.each([
  ['verify-full', {}],
  ['verify-ca', { uselibpqcompat: 'true' }],
])(
  'B11: sslmode=%s works with the file of the CA, for migrations, queries and backups',
  async (mode, more) => {
    const name = mode.replace('-', '_');
    const url = await givenUrl(name, { sslmode: mode, sslrootcert: caFile, ...more });
    await migrateToLatest(url);
    const database = new Database({ url, poolSize: 1, statementTimeoutMs: 4_000 });
    expect((await database.inspect()).isReadOnly).toBe(false);
    await database.close();
    const file = path.join(temporaryFolder('backup'), 'syncline.dump');

    await backUp(url, file);

    expect(fs.statSync(file).size).toBeGreaterThan(0);
  },
);

it('verify-full without the file of the CA is refused', async () => {
  const url = await givenUrl('strict', { sslmode: 'verify-full' });
  await expect(migrateToLatest(url)).rejects.toThrow(/self-signed|unable to verify/);
});
