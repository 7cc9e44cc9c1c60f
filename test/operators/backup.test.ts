/** Backup and restore by the owner of the database, without superuser or BYPASSRLS. */
import path from 'node:path';
import { backUp } from '../../db/backup';
import { migrateToLatest } from '../../db/migrate';
import { restore } from '../../db/restore';
import { givenIntegration, startService } from '../api/support/service';
import { PULLED_INTEGRATION } from '../api/support/simulated-worker';
import { temporaryFolder } from '../support/servers/shared-servers';
import { type Cluster, execute, startCluster } from './own-cluster';

let clusters: Cluster[];
beforeEach(async () => {
  clusters = [await startCluster(), await startCluster()];
});
afterEach(() => Promise.all(clusters.map(({ server }) => server.stop())));

/** How many rows each table has, as the administrator sees them. */
async function rowsOf(cluster: Cluster, url: string): Promise<unknown[]> {
  return execute(
    cluster.inDatabase(url),
    `select relname, (xpath('/row/c/text()', query_to_xml(format('select count(*) as c from %s', oid::regclass),
       false, true, '')))[1]::text as rows
     from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by relname`,
  );
}

const accessOf = (cluster: Cluster, url: string): Promise<unknown[]> =>
  execute(
    cluster.inDatabase(url),
    `select tablename || ' ' || policyname || ' ' || coalesce(qual, '') as access
       from pg_policies where policyname <> 'backup_rows'
     union all select table_name || ' ' || grantee || ' ' || privilege_type from information_schema.table_privileges
       where grantee like 'syncline%' and table_schema = 'public'
     union all select relname || ' ' || relrowsecurity || ' ' || relforcerowsecurity from pg_class
       where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1`,
  );

it('B5, B6: an owner makes a backup, and another owner restores it into an empty cluster', async () => {
  const [from, to] = clusters as [Cluster, Cluster];
  const url = await from.givenOwner('one', 'createrole');
  await migrateToLatest(url);
  const service = await startService({ databaseUrl: url });
  const [tenant, other] = [await service.givenTenant(), await service.givenTenant('Other')];
  for (const { operator } of [tenant, other])
    await operator.put('/v1/records/employees/e-1', { fields: { name: 'A' } }).expect(202);
  await givenIntegration(tenant, { is_paused: false });
  await service.close();
  const file = path.join(temporaryFolder('backup'), 'syncline.dump');

  await backUp(url, file);
  const restored = await to.givenOwner('two', 'createrole');
  const before = await rowsOf(from, url);
  await restore(restored, file);

  expect(before).toContainEqual({ relname: 'records', rows: '2' });
  expect(await execute(url, 'select * from records')).toEqual([]); // as always, outside of a backup
  const changed = ['outbox', 'sync_runs', 'stream_events', 'installations'];
  const others = (rows: unknown[]) =>
    rows.filter((row) => !changed.includes((row as { relname: string }).relname));
  expect(others(await rowsOf(to, restored))).toEqual(others(before));
  expect(await accessOf(to, restored)).toEqual(await accessOf(from, url));
  expect(await migrateToLatest(restored)).toEqual([]);
  // Otherwise no transaction would see that a tenant was deleted.
  const readers = `select polroles::regrole[]::text as readers from pg_policy where polname = 'owner_rows'`;
  expect(await execute(restored, readers)).toEqual([{ readers: '{two}' }]);
  await expect(restore(restored, file)).rejects.toThrow('The database is not empty.');
});

it('X12: every integration is compared with its app after a restore, also one that only pushes', async () => {
  const [from, to] = clusters as [Cluster, Cluster];
  const url = await from.givenOwner('one', 'createrole');
  await migrateToLatest(url);
  const service = await startService({ databaseUrl: url });
  const tenant = await service.givenTenant();
  await givenIntegration(tenant, { is_paused: false });
  await givenIntegration(tenant, { ...PULLED_INTEGRATION });
  await service.close();
  const file = path.join(temporaryFolder('backup'), 'syncline.dump');
  await backUp(url, file);

  const restored = await to.givenOwner('two', 'createrole');
  expect(await restore(restored, file)).toBe(2);

  // Nothing is verified until then, and the workers need not find out by themselves that it was restored.
  const unverified = 'select jsonb_object_keys(unverified_types) as type from integrations';
  expect(await execute(to.inDatabase(restored), unverified)).toContainEqual({ type: 'employees' });
  const known = 'select server is not null as "isKnown" from installations';
  expect(await execute(to.inDatabase(restored), known)).toEqual([{ isKnown: true }]);

  // The run that the pulling integration waited for already reads everything, too.
  const queued = `select kind from sync_runs where state = 'queued' and scope = 'full' order by kind`;
  expect(await execute(to.inDatabase(restored), queued)).toEqual([
    { kind: 'nightly' },
    { kind: 'onboarding' },
  ]);
});
