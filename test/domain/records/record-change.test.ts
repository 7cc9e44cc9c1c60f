// oxlint-disable jest/no-conditional-expect -- properties have premises
/** What a change makes of a record: rules.md 7, 13 and 55. */
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
            // A late PATCH with a version of the caller leaves the record's version.
            const isLate = one.version !== undefined && one.version < record.version;
            if (result.outcome === 'applied')
              expect(result.record.version).toBeGreaterThanOrEqual(record.version + (isLate ? 0 : 1));
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

describe('rule 55: versions per field', () => {
  const times = (seconds: number | undefined) =>
    seconds === undefined ? {} : { occurredAt: second(seconds) };
  const versions = (version: number | undefined) => ({ version });
  const start = (more: Partial<RecordChange>) => change('put', { a: 'a0', b: 'b0' }, more);

  describe.each([
    ['occurred_at', times],
    ['version', versions],
  ])('of changes with %s', (_name, at) => {
    it('applies an older PATCH of a field that nothing newer has changed', () => {
      const { record, outcomes } = after([
        start(at(1)),
        change('patch', { a: 'a3' }, at(3)),
        change('patch', { b: 'b2' }, at(2)),
      ]);

      expect(outcomes).toEqual(['applied', 'applied', 'applied']);
      expect(record?.fields).toEqual({ a: 'a3', b: 'b2' });
    });

    it('applies an older PATCH of a field that the record does not have', () => {
      const { record } = after([
        start(at(1)),
        change('patch', { a: 'a3' }, at(3)),
        change('patch', { constructor: 'c2' }, at(2)),
      ]);

      expect(record?.fields).toEqual({ a: 'a3', b: 'b0', constructor: 'c2' });
    });

    it('applies only the untouched fields of an older PATCH, and names the others', () => {
      const { record } = after([start(at(1)), change('patch', { a: 'a3' }, at(3))]);

      expect(applyChange(record, change('patch', { a: 'a2', b: 'b2', c: null }, at(2)), NOW)).toMatchObject({
        outcome: 'applied',
        record: { fields: { a: 'a3', b: 'b2', c: null } },
        changedFields: ['b', 'c'],
        staleFields: ['a'],
      });
    });

    it.each<[string, RecordChange[], RecordChange]>([
      [
        'a PATCH older than one of the same field',
        [change('patch', { a: 'a3' }, at(3))],
        change('patch', { a: 'a2' }, at(2)),
      ],
      ['a PATCH older than a PUT', [change('put', { a: 'a3' }, at(3))], change('patch', { b: 'b2' }, at(2))],
      [
        'a PATCH older than a deletion',
        [change('patch', { a: 'a4' }, at(4)), change('delete', {}, at(5))],
        change('patch', { b: 'b2' }, at(2)),
      ],
      [
        'a PATCH older than the deletion of a record that was restored',
        [change('delete', {}, at(3)), change('put', { a: 'a4' }, at(4))],
        change('patch', { b: 'b2' }, at(2)),
      ],
      ['a PUT older than a PATCH', [change('patch', { a: 'a3' }, at(3))], change('put', { b: 'b2' }, at(2))],
      ['a deletion older than a PATCH', [change('patch', { a: 'a3' }, at(3))], change('delete', {}, at(2))],
      ['a PATCH of nothing', [change('patch', { a: 'a3' }, at(3))], change('patch', {}, at(2))],
    ])('does not apply %s', (_what, before, late) => {
      const { record } = after([start(at(1)), ...before]);

      expect(applyChange(record, late, NOW)).toEqual({ outcome: 'stale' });
    });

    it('compares with the late change afterwards, too', () => {
      const { record, outcomes } = after([
        start(at(1)),
        change('patch', { a: 'a5' }, at(5)),
        change('patch', { b: 'b3' }, at(3)),
        change('patch', { b: 'b2' }, at(2)),
        change('patch', { b: 'b4' }, at(4)),
      ]);

      expect(outcomes.slice(2)).toEqual(['applied', 'stale', 'applied']);
      expect(record?.fields).toEqual({ a: 'a5', b: 'b4' });
    });

    it('treats the same late change twice as one change', () => {
      const late = change('patch', { b: 'b2' }, at(2));
      const once = after([start(at(1)), change('patch', { a: 'a3' }, at(3)), late]);

      expect(applyChange(once.record, late, NOW)).toEqual({
        outcome: 'unchanged',
        record: once.record,
        staleFields: [],
      });
    });

    it('confirms a field without a change of its value, and no other field', () => {
      const { record, outcomes } = after([
        start(at(1)),
        change('patch', { a: 'a0' }, at(4)),
        change('patch', { a: 'a2' }, at(2)),
        change('patch', { b: 'b3' }, at(3)),
      ]);

      expect(outcomes.slice(2)).toEqual(['stale', 'applied']);
      expect(record?.fields).toEqual({ a: 'a0', b: 'b3' });
    });

    it('ends with the newest value of each field, in whatever order the changes arrive', () => {
      const fields = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'constructor'), fc.integer({ max: 3 }), {
        minKeys: 1,
      });
      fc.assert(
        fc.property(
          fc.array(fields, { minLength: 1, maxLength: 8 }).chain((patches) => {
            const changes = patches.map((patch, index) => change('patch', patch, at(index + 2)));
            return fc.tuple(
              fc.constant(changes),
              fc.shuffledSubarray([...changes, ...changes], { minLength: 2 * changes.length }),
            );
          }),
          ([inOrder, shuffled]) => {
            const expected = after([start(at(1)), ...inOrder]).record;

            expect(after([start(at(1)), ...shuffled]).record).toMatchObject({
              fields: expected?.fields,
              occurredAt: expected?.occurredAt,
            });
          },
        ),
      );
    });
  });

  it('leaves the version of the caller at the highest one, so that the next one applies', () => {
    const { record, outcomes } = after([
      start({ version: 1 }),
      change('patch', { a: 'a3' }, { version: 3 }),
      change('patch', { b: 'b2' }, { version: 2 }),
      change('patch', { b: 'b4' }, { version: 4 }),
    ]);

    expect(outcomes).toEqual(['applied', 'applied', 'applied', 'applied']);
    expect(record).toMatchObject({ version: 4, fields: { a: 'a3', b: 'b4' } });
  });

  it("raises Syncline's own version by one for a late change", () => {
    const { record } = after([
      start(times(1)),
      change('patch', { a: 'a3' }, times(3)),
      change('patch', { b: 'b2' }, times(2)),
    ]);

    expect(record).toMatchObject({ version: 3, occurredAt: second(3) });
  });

  it('refuses an older version that was used for other content of the field', () => {
    const { outcomes } = after([
      start({ version: 1 }),
      change('patch', { a: 'a3' }, { version: 3 }),
      change('patch', { b: 'b2' }, { version: 2 }),
      change('patch', { b: 'other' }, { version: 2 }),
      change('patch', { c: 'c1' }, { version: 1 }),
    ]);

    expect(outcomes.slice(3)).toEqual(['version_reused', 'version_reused']);
  });

  it('compares fields of a record without versions per field with the record', () => {
    expect(applyChange(standing(), change('patch', { a: 2 }, times(-1)), NOW).outcome).toBe('stale');
    expect(applyChange(standing(), change('patch', { a: 2 }, versions(4)), NOW).outcome).toBe('stale');
  });
});
