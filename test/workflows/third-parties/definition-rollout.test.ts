/** A version of a third-party definition goes out to the integrations of all tenants. */
import { RecordRejected, Unavailable } from '../../../connectors/errors';
import { decide } from '../../../db/third-parties/rollout-decisions';
import { advanceRow } from '../../../db/third-parties/rollouts';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import { sweep } from '../../../worker/stalled-work-sweeper';
import { Random } from '../../support/random';
import { PushEnvironment } from '../../support/environments/push-environment';
import { type Follower, NAME_AND_EMAIL, NEXT, RolloutWorld, RULES } from './rollout-world';

jest.setTimeout(900_000);

const MINUTE = 60_000;
let environment: PushEnvironment;
let world: RolloutWorld;
let definitions = 0;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  environment.resetLedger();
  world = await RolloutWorld.create(environment, `product-${(definitions += 1)}`);
  await world.version(NEXT);
});

it('changes nothing before a person has approved its dry run', async () => {
  const followers = await world.followers(3);

  await world.publish();

  expect(await world.rollout()).toMatchObject({ state: 'planned', approvedAt: null });
  expect(await world.workflowStatus()).toBe('COMPLETED');
  expect(await world.versions(followers)).toEqual([1, 1, 1]);
  expect(await world.moves()).toMatchObject(
    followers.map(() => ({
      state: 'planned',
      isTried: true,
      changes: ['/config/concurrency', '/record_types/employees/fields'],
      recordsTouched: 0,
    })),
  );
});

it('goes out step by step, and new integrations use the version at the end', async () => {
  const followers = await world.followers(4);
  await world.publish();

  await world.decide('approve');
  expect((await world.versions(followers)).filter((version) => version === 2)).toHaveLength(1);
  expect(await world.currentVersion()).toBe(1);
  const late = await world.follower();
  await world.sleep(11 * MINUTE);
  expect(await world.versions(followers)).toEqual([2, 2, 2, 2]);
  expect(await world.rollout()).toMatchObject({ state: 'running', step: 1 });
  await world.sleep(11 * MINUTE);

  expect(await world.rollout()).toMatchObject({ state: 'completed', pausedAt: null });
  expect(await world.currentVersion()).toBe(2);
  expect(await world.versions([late])).toEqual([2]);
  const [first] = followers as [Follower];
  expect(await world.read(first)).toMatchObject({
    config: { owner: first.tenant.tenantId, concurrency: 4 },
    recordTypes: NEXT.mappings,
    mappingVersion: 2,
  });
});

it('says how many records a new mapping would push again', async () => {
  const follower = await world.follower();
  await follower.tenant.accept(
    { externalId: 'ada', fields: { name: 'Ada', phone: '1' } },
    { externalId: 'bob', fields: { name: 'Bob' } },
  );
  await environment.sleep(6 * MINUTE);

  await world.publish();

  expect(await world.moves()).toMatchObject([
    { recordsTouched: 1, recordsExamined: 2, effects: expect.any(Array) },
  ]);
});

it('holds back an integration whose app does not answer the new settings, until a retry', async () => {
  const [refused, other] = (await world.followers(2)) as [Follower, Follower];
  environment.ledger.checkAnswer = (owner) =>
    owner === refused.tenant.tenantId ? new Unavailable('Closed for maintenance.', 503) : undefined;
  await world.publish({ observeMs: 0, isAutomatic: true });
  await world.sleep(MINUTE);

  expect(await world.rollout()).toMatchObject({ state: 'completed' });
  expect(await world.versions([refused, other])).toEqual([1, 2]);
  expect(await world.moves('held_back')).toMatchObject([
    { problems: [{ code: 'unavailable', message: 'Closed for maintenance.' }] },
  ]);

  environment.resetLedger();
  await world.decide('retry');
  await world.sleep(MINUTE);

  expect(await world.rollout()).toMatchObject({ state: 'completed' });
  expect(await world.versions([refused, other])).toEqual([2, 2]);
});

it('does not hold back an integration because its dry run was interrupted', async () => {
  await world.follower();
  let interruptions = 2;
  environment.ledger.checkAnswer = () => {
    interruptions -= 1;
    if (interruptions >= 0) throw new Error('The worker died.');
    return undefined;
  };

  await world.publish();

  expect(await world.moves()).toMatchObject([{ state: 'planned', isTried: true, problems: [] }]);
  expect(environment.ledger.checks).toBe(3);
});

it('stops by itself when an integration fails after its change, and can be rolled back', async () => {
  const logged = jest.spyOn(environment.dependencies.log, 'error');
  const followers = await world.followers(3);
  await world.publish();
  environment.ledger.answer = ({ payload }) =>
    payload !== null && 'phone' in payload ? new RecordRejected('phone is unknown', []) : undefined;
  for (const { tenant } of followers)
    await tenant.accept({ externalId: 'ada', fields: { name: 'Ada', phone: '1' } });

  await world.decide('approve');
  await world.sleep(11 * MINUTE);
  await world.sleep(60 * MINUTE);

  expect(await world.rollout()).toMatchObject({ state: 'running', step: 0, pausedBecause: 'failures' });
  expect(logged).toHaveBeenCalledWith(
    { rolloutId: expect.stringMatching(/^rol_/), definition: world.key, version: 2, failed: 1 },
    'a rollout stopped by itself',
  );
  logged.mockRestore();
  const [failed] = await world.moves('failed');
  expect(failed?.problems).toMatchObject([{ code: 'pushes_fail' }]);
  expect(await world.counts()).toEqual({ failed: 1, planned: 2 });

  const hurt = followers.find(({ integrationId }) => integrationId === failed?.integrationId) as Follower;
  await world.edit(hurt, { config: { owner: hurt.tenant.tenantId, concurrency: 2 } });
  await world.decide('roll-back');

  expect(await world.rollout()).toMatchObject({ state: 'rolled_back', pausedAt: null });
  expect(await world.versions(followers)).toEqual([1, 1, 1]);
  expect(await world.read(hurt)).toMatchObject({
    config: { owner: hurt.tenant.tenantId, concurrency: 2 },
    recordTypes: { employees: { fields: NAME_AND_EMAIL } },
  });
  await world.sleep(60 * MINUTE);
  expect(await hurt.tenant.status(hurt.integrationId, 'ada')).toBe('synced');
});

it('goes on after a stop if a person resumes it', async () => {
  const followers = await world.followers(2);
  await world.publish();
  await world.decide('approve');
  const [changed] = await world.moves('changed');
  await world.database.withTenant(changed?.tenantId ?? '', ({ trx, now }) =>
    trx
      .updateTable('integrations')
      .set({ needsReauthorizationAt: now })
      .where('integrationId', '=', changed?.integrationId as string)
      .execute(),
  );
  await world.sleep(2 * MINUTE);
  expect(await world.rollout()).toMatchObject({ pausedBecause: 'failures' });

  await world.decide('resume');
  for (let minutes = 0; minutes < 30; minutes += 10) await world.sleep(10 * MINUTE);

  expect(await world.rollout()).toMatchObject({ state: 'completed', acceptedFailures: 1 });
  expect(await world.versions(followers)).toEqual([2, 2]);
});

it('changes no further integration while it is paused, and none after it was canceled', async () => {
  const followers = await world.followers(3);
  await world.publish();
  await world.decide('approve');
  await world.decide('pause');
  await world.sleep(60 * MINUTE);
  expect((await world.versions(followers)).filter((version) => version === 2)).toHaveLength(1);

  await world.decide('cancel');
  await world.sleep(60 * MINUTE);

  expect(await world.rollout()).toMatchObject({ state: 'canceled' });
  expect((await world.versions(followers)).filter((version) => version === 2)).toHaveLength(1);
  expect(await world.decide('resume')).toMatchObject({ outcome: 'not_possible' });
  await world.decide('roll-back');
  expect(await world.versions(followers)).toEqual([1, 1, 1]);
});

it('continues after its workflow and its message were lost', async () => {
  await world.followers(1);
  await world.publish({ observeMs: 0 });
  const { rolloutId } = world;
  await world.platform((work) =>
    decide(work, { rolloutId, definitionKey: world.key, decision: 'approve', by: 'test', failed: 0 }),
  );
  await world.database.withDispatcher(({ trx }) =>
    trx.deleteFrom('outbox').where('subjectId', '=', rolloutId).execute(),
  );
  await environment.sleep(2 * MINUTE);
  expect(await world.rollout()).toMatchObject({ state: 'running' });

  const { database, handleRow, dependencies } = environment;
  await sweep({ database, handleRow, log: dependencies.log });
  await world.settle();

  expect(await world.rollout()).toMatchObject({ state: 'completed' });
});

it('loses no edit of a tenant between the dry run and the change', async () => {
  const [edited, broken] = (await world.followers(2)) as [Follower, Follower];
  await world.publish({ steps: [], observeMs: 0 });

  await world.edit(edited, { config: { owner: edited.tenant.tenantId, concurrency: 2 } });
  await world.edit(broken, { config: { owner: 7 } });
  await world.decide('approve');
  await world.sleep(MINUTE);

  expect(await world.read(edited)).toMatchObject({
    definitionVersion: 2,
    config: { owner: edited.tenant.tenantId, concurrency: 2 },
    recordTypes: NEXT.mappings,
  });
  expect(await world.moves('held_back')).toMatchObject([
    { integrationId: broken.integrationId, problems: [{ pointer: '/config/owner' }] },
  ]);
  expect(await world.read(broken)).toMatchObject({ definitionVersion: 1, config: { owner: 7 } });
});

it('changes each integration once, however often the answer of the database is lost', async () => {
  const followers = await world.followers(8);
  const random = new Random(15);
  const tenants = new Set(followers.map(({ tenant }) => tenant.tenantId));
  const { database } = environment;
  const original = database.withTenant.bind(database);
  const lossy = jest.spyOn(database, 'withTenant').mockImplementation(async (tenantId, work, commit) => {
    const result = await original(tenantId, work, commit);
    if (tenants.has(tenantId) && random.chance(0.15)) throw new Error('The connection was lost.');
    return result;
  });
  try {
    await world.publish({ observeMs: 0, isAutomatic: true });
    for (let minutes = 0; minutes < 60; minutes += 10) await world.sleep(10 * MINUTE);
  } finally {
    lossy.mockRestore();
  }
  // A dry run that did not end five times is held back until a person asks again.
  await world.decide('retry');
  await world.sleep(MINUTE);

  expect(await world.rollout()).toMatchObject({ state: 'completed' });
  for (const follower of followers) {
    expect(await world.read(follower)).toMatchObject({ definitionVersion: 2, mappingVersion: 2 });
    const audit = await database.withTenant(follower.tenant.tenantId, ({ trx }) =>
      trx.selectFrom('auditLog').select(['action', 'actor']).execute(),
    );
    expect(audit).toEqual([{ action: 'integration.changed', actor: 'platform' }]);
  }
});

it('does not end with a retry that is asked for in the last instant', async () => {
  await world.followers(1);
  await world.publish();
  await world.decide('approve');
  const before = await world.rollout();
  await world.decide('retry');

  const ended = await world.platform((work) =>
    advanceRow(work, before, { state: 'completed', finishedAt: work.now }),
  );

  expect([before.state, ended]).toEqual(['running', undefined]);
});

it('does not go back to a version without a record type whose mapping was edited since', async () => {
  const [edited, other] = (await world.followers(2)) as [Follower, Follower];
  const { employees } = RULES.mappings;
  await world.version({ mappings: { ...RULES.mappings, contractors: employees as RecordTypeMapping } });
  await world.publish({ version: 3, steps: [], observeMs: 0, isAutomatic: true });
  await world.sleep(MINUTE);
  expect(await world.versions([edited, other])).toEqual([3, 3]);

  const { contractors, ...others } = (await world.read(edited)).recordTypes;
  const changed = { ...(contractors as RecordTypeMapping), onDelete: 'leave' as const };
  await world.edit(edited, { recordTypes: { ...others, contractors: changed } });
  await world.decide('roll-back');

  expect(await world.rollout()).toMatchObject({ state: 'rolled_back' });
  expect(await world.versions([edited, other])).toEqual([3, 1]);
  expect(await world.moves('not_rolled_back')).toMatchObject([
    { problems: [{ pointer: '/record_types/contractors', code: 'not_in_version' }] },
  ]);
});
