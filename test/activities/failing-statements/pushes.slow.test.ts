/**
 * A push whose statements fail, one after the other: everything is there once, and shows Synced (rules.md 6,
 * 8, 47).
 */
import { CrmIntegration, BOTH_WAYS } from '../../support/environments/crm-integration';
import { DirectWorkers } from '../../support/environments/direct-workers';
import { failuresOf } from '../../support/environments/failing-statements';
import { MINUTE, type TestTenant } from '../../support/environments/push-environment';

let workers: DirectWorkers;

beforeAll(async () => {
  workers = await DirectWorkers.create();
});
afterAll(() => workers.end());

interface World {
  tenant: TestTenant;
  integrationId: string;
  round: number;
}

/** Of the pushes that began in this round: how they ended, by the external id without the round. */
async function pushesOf({ tenant, integrationId, round }: World, since: Date) {
  const pushes = (await tenant.pushes(integrationId)).filter(({ startedAt }) => startedAt >= since);
  return pushes
    .map(({ externalId, operation, result, errors, finishedAt }) => ({
      record: nameless(externalId, round),
      operation,
      result,
      errors,
      isFinished: finishedAt !== null,
    }))
    .toSorted((a, b) => (a.record < b.record ? -1 : 1));
}

const nameless = (externalId: string, round: number): string =>
  externalId
    .replace(/^.*:/, '')
    .replace(`-${round}`, '-new')
    .replace(`-${round - 1}`, '-former');

async function shown({ tenant, integrationId }: World, externalIds: readonly string[]) {
  return Promise.all(
    externalIds.map(async (externalId) => {
      const { status, errors, nextAttemptAt } = (await tenant.recordSync(integrationId, externalId)) ?? {};
      return { status, errors, nextAttemptAt };
    }),
  );
}

async function ofIntegration({ tenant, integrationId }: World) {
  const [integration] = await workers.superuser(
    'select blocked_reason, outage_since from integrations where integration_id = $1',
    [integrationId],
  );
  const failed = await workers.superuser(
    `select count(*)::int as count from events where tenant_id = $1 and type = 'RECORD_SYNC_FAILED'`,
    [tenant.tenantId],
  );
  return { integration, failed };
}

it('D2: a push of a few records survives a failure of any of its statements', async () => {
  let since = new Date();
  const failures = await failuresOf<World>(
    workers,
    {
      async world() {
        const tenant = await workers.tenant();
        return { tenant, integrationId: await tenant.integration({ gracePeriodMs: 0 }), round: 0 };
      },
      async prepare(world) {
        const round = (world.round += 1);
        since = new Date(workers.now());
        workers.ledger.calls.length = 0;
        await world.tenant.accept(
          ...['e1', 'e2', 'e3', `n-${round}`].map((externalId) => ({
            externalId,
            fields: { name: `${externalId} ${round}`, email: 'a@example.org' },
          })),
          ...(round === 1 ? [] : [{ externalId: `n-${round - 1}`, kind: 'delete' as const }]),
        );
      },
      async outcome(world) {
        const { tenant, integrationId, round } = world;
        const records = ['e1', 'e2', 'e3', `n-${round}`, `n-${round - 1}`];
        const calls = workers.ledger.calls.filter(({ owner }) => owner === integrationId);
        const callsOf = (externalId: string) => calls.filter((call) => call.externalId === externalId);
        return {
          statuses: await shown(world, records),
          pushes: await pushesOf(world, since),
          there: records.map(
            (externalId) =>
              (workers.ledger.held.get(`${integrationId} ${externalId}`) as { name?: string })?.name ===
              `${externalId} ${round}`,
          ),
          /** A call whose result could not be stored is made again, under the same id. */
          ids: records.map((externalId) => new Set(callsOf(externalId).map(({ pushId }) => pushId)).size),
          repeated: records.filter((externalId) => callsOf(externalId).length > 2),
          ...(await ofIntegration({ tenant, integrationId, round })),
        };
      },
    },
    { atMost: 160 },
  );

  expect(failures).toBe('');
});

interface BothWays extends World {
  crm: CrmIntegration;
  conflictsBefore: number;
}

const idsOf = (crm: CrmIntegration) => Promise.all(['p1', 'p2', 'p3'].map((id) => crm.externalId(id)));

/** Texts without the number of the round, so that rounds can be compared. */
const timeless = (fields: unknown, round: number): unknown =>
  JSON.parse(JSON.stringify(fields ?? null).replaceAll(` ${round}"`, '"'));

it('D2: so does a push that reads records first, takes an edit there and finds a conflict', async () => {
  let since = new Date();
  const failures = await failuresOf<BothWays>(
    workers,
    {
      async world() {
        const tenant = await workers.tenant();
        const settings = { recordTypes: { contacts: BOTH_WAYS }, gracePeriodMs: 0 };
        const crm = await CrmIntegration.link(tenant, settings, async (account) => {
          Object.assign(account, { readsFirst: true, showsPushed: true });
          for (const id of ['p1', 'p2', 'p3'])
            await account.put('contacts', id, { name: id, email: `${id}@example.org` });
        });
        await workers.work();
        return { tenant, integrationId: crm.integrationId, crm, round: 0, conflictsBefore: 0 };
      },
      async prepare(world) {
        const { tenant, crm } = world;
        const round = (world.round += 1);
        // Longer than an app may take to show a push.
        await workers.pass(MINUTE);
        since = new Date(workers.now());
        crm.account.pushes.length = 0;
        world.conflictsBefore = (await crm.conflicts()).length;
        const there = crm.account.held('contacts');
        await crm.account.put('contacts', 'p1', { ...there.get('p1'), email: `their ${round}` });
        await crm.account.put('contacts', 'p2', { ...there.get('p2'), name: `their ${round}` });
        await tenant.accept(
          ...(await idsOf(crm)).map((externalId) => ({
            recordType: 'contacts',
            externalId,
            kind: 'patch' as const,
            fields: { name: `our ${round}` },
          })),
        );
      },
      async outcome(world) {
        const { crm, round } = world;
        const records = await idsOf(crm);
        const { pushes } = crm.account;
        return {
          statuses: await shown(world, records),
          pushes: await pushesOf(world, since),
          there: timeless(Object.fromEntries(crm.account.held('contacts')), round),
          here: timeless(
            [...(await crm.held())].map(([id, { fields }]) => [id, fields]),
            round,
          ),
          conflicts: (await crm.conflicts())
            .slice(world.conflictsBefore)
            .map(({ kind, field, state, ours, theirs }) =>
              timeless({ kind, field, state, ours, theirs }, round),
            ),
          // Once in a batch, once alone, and once more if its result was lost.
          repeated: records.filter((id) => pushes.filter(({ externalId }) => externalId === id).length > 3),
          ...(await ofIntegration(world)),
        };
      },
    },
    { atMost: 120 },
  );

  expect(failures).toBe('');
});
