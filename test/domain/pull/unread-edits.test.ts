/** Which remote edits a push leaves as they are, and which are conflicts (rules.md 17). */
import { findUnreadEdits } from '../../../domain/pull/unread-edits';
import type { JsonObject } from '../../../domain/json';
import type { RecordTypeMapping } from '../../../domain/records/mapping';

const MAPPING: RecordTypeMapping = {
  direction: 'both',
  fields: [
    { name: 'name', to: 'name' },
    { name: 'email', to: 'emails[type eq "work"].value' },
    { name: 'city', to: '/address/city' },
  ],
  onDelete: 'leave',
};
const mail = (value: string) => [{ type: 'work', value }];
const PAYLOAD = { name: 'Ann B', emails: mail('ann@here.example'), address: { city: 'Ghent' } };
const NOTATION = {
  name: { ours: 'Ann', shown: 'ANN' },
  'emails[type eq "work"].value': { ours: 'ann@here.example', shown: 'ann@here.example' },
  '/address/city': { ours: 'Ghent', shown: 'Ghent' },
};
const OURS = { name: 'Ann B', email: 'ann@here.example', city: 'Ghent' };

const find = (remote: JsonObject, { mapping = MAPPING, isReplaced = false } = {}) =>
  findUnreadEdits(
    mapping,
    { fields: OURS, payload: PAYLOAD },
    { agreed: {}, notation: NOTATION },
    { remote, isReplaced },
  );
const AGREED = { name: 'ANN', emails: mail('ann@here.example'), address: { city: 'Ghent' } };

const UNCHANGED = { leftAsIs: {}, conflicts: [], taken: {}, takenAs: {} };

describe('rule 17: a record that is read before a push', () => {
  it('is sent whole if nothing was changed there', () => {
    expect(find(AGREED)).toEqual({ ...UNCHANGED, kept: PAYLOAD, sent: PAYLOAD });
  });

  it('is sent without the field that was changed there', () => {
    const mapping = { ...MAPPING, fields: [...MAPPING.fields, { name: 'title', to: 'title' }] };
    const agreement = { agreed: {}, notation: { ...NOTATION, title: { ours: 'Dr', shown: 'Dr' } } };
    const ours = { fields: { ...OURS, title: 'Dr' }, payload: { ...PAYLOAD, title: 'Dr' } };
    const remote = { ...AGREED, title: 'Prof' };
    expect(findUnreadEdits(mapping, ours, agreement, { remote, isReplaced: false }).sent).toEqual(PAYLOAD);
  });

  it('is sent with the nested field as it was changed there', () => {
    const { sent, kept } = find({ ...AGREED, address: { city: 'Bruges', zip: '8000' } });
    expect(sent['address']).toEqual({ city: 'Bruges' });
    expect(kept['address']).toEqual({});
  });

  it('is sent with the list member that was changed there, as it is there', () => {
    const { sent, kept } = find({ ...AGREED, emails: mail('ann@there.example') });
    expect(sent['emails']).toEqual(mail('ann@there.example'));
    expect(kept['emails']).toEqual([{ type: 'work' }]);
  });

  it.each([
    [
      { name: 'ANN', emails: mail('ann@here.example') },
      { name: 'Ann B', emails: mail('ann@here.example') },
    ],
    [
      { name: 'ANN', emails: [], address: { city: 'Ghent' } },
      { name: 'Ann B', address: { city: 'Ghent' } },
    ],
    [{ name: 'ANN', emails: [{ type: 'home', value: 'ann@home.example' }] }, { name: 'Ann B' }],
  ])('is sent without a hollow object or list member for what was removed there: %j', (remote, sent) => {
    for (const isReplaced of [false, true]) expect(find(remote, { isReplaced }).sent).toEqual(sent);
  });

  it('is sent without the list position that was removed there', () => {
    const mapping = {
      ...MAPPING,
      fields: [
        { name: 'name', to: 'name' },
        { name: 'tag', to: '/tags/0' },
      ],
    };
    const notation = { name: { ours: 'Ann', shown: 'ANN' }, '/tags/0': { ours: 'a', shown: 'a' } };
    const ours = { fields: { name: 'Ann B', tag: 'a' }, payload: { name: 'Ann B', tags: ['a'] } };
    const remote = { name: 'ANN', tags: [] };
    const { sent } = findUnreadEdits(mapping, ours, { agreed: {}, notation }, { remote, isReplaced: false });
    expect(sent).toEqual({ name: 'Ann B' });
  });

  it('is sent with the remote value if the call replaces the record', () => {
    const { sent } = find({ ...AGREED, address: { city: 'Bruges' } }, { isReplaced: true });
    expect(sent['address']).toEqual({ city: 'Bruges' });
  });

  it('is no conflict if the value there is another notation of the agreed one', () => {
    expect(find({ ...AGREED, name: 'ann' })).toMatchObject({ conflicts: [], sent: { name: 'Ann B' } });
  });

  it.each([[{ id: 7, name: 'Ann' }], [['ANN']], [7], [true]])(
    'is no conflict if the record alone shows the field in another form: %j',
    (name) => {
      const found = find({ ...AGREED, name }, { mapping: { ...MAPPING, onConflict: 'theirs' } });
      expect(found).toEqual({ ...UNCHANGED, kept: PAYLOAD, sent: PAYLOAD });
    },
  );

  it.each(['ours', 'theirs'] as const)(
    'is a conflict at a field that both sides changed: %s',
    (onConflict) => {
      const found = find({ ...AGREED, name: 'Anna' }, { mapping: { ...MAPPING, onConflict } });
      expect(found.conflicts).toMatchObject([
        { field: 'name', ours: 'Ann B', theirs: 'Anna', winner: onConflict },
      ]);
      const isTaken = onConflict === 'theirs';
      expect(found.taken).toEqual(isTaken ? { name: 'Anna' } : {});
      const name = { ours: 'Anna', shown: 'Anna', isUnread: true };
      expect(found.takenAs).toEqual(isTaken ? { name } : {});
      expect('name' in found.sent).toBe(onConflict === 'ours');
    },
  );
});
