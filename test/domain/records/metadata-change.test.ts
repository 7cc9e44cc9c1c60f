/** Changes of fields and picklists (rules.md 28). */
import * as fc from 'fast-check';
import { findMetadataChanges } from '../../../domain/records/metadata-change';
import type { RecordType, RecordTypeField } from '../../../domain/records/record-type';

const field = (name: string, more: Partial<RecordTypeField> = {}): RecordTypeField => ({
  name,
  label: name,
  type: 'string',
  isRequired: false,
  ...more,
});
const type = (name: string, ...fields: RecordTypeField[]): RecordType => ({ name, label: name, fields });

const anyField = fc.record({
  name: fc.constantFrom('a', 'b', 'c'),
  label: fc.constantFrom('A', 'B'),
  type: fc.constantFrom('string' as const, 'picklist' as const),
  isRequired: fc.boolean(),
  values: fc.uniqueArray(fc.constantFrom('x', 'y', 'z')),
});
const anyTypes = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('s', 't'),
    label: fc.constant('T'),
    fields: fc.uniqueArray(anyField, { selector: ({ name }) => name }),
  }),
  { selector: ({ name }) => name },
);

describe('rule 28: metadata', () => {
  it('lists what was added, removed and changed', () => {
    const known = [
      type(
        'contacts',
        field('name'),
        field('stage', { type: 'picklist', values: ['new', 'old'] }),
        field('fax'),
      ),
      type('leads'),
    ];
    const seen = [
      type(
        'contacts',
        field('name', { label: 'Full name', isRequired: true }),
        field('stage', { type: 'picklist', values: ['new', 'won'] }),
        field('chat'),
      ),
      type('deals', field('sum')),
    ];

    expect(findMetadataChanges(known, seen)).toEqual([
      { recordType: 'leads', kind: 'record_type_removed', field: null, detail: {} },
      {
        recordType: 'contacts',
        kind: 'field_removed',
        field: 'fax',
        detail: { label: 'fax', type: 'string', is_required: false },
      },
      {
        recordType: 'contacts',
        kind: 'field_changed',
        field: 'name',
        detail: { label: { from: 'name', to: 'Full name' }, is_required: { from: false, to: true } },
      },
      { recordType: 'contacts', kind: 'value_removed', field: 'stage', detail: { value: 'old' } },
      { recordType: 'contacts', kind: 'value_added', field: 'stage', detail: { value: 'won' } },
      {
        recordType: 'contacts',
        kind: 'field_added',
        field: 'chat',
        detail: { label: 'chat', type: 'string', is_required: false },
      },
      { recordType: 'deals', kind: 'record_type_added', field: null, detail: { fields: ['sum'] } },
    ]);
  });

  it('lists no changes in the first read, or if only an order has changed', () => {
    expect(findMetadataChanges(null, [type('contacts', field('name'))])).toEqual([]);
    const values = { type: 'picklist' as const };
    expect(
      findMetadataChanges(
        [type('t', field('a', { ...values, values: ['x', 'y'] }), field('b')), type('s')],
        [type('s'), type('t', field('b'), field('a', { ...values, values: ['y', 'x'] }))],
      ),
    ).toEqual([]);
  });

  it('is empty for equal metadata, and symmetric', () => {
    fc.assert(
      fc.property(anyTypes, anyTypes, (one, other) => {
        expect(findMetadataChanges(one, one)).toEqual([]);
        expect(findMetadataChanges(one, other)).toHaveLength(findMetadataChanges(other, one).length);
      }),
    );
  });
});
