// oxlint-disable jest/no-conditional-expect -- properties have premises
/** What a change makes of a record: rules.md 7 and 13. */
import * as fc from 'fast-check';
import {
  applyChange,
  type AppliedChange,
  type RecordChange,
  type VersionedRecord,
} from '../../../domain/records/record-change';

const NOW = new Date('2026-11-21T12:00:00Z');
const second = (seconds: number) => new Date(Date.UTC(2026, 10, 21, 10) + seconds * 1_000);
const change = (
  kind: RecordChange['kind'],
  fields: RecordChange['fields'],
  more: Partial<RecordChange> = {},
): RecordChange => ({
  recordType: 'employees',
  externalId: 'e1',
  kind,
  fields,
  ...more,
});
const standing = (more: Partial<VersionedRecord> = {}): VersionedRecord => ({
  version: 5,
  fields: { a: 1, b: 2 },
  isDeleted: false,
  occurredAt: second(0),
  ...more,
});

/** The record after these changes, and their outcomes. */
function after(
  changes: readonly RecordChange[],
  start: VersionedRecord | null = null,
): { record: VersionedRecord | null; outcomes: AppliedChange['outcome'][] } {
  let record = start;
  const outcomes = changes.map((one) => {
    const result = applyChange(record, one, NOW);
    if ('record' in result) record = result.record;
    return result.outcome;
  });
  return { record, outcomes };
}

describe('rule 13: put, patch and delete', () => {
  it('put replaces all fields; patch replaces those it names; null is a value', () => {
    expect(applyChange(standing(), change('put', { b: 3 }), NOW)).toMatchObject({
      outcome: 'applied',
      record: { version: 6, fields: { b: 3 } },
      changedFields: ['a', 'b'],
    });
    expect(applyChange(standing(), change('patch', { b: null }), NOW)).toMatchObject({
      outcome: 'applied',
      record: { fields: { a: 1, b: null } },
      changedFields: ['b'],
    });
  });

  it('delete keeps the fields; a put brings the record back, a patch does not', () => {
    const { record } = after([change('delete', {})], standing());
    expect(record).toMatchObject({ isDeleted: true, fields: { a: 1, b: 2 }, version: 6 });

    expect(applyChange(record, change('patch', { a: 2 }), NOW)).toEqual({ outcome: 'not_found' });
    expect(applyChange(record, change('put', { a: 1, b: 2 }), NOW)).toMatchObject({
      outcome: 'applied',
      record: { isDeleted: false, version: 7 },
      changedFields: [],
    });
  });

  it('only a put creates a record', () => {
    expect(applyChange(null, change('put', { a: 1 }), NOW)).toMatchObject({
      outcome: 'applied',
      record: { version: 1, occurredAt: NOW },
      changedFields: ['a'],
    });
    expect(applyChange(null, change('patch', { a: 1 }), NOW)).toEqual({ outcome: 'not_found' });
    expect(applyChange(null, change('delete', {}), NOW)).toEqual({ outcome: 'not_found' });
  });
});

describe('rule 7: versions', () => {
  it.each<[string, Partial<RecordChange>, AppliedChange['outcome']]>([
    ['a higher version applies', { version: 6 }, 'applied'],
    ['a lower version does not', { version: 4 }, 'stale'],
    ['the same version with other content does not', { version: 5 }, 'version_reused'],
    [
      'a higher version applies though it occurred earlier',
      { version: 6, occurredAt: second(-60) },
      'applied',
    ],
    ['a lower version does not though it occurred later', { version: 4, occurredAt: second(60) }, 'stale'],
    ['without a version, a change that occurred later applies', { occurredAt: second(1) }, 'applied'],
    [
      'without a version, a change that occurred at the same instant applies',
      { occurredAt: second(0) },
      'applied',
    ],
    ['without a version, a change that occurred earlier does not apply', { occurredAt: second(-1) }, 'stale'],
    ['without either, the change that arrives later applies', {}, 'applied'],
  ])('%s', (_what, more, outcome) => {
    expect(applyChange(standing(), change('put', { a: 9 }, more), NOW).outcome).toBe(outcome);
  });

  it('treats the same change twice as one change', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('put', 'patch', 'delete'),
        fc.option(fc.integer({ min: 6, max: 9 }), { nil: undefined }),
        fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }),
        (kind, version, occurred) => {
          const one = change(
            kind,
            { a: 7 },
            { version, ...(occurred === undefined ? {} : { occurredAt: second(occurred) }) },
          );
          const once = after([one], standing());
          const twice = after([one, one], standing());

          expect(twice.record).toEqual(once.record);
          expect(twice.outcomes).toEqual(['applied', 'unchanged']);
        },
      ),
    );
  });

  it('treats the same content with a higher version as a new version without changed fields', () => {
    expect(applyChange(standing(), change('put', { a: 1, b: 2 }, { version: 8 }), NOW)).toMatchObject({
      outcome: 'applied',
      record: { version: 8 },
      changedFields: [],
    });
  });

  it('does not apply a late change to a record that was confirmed after it', () => {
    const { record, outcomes } = after([
      change('put', { a: 'A' }, { occurredAt: second(10) }),
      change('put', { a: 'A' }, { occurredAt: second(30) }),
      change('put', { a: 'late' }, { occurredAt: second(20) }),
    ]);

    expect(outcomes).toEqual(['applied', 'unchanged', 'stale']);
    expect(record).toMatchObject({ fields: { a: 'A' }, version: 1, occurredAt: second(30) });
  });

  it('does not compare the next change with the clock of a newer version', () => {
    expect(
      after([change('put', { a: 2 }, { version: 6, occurredAt: second(-60) })], standing()).record,
    ).toMatchObject({ version: 6, occurredAt: second(0) });
  });

  const shuffled = <T>(items: readonly T[]) =>
    fc.shuffledSubarray([...items], { minLength: items.length, maxLength: items.length });

  it('ends with the highest version, in whatever order the changes arrive (R12)', () => {
    const changes = Array.from({ length: 8 }, (_, index) =>
      change(index === 3 ? 'delete' : 'put', index === 3 ? {} : { a: index }, { version: index + 1 }),
    );
    fc.assert(
      fc.property(shuffled([...changes, ...changes]), (order) => {
        const { record } = after([change('put', { a: 'first' }, { version: 0 }), ...order]);

        expect(record).toMatchObject({ version: 8, fields: { a: 7 }, isDeleted: false });
      }),
    );
  });

  it('ends with the change that occurred last, in whatever order the changes arrive', () => {
    const changes = Array.from({ length: 6 }, (_, index) =>
      change('put', { a: index % 3 }, { occurredAt: second(index) }),
    );
    fc.assert(
      fc.property(shuffled([...changes, ...changes]), (order) =>
        expect(after(order).record).toMatchObject({ fields: { a: 2 }, occurredAt: second(5) }),
      ),
    );
  });

  it('never decreases versions and instants, and a refused change has no effect', () => {
    const any = fc.record({
      kind: fc.constantFrom('put', 'patch', 'delete'),
      fields: fc.dictionary(fc.constantFrom('a', 'b', 'constructor'), fc.integer({ min: 0, max: 2 })),
      version: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
      occurredAt: fc.option(fc.integer({ min: 0, max: 20 }).map(second), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 20 }), (changes) => {
        let record: VersionedRecord | null = null;
        for (const one of changes) {
          const result: AppliedChange = applyChange(
            record,
            change(one.kind, one.fields, {
              version: one.version,
              ...(one.occurredAt === undefined ? {} : { occurredAt: one.occurredAt }),
            }),
            NOW,
          );
          if (!('record' in result)) continue;
          if (record !== null) {
            expect(result.record.occurredAt.getTime()).toBeGreaterThanOrEqual(record.occurredAt.getTime());
            if (result.outcome === 'applied') expect(result.record.version).toBeGreaterThan(record.version);
            else
              expect(result.record).toMatchObject({
                version: record.version,
                fields: record.fields,
                isDeleted: record.isDeleted,
              });
          }
          record = result.record;
        }
      }),
    );
  });
});
