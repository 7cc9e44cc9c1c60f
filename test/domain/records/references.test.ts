import { readerOf } from '../../../domain/pull/read-value';
import { mapRecord, type RecordTypeMapping } from '../../../domain/records/mapping';
import {
  pullsReference,
  type ReferredRecord,
  referencesIn,
  referringTypes,
  unknownIdsIn,
  withOurIds,
  withTheirIds,
} from '../../../domain/records/references';

const manager = {
  name: 'manager',
  to: '/manager/id',
  ref: { recordType: 'people' },
  type: 'number' as const,
};
const teams = { name: 'teams', to: 'teams', ref: { recordType: 'teams' } };
const mapping: RecordTypeMapping = {
  direction: 'both',
  fields: [{ name: 'name', to: 'name' }, manager, teams],
  onDelete: 'leave',
};
const ids: Record<string, string> = { ada: '7', red: 't1', '7': 'ada', t1: 'red' };
const find = ({ id }: ReferredRecord) => ids[id];

it('payloads are in our ids, and are sent in theirs', () => {
  const mapped = mapRecord(mapping, { name: 'Bob', manager: 'ada', teams: ['red'] });
  const payload = mapped.ok ? mapped.payload : {};

  expect(payload).toEqual({ name: 'Bob', manager: { id: 'ada' }, teams: ['red'] });
  expect(referencesIn(mapping, payload).map(({ field, recordType, id }) => [field, recordType, id])).toEqual([
    ['manager', 'people', 'ada'],
    ['teams', 'teams', 'red'],
  ]);
  expect(withTheirIds(mapping, payload, find)).toEqual({ name: 'Bob', manager: { id: 7 }, teams: ['t1'] });
});

it('what arrives comes back as what was sent', () => {
  const there = { name: 'Bob', manager: { id: 7 }, teams: ['t1'] };

  expect(withOurIds(mapping, there, find)).toEqual({ name: 'Bob', manager: { id: 'ada' }, teams: ['red'] });
});

it('an id that is not known equals no id of ours, and replaces nothing', () => {
  const ours = withOurIds(mapping, { manager: { id: 8 }, teams: ['t1', 't2'] }, find);

  expect(ours).toEqual({ manager: { id: { remote_id: 8 } }, teams: ['red', { remote_id: 't2' }] });
  expect(unknownIdsIn(ours['teams'])).toEqual(['t2']);
  expect(readerOf(teams)(ours['teams'] ?? null).ok).toBe(false);
  expect(withTheirIds(mapping, ours, find)).toEqual({ manager: { id: 8 }, teams: ['t1', 't2'] });
});

it('a text that is longer than any id is refused, and a blank one refers to nothing', () => {
  expect(mapRecord(mapping, { manager: 'x'.repeat(601) })).toMatchObject({
    ok: false,
    errors: [{ field: 'manager', message: expect.stringMatching(/is not the id of a record\.$/) }],
  });
  expect(mapRecord(mapping, { manager: '  ' })).toEqual({ ok: true, payload: { manager: { id: null } } });
});

it('what was promised under another mapping is none of its references', () => {
  const promised = { field: 'manager', place: '/manager/id', recordType: 'people' };
  const pushed = { ...mapping, fields: [{ ...manager, direction: 'push' as const }] };

  expect(pullsReference(mapping, promised)).toBe(true);
  expect(pullsReference(mapping, { ...promised, place: '/boss/id' })).toBe(false);
  expect(pullsReference(mapping, { ...promised, recordType: 'teams' })).toBe(false);
  expect(pullsReference(pushed, promised)).toBe(false);
  expect(pullsReference({ ...mapping, direction: 'push' }, promised)).toBe(false);
  expect(pullsReference(undefined, promised)).toBe(false);
});

it('a reference that the app lacks is never sent in our ids', () => {
  expect(withTheirIds(mapping, { name: 'Bob', manager: { id: 'zoe' }, teams: ['blue'] }, find)).toEqual({
    name: 'Bob',
    teams: [],
  });
});

it.each([[{ a: 1 }], [true], [[false]]])('%j is no reference', (value) => {
  expect(mapRecord(mapping, { manager: value }).ok).toBe(false);
});

it('the types that refer to a type are found', () => {
  expect(Object.keys(referringTypes({ people: mapping }, 'teams'))).toEqual(['people']);
  expect(referringTypes({ people: mapping }, 'people')).toHaveProperty('people');
  expect(referringTypes({ people: mapping }, 'companies')).toEqual({});
});
