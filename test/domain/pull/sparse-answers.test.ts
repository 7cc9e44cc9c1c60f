/** Answers that leave out what did not change: a missing field is not an empty one (A3). */
import * as fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../../domain/json';
import { takeAll } from '../../../domain/pull/take-all';
import { type Agreement, agreementOnRead } from '../../../domain/pull/agreement';
import { mergePulled } from '../../../domain/pull/three-way-merge';
import type { RecordTypeMapping } from '../../../domain/records/mapping';

const MAPPING: RecordTypeMapping = {
  direction: 'both',
  onDelete: 'leave',
  fields: [
    { name: 'name', to: '/name' },
    { name: 'city', to: '/home/city' },
    { name: 'phone', to: '/phone' },
  ],
};
const HELD = { name: 'Ada', city: 'Ghent', phone: '1' };
const SHOWN = { name: 'Ada', home: { city: 'Ghent' }, phone: '1' };

const merge = (ours: JsonObject, remote: JsonObject, agreement: Partial<Agreement> = {}) =>
  mergePulled(
    MAPPING,
    ours,
    { ...agreementOnRead(MAPPING, HELD, SHOWN), isSparse: true, ...agreement },
    remote,
  );

describe('rule 53: A3: an answer that leaves out what did not change', () => {
  it('keeps the fields that it leaves out, and what is known about them', () => {
    const { agreed, notation } = agreementOnRead(MAPPING, HELD, SHOWN);

    expect(merge(HELD, {})).toMatchObject({
      fields: HELD,
      changedFields: [],
      isAgreed: true,
      agreed,
      notation,
    });
  });

  it('takes the fields that it shows, empty ones too', () => {
    expect(merge(HELD, { phone: null, home: { city: 'Bruges' } })).toMatchObject({
      fields: { name: 'Ada', city: 'Bruges', phone: null },
      changedFields: ['city', 'phone'],
      conflicts: [],
    });
  });

  it('leaves an edit that waits here, without a conflict', () => {
    expect(merge({ ...HELD, name: 'Augusta' }, { phone: '2' })).toMatchObject({
      fields: { name: 'Augusta', city: 'Ghent', phone: '2' },
      conflicts: [],
      isAgreed: false,
    });
  });

  it('does not say how a pushed value is shown there', () => {
    const notation = { '/phone': { ours: '1' } };

    expect(merge(HELD, {}, { agreed: SHOWN, notation }).notation['/phone']).toEqual({ ours: '1' });
  });

  it('ends, in whatever parts the changes come, with the record as it is there', () => {
    const value = fc.constantFrom<JsonValue>(null, 'x', 'y');
    const part = fc.record({ name: value, phone: value }, { requiredKeys: [] });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        let [ours, there]: JsonObject[] = [HELD, SHOWN];
        let agreement: Agreement = agreementOnRead(MAPPING, HELD, SHOWN);
        for (const changes of parts) {
          there = { ...there, ...changes };
          const merged = mergePulled(MAPPING, ours as JsonObject, { ...agreement, isSparse: true }, changes);
          [ours, agreement] = [merged.fields, merged];
        }
        const { fields, changedFields } = mergePulled(
          MAPPING,
          ours as JsonObject,
          agreement,
          there as JsonObject,
        );
        expect(changedFields).toEqual([]);
        expect([fields.name, fields.phone]).toEqual([there?.name, there?.phone]);
      }),
    );
  });

  it.each([
    ['mapped fields', MAPPING],
    ['copies of every field', { ...MAPPING, fields: [] }],
  ])('keeps what it leaves out of a record that is only read: %s', (_title, mapping) => {
    const merged = takeAll(mapping, HELD, { phone: null }, { isCreatedByPull: true, isSparse: true });

    expect(merged).toEqual({ ...HELD, phone: null });
  });
});
