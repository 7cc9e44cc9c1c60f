/** A definition with versions, and integrations that follow it, for tests of rollouts. */
import { definitionRolloutWorkflowId } from '../../../contract/definition-rollout';
import type { Integration } from '../../../db/integrations/integrations';
import { findIntegration } from '../../../db/integrations/integrations';
import type { NewIntegration } from '../../../db/sync-runs/create-integration';
import { changeIntegration, type IntegrationChange } from '../../../db/sync-runs/integration-lifecycle';
import { PLATFORM_TENANT_ID } from '../../../db/tables/tenants';
import {
  addDefinitionVersion,
  findDefinition,
  setCurrentVersion,
} from '../../../db/third-parties/definitions';
import {
  decide,
  type DecidedRollout,
  type RolloutDecision,
} from '../../../db/third-parties/rollout-decisions';
import { countMoves, type ListedMove, listMoves } from '../../../db/third-parties/rollout-integrations';
import {
  createRollout,
  findRollout,
  type NewRollout,
  type Rollout,
} from '../../../db/third-parties/rollouts';
import type { DefinitionRules } from '../../../domain/third-parties/definition';
import type { PushEnvironment, TestTenant } from '../../support/environments/push-environment';

/** A bound for what hangs: a busy machine may take minutes. */
const SETTLES_WITHIN_MS = 600_000;
/** The server drops a connection that waits for minutes, as it may while many integrations are checked. */
const SLEEP_MS = 300_000;

export const NAME_AND_EMAIL = [
  { name: 'name', to: 'name' },
  { name: 'email', to: 'email' },
];
export const RULES: DefinitionRules = {
  connector: 'ledger',
  parameters: {},
  signIns: { none: {} },
  config: { concurrency: 8 },
  mappings: { employees: { direction: 'push', onDelete: 'deactivate', fields: NAME_AND_EMAIL } },
};
/** The first version with another setting and one more field. */
export const NEXT: Partial<DefinitionRules> = {
  config: { concurrency: 4 },
  mappings: {
    employees: {
      direction: 'push',
      onDelete: 'deactivate',
      fields: [...NAME_AND_EMAIL, { name: 'phone', to: 'phone' }],
    },
  },
};

export interface Follower {
  tenant: TestTenant;
  integrationId: string;
}

export class RolloutWorld {
  rolloutId = '';

  private constructor(
    readonly environment: PushEnvironment,
    readonly key: string,
  ) {}

  static async create(environment: PushEnvironment, key: string): Promise<RolloutWorld> {
    const world = new RolloutWorld(environment, key);
    await world.version(RULES);
    await world.platform((work) => setCurrentVersion(work, { key, version: 1 }));
    return world;
  }

  get database() {
    return this.environment.database;
  }

  platform<T>(work: Parameters<typeof this.database.withTenant<T>>[1]): Promise<T> {
    return this.database.withTenant(PLATFORM_TENANT_ID, work);
  }

  version(rules: Partial<DefinitionRules>): Promise<unknown> {
    const all = { ...RULES, ...rules };
    const document = JSON.parse(JSON.stringify(all)) as never;
    return this.platform((work) =>
      addDefinitionVersion(work, {
        key: this.key,
        document,
        rules: all,
        origin: 'platform',
        createdBy: 'test',
      }),
    );
  }

  async follower(settings: Partial<NewIntegration> = {}): Promise<Follower> {
    const tenant = await this.environment.tenant();
    const integrationId = await tenant.integration({
      config: { owner: tenant.tenantId, concurrency: 8 },
      recordTypes: RULES.mappings,
      definition: { key: this.key, version: 1, signIn: 'none', parameters: {} },
      ...settings,
    });
    return { tenant, integrationId };
  }

  async followers(count: number): Promise<Follower[]> {
    const followers: Follower[] = [];
    for (let made = 0; made < count; made += 1) followers.push(await this.follower());
    return followers;
  }

  /** To version 2, after the dry run. */
  async publish(input: Partial<NewRollout> = {}): Promise<void> {
    const { rolloutId } = await this.platform((work) =>
      createRollout(work, {
        definitionKey: this.key,
        version: 2,
        formerVersion: 1,
        isAutomatic: false,
        steps: [{ integrations: 1 }],
        observeMs: 600_000,
        stopAfterFailures: 1,
        createdBy: 'test',
        ...input,
      }),
    );
    this.rolloutId = rolloutId;
    await this.settle();
  }

  async decide(decision: RolloutDecision): Promise<DecidedRollout> {
    const { failed = 0 } = await this.counts();
    const decided = await this.platform((work) =>
      decide(work, { rolloutId: this.rolloutId, definitionKey: this.key, decision, by: 'test', failed }),
    );
    await this.settle();
    return decided;
  }

  /** Until nothing happens any more without time going on. */
  async settle(): Promise<void> {
    const deadline = performance.now() + SETTLES_WITHIN_MS;
    while (performance.now() < deadline) {
      await this.environment.sleep(20);
      const { nextCheckAt } = await this.rollout();
      const isWaiting = nextCheckAt !== null && nextCheckAt.getTime() > (await this.environment.now());
      if (isWaiting || (await this.workflowStatus()) !== 'RUNNING') return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error('The rollout does not settle.');
  }

  async sleep(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= SLEEP_MS) await this.environment.sleep(Math.min(left, SLEEP_MS));
    await this.settle();
  }

  async rollout(): Promise<Rollout> {
    return (await this.platform((work) => findRollout(work, this))) as Rollout;
  }

  counts() {
    return this.database.withPlatform((work) => countMoves(work, this));
  }

  moves(state?: ListedMove['state']): Promise<ListedMove[]> {
    return this.database.withPlatform((work) =>
      listMoves(work, { rolloutId: this.rolloutId, state, limit: 1_000 }),
    );
  }

  async currentVersion(): Promise<number | null | undefined> {
    return (await this.platform((work) => findDefinition(work, { key: this.key })))?.currentVersion;
  }

  async read({ tenant: { tenantId }, integrationId }: Follower): Promise<Integration> {
    const found = await this.database.withTenant(tenantId, (work) =>
      findIntegration(work, { integrationId }),
    );
    return found as Integration;
  }

  versions(followers: readonly Follower[]): Promise<(number | null)[]> {
    return Promise.all(followers.map(async (one) => (await this.read(one)).definitionVersion));
  }

  async edit({ tenant: { tenantId }, integrationId }: Follower, change: IntegrationChange): Promise<void> {
    await this.database.withTenant(tenantId, (work) => changeIntegration(work, { integrationId, change }));
  }

  async workflowStatus(): Promise<string> {
    const handle = this.environment.env.client.workflow.getHandle(definitionRolloutWorkflowId(this));
    return (await handle.describe()).status.name;
  }
}
