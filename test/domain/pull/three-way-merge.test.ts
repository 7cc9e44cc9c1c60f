/** Records that both sides may have changed (rules.md 17). */
import * as fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../../domain/json';
import { mapRecord, type RecordTypeMapping } from '../../../domain/records/mapping';
import { takeAll } from '../../../domain/pull/take-all';
import { mergePulled as mergeBoth } from '../../../domain/pull/three-way-merge';

const MAPPING: RecordTypeMapping = {
  direction: 'both',
  onDelete: 'leave',
  fields: [
    { name: 'a', to: '/x/a' },
    { name: 'b', to: '/b' },
    { name: 'c', to: '/c' },
    { to: '/kind', constant: 'person' },
  ],
};
/** Links from before notations were kept have only the agreed payload. */
const mergePulled = (
  mapping: RecordTypeMapping,
  local: JsonObject,
  agreed: JsonObject | null,
  remote: JsonObject,
) => mergeBoth(mapping, local, { agreed }, remote);
const REMOTE_WINS: RecordTypeMapping = { ...MAPPING, onConflict: 'theirs' };

/** Their shape of our fields. */
const there = (fields: JsonObject): JsonObject => {
  const mapped = mapRecord(MAPPING, fields);
  return mapped.ok ? mapped.payload : {};
};
const some = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom<JsonValue>(null, 1, 'x', [1]));
const same = (a: JsonValue | undefined, b: JsonValue | undefined) =>
  JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
const NAMES = ['a', 'b', 'c'];

describe('rule 17: merging', () => {
  it('takes the remote value if only it changed, and keeps the local one if only it changed', () => {
    const merged = mergePulled(
      MAPPING,
      { a: 1, b: 'new here', own: true },
      there({ a: 1, b: 1 }),
      there({ a: 2, b: 1 }),
    );
    expect(merged).toMatchObject({
      fields: { a: 2, b: 'new here', own: true },
      changedFields: ['a'],
      conflicts: [],
      isAgreed: false,
    });
  });

  it('logs a field changed on both sides: local wins, or remote if the mapping says so', () => {
    const given = [{ a: 'local' }, there({ a: 'base' }), there({ a: 'remote' })] as const;
    expect(mergePulled(MAPPING, ...given)).toMatchObject({
      fields: { a: 'local' },
      conflicts: [{ field: 'a', ours: 'local', theirs: 'remote', winner: 'ours' }],
      isAgreed: false,
    });
    expect(mergePulled(REMOTE_WINS, ...given)).toMatchObject({
      fields: { a: 'remote' },
      conflicts: [{ winner: 'theirs' }],
      isAgreed: true,
    });
  });

  it('is not a conflict if both changed to the same value', () => {
    expect(mergePulled(MAPPING, { a: 'same' }, there({ a: 'base' }), there({ a: 'same' }))).toMatchObject({
      changedFields: [],
      conflicts: [],
      isAgreed: true,
    });
  });

  it('without a common base, keeps local values and fills empty fields from the remote record', () => {
    expect(
      mergePulled(MAPPING, { a: 'local', b: null }, null, there({ a: 'remote', b: 1, c: 2 })),
    ).toMatchObject({
      fields: { a: 'local', b: 1, c: 2 },
      conflicts: [{ field: 'a' }],
    });
  });

  it('does not overwrite a value with its equivalent from the third party', () => {
    const mapping: RecordTypeMapping = {
      ...MAPPING,
      fields: [{ name: 'state', to: '/s', values: { open: 'O', reopened: 'O', done: 'D' } }],
    };
    expect(mergePulled(mapping, { state: 'reopened' }, { s: 'O' }, { s: 'O' })).toMatchObject({
      fields: { state: 'reopened' },
      changedFields: [],
    });
    expect(mergePulled(mapping, { state: 'reopened' }, { s: 'O' }, { s: 'D' })).toMatchObject({
      fields: { state: 'done' },
      conflicts: [],
    });
  });

  it('merges in Syncline fields if a local record cannot be mapped', () => {
    const mapping: RecordTypeMapping = {
      ...MAPPING,
      fields: [
        { name: 'age', to: '/age', type: 'number' },
        { name: 'n', to: '/n' },
      ],
    };
    expect(mergePulled(mapping, { age: 'old', n: 1 }, { age: 3, n: 1 }, { age: 3, n: 2 })).toMatchObject({
      fields: { age: 'old', n: 2 },
      isAgreed: false,
    });
  });

  it('never loses an unsent local change, and takes the remote value otherwise', () => {
    fc.assert(
      fc.property(some, some, some, fc.boolean(), (local, base, remote, doesRemoteWin) => {
        const { fields, conflicts, isAgreed } = mergePulled(
          doesRemoteWin ? REMOTE_WINS : MAPPING,
          local,
          there(base),
          there(remote),
        );
        for (const name of NAMES) {
          const isChangedHere = !same(local[name], base[name]);
          const isChangedThere = !same(remote[name], base[name]);
          const isConflict = isChangedHere && isChangedThere && !same(local[name], remote[name]);
          const isLocal = isChangedHere && (!isChangedThere || !doesRemoteWin);
          expect([name, fields[name] ?? null]).toEqual([
            name,
            (isLocal ? local[name] : remote[name]) ?? null,
          ]);
          expect([name, conflicts.some(({ field }) => field === name)]).toEqual([name, isConflict]);
        }
        expect(isAgreed).toBe(NAMES.every((name) => same(fields[name], remote[name])));
      }),
    );
  });

  it('treats the echo of its own push as no change', () => {
    fc.assert(
      fc.property(some, fc.option(some), (local, base) => {
        const merged = mergePulled(MAPPING, local, base === null ? null : there(base), there(local));
        expect(merged).toMatchObject({
          fields: local,
          changedFields: [],
          conflicts: [],
          isAgreed: true,
          agreed: there(local),
        });
      }),
    );
  });

  it('reports a conflict once: a second merge without news changes nothing', () => {
    fc.assert(
      fc.property(some, fc.option(some), some, fc.boolean(), (local, base, remote, doesRemoteWin) => {
        const mapping = doesRemoteWin ? REMOTE_WINS : MAPPING;
        const first = mergePulled(mapping, local, base === null ? null : there(base), there(remote));
        const again = mergePulled(mapping, first.fields, first.agreed, there(remote));
        expect(again).toMatchObject({
          fields: first.fields,
          changedFields: [],
          conflicts: [],
          isAgreed: first.isAgreed,
        });
      }),
    );
  });

  it('does not change unmapped fields', () => {
    fc.assert(
      fc.property(
        some,
        some,
        (local, remote) =>
          mergePulled(MAPPING, { ...local, own: 'kept' }, null, there(remote)).fields['own'] === 'kept',
      ),
    );
  });
});

describe('rule 17: a record owned by the third party', () => {
  it('takes mapped fields, including the removal of a field, and leaves unmapped ones', () => {
    for (const isCreatedByPull of [true, false])
      expect(takeAll(MAPPING, { a: 1, b: 2, own: true }, { a: 3 }, { isCreatedByPull })).toEqual({
        a: 3,
        own: true,
      });
  });

  it('drops fields removed remotely if all are copied, but not local ones from before the match', () => {
    const everything = { ...MAPPING, fields: [] };
    expect(takeAll(everything, { a: 1, b: 2 }, { a: 3 }, { isCreatedByPull: true })).toEqual({ a: 3 });
    expect(takeAll(everything, { a: 1, b: 2 }, { a: 3 }, { isCreatedByPull: false })).toEqual({ a: 3, b: 2 });
  });
});

describe('rule 46: a push whose answer was lost', () => {
  const notation = { '/b': { ours: 'before', shown: 'BEFORE' } };
  const agreement = { agreed: { b: 'before' }, notation, isPushOpen: true, pushed: { b: 'sent' } };

  it('is no change there when it is read, so it does not replace an edit that undoes it', () => {
    const fields = { b: 'before' };
    expect(mergeBoth(MAPPING, fields, agreement, { b: 'SENT' })).toMatchObject({
      fields,
      changedFields: [],
      conflicts: [],
      isAgreed: false,
    });
  });

  it('is no conflict with a further edit, and hides no other change there', () => {
    expect(mergeBoth(MAPPING, { b: 'later' }, agreement, { b: 'SENT' }).conflicts).toEqual([]);
    expect(mergeBoth(MAPPING, { b: 'before' }, agreement, { b: 'theirs' }).fields).toEqual({ b: 'theirs' });
  });
});
