/** rules.md 17: a change there to a record that was deleted here is a conflict, for each field. */
import { editsOfDeleted } from '../../../domain/pull/edits-of-deleted';
import { detailOf } from '../../../domain/pull/field-conflict';
import type { RecordTypeMapping } from '../../../domain/records/mapping';

const MAPPING: RecordTypeMapping = {
  direction: 'both',
  fields: [
    { name: 'name', to: 'name' },
    { name: 'email', to: 'email' },
  ],
  onDelete: 'delete',
};
const OURS = { name: 'Ann', email: 'ann@example.org' };
const AGREEMENT = { agreed: OURS, notation: { name: { ours: 'Ann', shown: 'ANN' } } };

describe('rule 17: a record that was deleted here and changed there', () => {
  it('is a conflict for each field that its deletion removes', () => {
    const found = editsOfDeleted(MAPPING, OURS, AGREEMENT, { name: 'ANN', email: 'new@example.org' });
    expect(found).toEqual([
      expect.objectContaining({
        kind: 'field_changed_on_both_sides',
        field: 'email',
        ours: 'ann@example.org',
        theirs: 'new@example.org',
      }),
    ]);
    expect(found.map(detailOf)).toEqual([expect.stringContaining('the record was deleted in Syncline')]);
  });

  it('is none if the record there is as it was agreed, or stays as it is', () => {
    expect(editsOfDeleted(MAPPING, OURS, AGREEMENT, { ...OURS, name: 'ANN' })).toEqual([]);
    const leaving: RecordTypeMapping = { ...MAPPING, onDelete: 'leave' };
    expect(editsOfDeleted(leaving, OURS, AGREEMENT, { name: 'ANN', email: 'new@example.org' })).toEqual([]);
  });
});
