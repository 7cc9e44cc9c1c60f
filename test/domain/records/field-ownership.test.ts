/** Fields that only come from a third party (rules.md 17). */
import * as fc from 'fast-check';
import {
  applyChange,
  type Owner,
  ownerOf,
  type RecordChange,
  respectOwners,
} from '../../../domain/records/record-change';
import type { JsonObject } from '../../../domain/json';

const owner: Owner = { integrationId: 'i', fields: new Set(['name', 'email']) };
const everything: Owner = { integrationId: 'j', fields: null };
const change = (kind: RecordChange['kind'], fields: JsonObject): RecordChange => ({
  recordType: 'contacts',
  externalId: 'c',
  kind,
  fields,
});
const CURRENT = { name: 'Ada', email: 'a@x', note: 'local' };

describe('rule 17: owned fields', () => {
  it('refuses a change of an owned field, and names it', () => {
    expect(respectOwners(change('patch', { name: 'Eva', note: 'b' }), CURRENT, [owner])).toEqual({
      kind: 'refused',
      owner,
      fields: ['name'],
    });
    expect(respectOwners(change('put', { name: 'Ada', email: 'b@x' }), CURRENT, [owner])).toEqual({
      kind: 'refused',
      owner,
      fields: ['email'],
    });
    expect(respectOwners(change('patch', { name: null }), CURRENT, [owner])).toMatchObject({
      kind: 'refused',
    });
    expect(respectOwners(change('patch', { anything: 1 }), CURRENT, [everything])).toMatchObject({
      kind: 'refused',
      fields: ['anything'],
    });
  });

  it('refuses to delete the record', () => {
    expect(respectOwners(change('delete', {}), CURRENT, [owner])).toEqual({
      kind: 'refused',
      owner,
      fields: [],
    });
  });

  it('allows an owned field with its current value, and fields without an owner', () => {
    expect(respectOwners(change('patch', { name: 'Ada', note: 'b' }), CURRENT, [owner]).kind).toBe('allowed');
    expect(respectOwners(change('delete', {}), CURRENT, []).kind).toBe('allowed');
  });

  it('keeps owned fields that a put leaves out, and drops the others', () => {
    expect(respectOwners(change('put', { other: 1 }), CURRENT, [owner])).toMatchObject({
      kind: 'allowed',
      change: { fields: { name: 'Ada', email: 'a@x', other: 1 } },
    });
  });

  it('are the mapped fields, or every field without a field mapping', () => {
    const mapping = { direction: 'pull' as const, onDelete: 'leave' as const };
    expect(
      ownerOf('i', {
        ...mapping,
        fields: [
          { name: 'a', to: '/x' },
          { to: '/y', constant: 1 },
        ],
      }).fields,
    ).toEqual(new Set(['a']));
    expect(ownerOf('i', { ...mapping, fields: [] }).fields).toBeNull();
  });

  it('are not altered by any allowed change', () => {
    const values = fc.dictionary(
      fc.constantFrom('a', 'b', 'c', 'toString', '__proto__'),
      fc.constantFrom<null | number>(null, 1, 2),
    );
    const owners = fc.array(
      fc.record({
        integrationId: fc.constant('i'),
        fields: fc.option(fc.constantFrom(new Set(['a']), new Set(['b', 'toString']))),
      }),
      {
        minLength: 1,
      },
    );
    fc.assert(
      fc.property(
        values,
        values,
        owners,
        fc.constantFrom('put' as const, 'patch' as const),
        (current, fields, by, kind) => {
          const result = respectOwners(change(kind, fields), current, by);
          if (result.kind === 'refused') return;
          const at = new Date(0);
          const applied = applyChange(
            { version: 1, fields: current, isDeleted: false, occurredAt: at },
            result.change,
            at,
          );
          const after = 'record' in applied ? applied.record.fields : current;
          for (const { fields: owned } of by)
            for (const name of owned ?? Object.keys({ ...current, ...after }))
              expect([name, Object.hasOwn(after, name) ? after[name] : undefined]).toEqual([
                name,
                Object.hasOwn(current, name) ? current[name] : undefined,
              ]);
        },
      ),
    );
  });
});
