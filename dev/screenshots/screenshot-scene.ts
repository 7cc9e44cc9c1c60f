/**
 * What the screenshots show, created through the API and in the CRM: a failed push, pending changes on both
 * sides, sync runs, an overview and deliveries.
 */
import type { Stack } from '../../test/console/stack';
import { setTimeout as sleep } from 'node:timers/promises';
import { callPocketBase, logIn } from '../start/pocketbase';

export interface Scene {
  overviewId: string;
  endpointId: string;
}

type RunningStack = Pick<Stack, 'ready' | 'call'>;
interface Listed<Row> {
  data: Row[];
}

/** @throws with the missing condition after `patienceMs`. */
async function until<Answer>(
  what: string,
  ask: () => Promise<Answer | undefined>,
  patienceMs = 90_000,
): Promise<Answer> {
  for (const deadline = Date.now() + patienceMs; Date.now() < deadline; await sleep(300)) {
    const answer = await ask();
    if (answer !== undefined) return answer;
  }
  throw new Error(`${what}: not within ${patienceMs / 1_000} s`);
}

export async function setScene(stack: RunningStack): Promise<Scene> {
  const crm = stack.ready.crm_integration_id;
  await until('the onboarding', async () =>
    (await stack.call<Listed<unknown>>('GET', '/onboarding')).data.length === 0 ? true : undefined,
  );
  await until('the first pushes', () => recordSyncsHave(stack, 'synced', 5));

  await changeEmployee(stack, 'emp-3', { email: 'katherine.johnson@' });
  await changeEmployee(stack, 'emp-1', { job_title: 'Chief Engineer' });
  const { data: linked } = await stack.call<Listed<{ id: string; app: string }>>('GET', '/integrations');
  const idOf = (app: string): string => linked.find((one) => one.app === app)?.id as string;
  for (const id of ['emp-3', 'emp-1'])
    await stack.call('POST', `/integrations/${idOf('PocketBase')}/records/employees/${id}/push-now`);
  await until('a failed push', () => recordSyncsHave(stack, 'sync_failed', 2));

  await changeInCrm(stack, [
    ['PATCH', 'contact00000003', { stage: 'partner' }],
    ['PATCH', 'contact00000011', { company: 'Analytical Engines' }],
  ]);
  await stack.call('POST', `/integrations/${crm}/sync-now`, {});
  await stack.call('POST', `/integrations/${crm}/sync-runs`, { kind: 'last_day' });
  await until('the runs', async () => {
    const { data } = await stack.call<Listed<{ is_sync_finished: boolean }>>('GET', '/sync-runs');
    return data.every((one) => one.is_sync_finished) ? true : undefined;
  });

  await changeInCrm(stack, [
    ['PATCH', 'contact00000007', { stage: 'partner', company: 'Difference Works' }],
    ['PATCH', 'contact00000019', { email: 'new.address@example.com' }],
    [
      'POST',
      undefined,
      {
        id: 'contact00000901',
        name: 'Emmy Noether',
        email: 'emmy.noether@example.com',
        company: 'Invariants',
        stage: 'lead',
      },
    ],
    ['DELETE', 'contact00000023', undefined],
  ]);
  const { overview } = await stack.call<{ overview: { id: string } }>(
    'POST',
    `/integrations/${crm}/overviews`,
    {},
  );
  const endpointId = (await stack.call<Listed<{ id: string }>>('GET', '/webhook-endpoints')).data[0]
    ?.id as string;
  return { overviewId: overview.id, endpointId };
}

export async function changeEmployee({ call }: RunningStack, id: string, fields: object): Promise<void> {
  await call('PATCH', `/records/employees/${id}`, { fields });
}

async function recordSyncsHave(
  { call }: RunningStack,
  status: string,
  count: number,
): Promise<true | undefined> {
  const { data } = await call<Listed<unknown>>('GET', `/records/employees?status=${status}`);
  return data.length >= count ? true : undefined;
}

/** Changes contacts as a user of the CRM does. */
async function changeInCrm(
  { ready }: RunningStack,
  changes: [method: string, id: string | undefined, fields: object | undefined][],
): Promise<void> {
  const token = await logIn(ready.third_party_url, ready.third_party_login);
  for (const [method, id, fields] of changes)
    await callPocketBase(
      ready.third_party_url,
      method,
      `collections/contacts/records${id === undefined ? '' : `/${id}`}`,
      fields,
      token,
    );
}
