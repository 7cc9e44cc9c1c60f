/** Ids of records that others refer to, exchanged around a call (docs/decisions/0033). */
import { TheirIds } from '../../../activities/push/their-ids';
import type { PushItem } from '../../../connectors/connector';
import type { ClaimedPush } from '../../../db/push/claim';
import type { RecordTypeMappings } from '../../../domain/records/mapping';

const mappings: RecordTypeMappings = {
  people: {
    direction: 'both',
    fields: [
      { name: 'name', to: 'name' },
      { name: 'manager', to: 'manager', ref: { recordType: 'people' } },
      { name: 'secret', to: 'secret', direction: 'push', onlyOnCreate: true },
    ],
    onDelete: 'leave',
  },
};

it('an update does not send what only a creation sends', async () => {
  const payload = { name: 'Ada', manager: 'bob', secret: 'x' };
  const push = { pushId: 'p1', recordType: 'people', payload, remoteIds: { 'people\nbob': '7' } };
  const forUpdate = { name: 'Ada', manager: '7' };
  const item = { pushId: 'p1', recordType: 'people', payload: forUpdate, createOnly: ['secret'] };
  const ids = new TheirIds([push as unknown as ClaimedPush], mappings, async () => new Map());
  const write = ids.around(async (own) => structuredClone(own.payload));

  expect(await write(item as unknown as PushItem, {}, { isReplaced: false })).toEqual(forUpdate);
});
