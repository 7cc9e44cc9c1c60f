/** Runs that a person asked for or joined come before scheduled ones, whatever they read (rule 59). */
import { PULLING_LIMITS } from '../../../../activities/dependencies';
import { syncRunWorkflowId } from '../../../../contract/sync-run';
import { CrmIntegration, fill } from '../../../support/environments/crm-integration';
import { PushEnvironment } from '../../../support/environments/push-environment';

const [PERSON, NIGHTLY] = [1, 4];
let environment: PushEnvironment;
let pulled: CrmIntegration;

beforeAll(async () => {
  // A slice of a job ends after each page.
  environment = await PushEnvironment.create({ pulling: { ...PULLING_LIMITS, timeBoxMs: 0 } });
});
afterAll(() => environment.end());
beforeEach(async () => {
  pulled = await CrmIntegration.onboarded(await environment.tenant(), {}, fill(environment, 7));
  await environment.sleep(600_000);
});

/** The priorities of the slices of the last runs, in their order. */
async function priorities(): Promise<unknown[]> {
  const handle = environment.env.client.workflow.getHandle(syncRunWorkflowId(pulled));
  const { events } = await handle.fetchHistory();
  const scheduled = (events ?? []).map((event) => event.activityTaskScheduledEventAttributes);
  return scheduled
    .filter((attributes) => attributes?.activityType?.name === 'advanceSyncJob')
    .map((attributes) => attributes?.priority?.priorityKey);
}

describe('rule 59: the slices of a full run', () => {
  it('come with the priority of a person if a person started it', async () => {
    await pulled.sync('full', { isAwaited: true });

    expect(new Set(await priorities())).toEqual(new Set([PERSON]));
  });

  it('come with the priority of bulk work if no person asked for it', async () => {
    await pulled.sync('full', { startedBy: 'restore' });

    expect(new Set(await priorities())).toEqual(new Set([NIGHTLY]));
  });

  it('come earlier from then on if a person joins a nightly run', async () => {
    let joined: unknown;
    pulled.account.beforePage = async ({ cursor }) => {
      if (cursor === 'p002') joined ??= await pulled.request('full', { isAwaited: true });
    };

    const { syncRunId } = await pulled.sync('nightly');

    expect(joined).toEqual({ syncRunId, isCoalesced: true });
    const all = await priorities();
    expect(all[0]).toBe(NIGHTLY);
    expect(all.at(-1)).toBe(PERSON);
    expect(all).toEqual(all.toSorted((a, b) => Number(b) - Number(a)));
  });

  it('come earlier if a person joins the full run that waits after a restore', async () => {
    const { syncRunId } = await pulled.request('full', { startedBy: 'restore' });
    expect(await pulled.request('full', { isAwaited: true })).toEqual({ syncRunId, isCoalesced: true });
    await pulled.settle();

    expect(new Set(await priorities())).toEqual(new Set([PERSON]));
    expect(await pulled.run(syncRunId)).toMatchObject({ startedBy: 'restore', standsFor: ['full'] });
  });
});
