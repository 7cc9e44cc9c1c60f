/** An erasure in a state, without any worker. */
import { changeErasure, type Erasure, requestErasure } from '../../../db/erasures/erasures';
import { fromTypeId, toTypeId } from '../../../db/sql/ids';
import type { GivenTenant, Service } from './service';

/** @returns its id on the wire. */
export async function givenErasure(
  { database }: Service,
  { uuid }: GivenTenant,
  state: Erasure['state'],
): Promise<string> {
  return database.withTenant(uuid, async (work) => {
    const { erasureId } = await requestErasure(work, { search: {}, requestedBy: 'platform' });
    await changeErasure(work, { erasureId }, { state });
    return toTypeId('ers', erasureId);
  });
}

/** Ends the preview with these counts, as a worker would. */
export async function endPreview(
  { database }: Service,
  { uuid }: GivenTenant,
  id: string,
  found: Pick<Erasure, 'records' | 'found' | 'thirdParties'>,
): Promise<void> {
  const erasureId = fromTypeId('ers', id) as string;
  await database.withTenant(uuid, (work) => changeErasure(work, { erasureId }, { state: 'ready', ...found }));
}
