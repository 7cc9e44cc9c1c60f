/** What a rollout says when its worker cannot do its part. */
import { z } from 'zod';
import type { Connector } from '../../../connectors/connector';
import { PackageFault } from '../../../connectors/packages/guarded-calls';
import { guardSchema } from '../../../connectors/packages/guarded-schemas';
import { enqueue } from '../../../db/platform/outbox';
import { noteTrouble } from '../../../db/third-parties/rollouts';
import { until } from '../../support/until';
import { PushEnvironment } from '../../support/environments/push-environment';
import { NEXT, RolloutWorld, RULES } from './rollout-world';

jest.setTimeout(900_000);

const MINUTE = 60_000;
const LACKING = {
  code: 'connector_not_usable',
  message: expect.stringContaining('lacks the connector "ledger". Install the package') as string,
};
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
const heldBack = (code: string, words: string) => [
  { state: 'held_back', problems: [{ code, message: expect.stringContaining(words) as string }] },
];

describe('without the connector of the definition', () => {
  let connectors: Record<string, Connector>;
  let ledger: Connector;
  beforeEach(() => {
    ({ connectors } = environment.dependencies.oauth);
    ({ ledger } = connectors as { ledger: Connector });
  });
  afterEach(() => {
    connectors['ledger'] = ledger;
  });

  it('a dry run is held back and says which one is missing, until a retry', async () => {
    const follower = await world.follower();
    delete connectors['ledger'];
    await world.publish({ observeMs: 0, isAutomatic: true });
    expect(await world.moves()).toMatchObject([{ state: 'held_back', problems: [LACKING] }]);

    connectors['ledger'] = ledger;
    await world.decide('retry');
    await world.sleep(MINUTE);

    expect(await world.versions([follower])).toEqual([2]);
  });

  it('a change is held back as well, with the integration as it was', async () => {
    const follower = await world.follower();
    await world.publish({ observeMs: 0 });
    const before = await world.read(follower);

    delete connectors['ledger'];
    await world.decide('approve');

    expect(await world.moves()).toMatchObject([{ state: 'held_back', problems: [LACKING] }]);
    expect(await world.read(follower)).toEqual(before);
  });

  it('a rollback waits for it and says so, but one of an adoption does not need it', async () => {
    const follower = await world.follower();
    await world.publish({ steps: [], observeMs: 0, isAutomatic: true });
    await world.sleep(MINUTE);
    delete connectors['ledger'];
    const rollingBack = world.decide('roll-back');
    await untilTrouble();
    expect(await world.rollout()).toMatchObject({ state: 'rolling_back', trouble: LACKING });
    connectors['ledger'] = ledger;
    await rollingBack;
    expect(await world.rollout()).toMatchObject({ state: 'rolled_back', trouble: null });
    expect(await world.versions([follower])).toEqual([1]);

    const base_url = `https://${world.key}.example`;
    await world.version({ ...RULES, config: { base_url, concurrency: 8 } });
    const own = await world.follower({ definition: undefined, config: { base_url, concurrency: 8 } });
    const adoption = { version: 3, formerVersion: null, isAdoption: true, isAutomatic: true, observeMs: 0 };
    await world.publish({ ...adoption, steps: [] });
    await world.sleep(MINUTE);
    expect(await world.versions([own])).toEqual([3]);
    delete connectors['ledger'];
    await world.decide('roll-back');
    expect(await world.versions([own])).toEqual([null]);
  });

  it('a rollback also waits while the schema of its package fails', async () => {
    const follower = await world.follower();
    await world.publish({ steps: [], observeMs: 0, isAutomatic: true });
    await world.sleep(MINUTE);
    const schema = z.looseObject({}).transform(() => {
      throw new Error('no licence');
    });
    const owner = { packageName: '@acme/ledger', member: 'configSchema', onFault: () => undefined } as const;
    const configSchema = { value: guardSchema(schema, owner) };
    connectors['ledger'] = Object.create(ledger, { configSchema }) as Connector;

    const rollingBack = world.decide('roll-back');
    await untilTrouble();
    expect(await world.rollout()).toMatchObject({
      state: 'rolling_back',
      trouble: { code: 'connector_not_usable', message: expect.stringContaining('no licence') as string },
    });
    connectors['ledger'] = ledger;
    await rollingBack;

    expect(await world.versions([follower])).toEqual([1]);
  });

  it('an adoption cannot be looked for, and its rollout says why', async () => {
    const base_url = `https://${world.key}.example`;
    await world.version({ ...RULES, config: { base_url, concurrency: 8 } });
    await world.follower({ definition: undefined, config: { base_url, concurrency: 8 } });

    delete connectors['ledger'];
    const publishing = world.publish({ version: 3, formerVersion: null, isAdoption: true });
    await untilTrouble();
    expect(await world.rollout()).toMatchObject({ state: 'planning', trouble: LACKING });
    connectors['ledger'] = ledger;
    await publishing;

    expect(await world.rollout()).toMatchObject({ state: 'planned', trouble: null });
    expect(await world.counts()).toEqual({ planned: 1 });
  });

  async function untilTrouble(): Promise<void> {
    while (world.rolloutId === '' || ((await world.rollout())?.trouble ?? null) === null)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }
});

it('a fault of the connector package is named', async () => {
  await world.follower();
  const { ledger } = environment.dependencies.oauth.connectors as { ledger: Connector };
  const hosts = jest.spyOn(ledger, 'hosts').mockImplementation(() => {
    throw new PackageFault('@acme/ledger', 'hosts', 'threw Error: no licence\0');
  });

  await world.publish().finally(() => hosts.mockRestore());

  expect(await world.moves()).toMatchObject(heldBack('connector_not_usable', '@acme/ledger is faulty'));
});

it('a worker that fails at each dry run is not taken for an edit of the integration', async () => {
  await world.follower();
  environment.ledger.checkAnswer = () => {
    throw new Error('A fault of Syncline.');
  };

  await world.publish();

  expect(await world.moves()).toMatchObject(heldBack('dry_run_failed', 'its log says why'));
});

it('a rollout that waits for its next check says nothing of a trouble that is over', async () => {
  await world.follower();
  await world.publish({ isAutomatic: true });
  const { rolloutId } = world;
  const { nextCheckAt } = await world.rollout();
  await world.platform(async (work) => {
    await noteTrouble(work, { rolloutId, trouble: { code: 'worker_failed', message: 'It fails.' } });
    await enqueue(work, { topic: 'definition_rollout', rolloutId, nextDueAt: work.now });
  });

  await environment.dispatch();

  await until('a worker has looked', async () => (await world.rollout()).trouble === null);
  expect(await world.rollout()).toMatchObject({ state: 'running', nextCheckAt });
});
