/** Rollouts in a state, without the worker that would bring them there. */
import { fromTypeId } from '../../../db/sql/ids';
import { PLATFORM_TENANT_ID } from '../../../db/tables/tenants';
import type { Rollout } from '../../../db/third-parties/rollouts';
import type { Service } from '../support/service';
import { givenDefinition } from './definition-given';

const BASE = '/v1/platform/third-party-definitions';
let made = 0;

/** @returns the path of a rollout of a definition of its own */
export async function givenRollout(service: Service, state?: Partial<Rollout>): Promise<string> {
  const key = `product-${(made += 1)}`;
  await service.platform.post(BASE, givenDefinition({ key })).expect(201);
  await service.platform.post(BASE, givenDefinition({ key, description: 'Changed.' })).expect(201);
  const { body } = await service.platform.post(`${BASE}/${key}/rollouts`, { version: 2 }).expect(201);
  if (state !== undefined) await givenState(service, body.id, state);
  return `${BASE}/${key}/rollouts/${body.id}`;
}

export async function givenState(
  service: Service,
  id: string,
  { steps: _steps, trouble: _trouble, ...state }: Partial<Rollout>,
): Promise<void> {
  await service.database.withTenant(PLATFORM_TENANT_ID, ({ trx }) =>
    trx
      .updateTable('definitionRollouts')
      .set(state)
      .where('rolloutId', '=', fromTypeId('rol', id) ?? '')
      .execute(),
  );
}
