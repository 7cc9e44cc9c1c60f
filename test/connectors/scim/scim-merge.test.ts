import { listRules, mergeResource, patchOperations } from '../../../connectors/scim/merge';
import { ENTERPRISE_SCHEMA } from '../../../connectors/scim/fields';
import type { JsonObject } from '../../../domain/json';

/** `places`: where the mapping writes. */
const merge = (current: JsonObject, payload: JsonObject, places: string[] = []) =>
  mergeResource(current, payload, listRules(places.map((to) => ({ name: 'x', to }))));

const home = { type: 'home', value: 'ada@home.example', display: 'Home' };
const work = { type: 'work', value: 'ada@work.example', primary: true };

describe('mergeResource', () => {
  it('writes our values over the remote ones and leaves the rest', () => {
    const current = {
      id: '1',
      nickName: 'Ada',
      name: { givenName: 'A', middleName: 'K' },
      [ENTERPRISE_SCHEMA]: { division: 'D' },
    };

    const merged = merge(current, { name: { givenName: 'Ada' }, [ENTERPRISE_SCHEMA]: { department: 'X' } });

    expect(merged).toEqual({
      id: '1',
      nickName: 'Ada',
      name: { givenName: 'Ada', middleName: 'K' },
      [ENTERPRISE_SCHEMA]: { division: 'D', department: 'X' },
    });
  });

  it('treats null as "no value", at every depth, and leaves no empty objects', () => {
    expect(
      merge({ title: 'x', name: { givenName: 'A' } }, { title: null, name: { givenName: null } }),
    ).toEqual({});
    expect(
      merge(
        {},
        { title: null, name: { givenName: null }, emails: [{ value: null, type: 'work', primary: true }] },
      ),
    ).toEqual({});
  });

  it.each<[string, JsonObject[], JsonObject[], JsonObject[]]>([
    ['adds one of a new type', [home], [work], [home, work]],
    [
      'changes the one of the same type',
      [home, work],
      [{ type: 'work', value: 'new@work.example' }],
      [home, { ...work, value: 'new@work.example' }],
    ],
    ['gives its type to an untyped one of the same value', [{ value: work.value }], [work], [work]],
    [
      'changes the primary one when our value is primary and has no type',
      [home, work],
      [{ primary: true, value: 'new@work.example' }],
      [home, { ...work, value: 'new@work.example' }],
    ],
    [
      'changes the one in the same place when nothing else identifies it',
      [{ value: 'old' }],
      [{ value: 'new' }],
      [{ value: 'new' }],
    ],
    ['keeps one of the same value wherever it is', [home, work], [{ value: home.value }], [home, work]],
    [
      'makes no second primary one',
      [{ ...home, primary: true }],
      [work],
      [{ ...home, primary: false }, work],
    ],
    [
      'takes away the one whose value is null',
      [home, work],
      [{ type: 'work', value: null, primary: true }],
      [home],
    ],
    ['adds no value that has only a type', [home], [{ type: 'work', primary: false }], [home]],
  ])('of multi-valued attributes: %s', (_title, emails, pushed, expected) => {
    expect(merge({ emails }, { emails: pushed })).toEqual({ emails: expected });
  });

  const WORK = 'emails[type eq "work"].value';
  const PRIMARY = 'emails[primary eq true].value';

  it.each<[string, string, JsonObject[], JsonObject[], JsonObject[]]>([
    [
      'the selected one',
      WORK,
      [home, work],
      [{ type: 'work', value: 'new' }],
      [home, { ...work, value: 'new' }],
    ],
    [
      'the selected one, whose type is written in capitals',
      WORK,
      [{ ...work, type: 'WORK' }],
      [{ type: 'work', value: 'new' }],
      [{ ...work, type: 'WORK', value: 'new' }],
    ],
    [
      'a new one beside those of other types, never one of them',
      WORK,
      [home],
      [{ type: 'work', value: 'new' }],
      [home, { type: 'work', value: 'new' }],
    ],
    [
      'a new one beside an untyped one of another value',
      WORK,
      [{ value: 'other' }],
      [{ type: 'work', value: 'new' }],
      [{ value: 'other' }, { type: 'work', value: 'new' }],
    ],
    [
      'the primary one',
      PRIMARY,
      [work, home],
      [{ primary: true, value: 'new' }],
      [{ ...work, value: 'new' }, home],
    ],
    [
      'a new one if none is primary, and no typed one',
      PRIMARY,
      [home],
      [{ primary: true, value: 'new' }],
      [home, { primary: true, value: 'new' }],
    ],
    [
      'the only one of a service that marks none, without a mark',
      PRIMARY,
      [{ value: 'old' }],
      [{ primary: true, value: 'new' }],
      [{ value: 'new' }],
    ],
    [
      'the primary one of two of the same type',
      WORK,
      [{ ...work, primary: false, value: 'second' }, work],
      [{ type: 'work', value: 'new' }],
      [
        { ...work, primary: false, value: 'second' },
        { ...work, value: 'new' },
      ],
    ],
  ])('A2: rule 48: writes %s', (_title, place, emails, pushed, expected) => {
    expect(merge({ emails }, { emails: pushed }, [place])).toEqual({ emails: expected });
    const reversed = merge({ emails: emails.toReversed() }, { emails: pushed }, [place]);
    expect(reversed['emails']).toHaveLength(expected.length);
    expect(reversed['emails']).toEqual(expect.arrayContaining(expected));
  });

  it('A2: refuses to choose between two members that the selector fits, unless one has the value', () => {
    const twice = [
      { type: 'work', value: 'a' },
      { type: 'work', value: 'b' },
    ];

    expect(() => merge({ emails: twice }, { emails: [{ type: 'work', value: 'c' }] }, [WORK])).toThrow(
      expect.objectContaining({
        errors: [expect.objectContaining({ field: 'x', remoteField: WORK, code: 'ambiguous_member' })],
      }),
    );
    expect(merge({ emails: twice }, { emails: [{ type: 'work', value: 'b' }] }, [WORK])).toEqual({
      emails: twice,
    });
  });

  it('keeps a list that is mapped as a whole and differs in order and additions only', () => {
    const roles = [{ value: 'b', display: 'B' }, { value: 'a' }];

    expect(merge({ roles }, { roles: [{ value: 'a' }, { value: 'b' }] }, ['/roles'])).toEqual({ roles });
    expect(merge({ roles }, { roles: [{ value: 'b' }] }, ['/roles'])).toEqual({ roles: [roles[0]] });
  });

  it('replaces a list that is mapped as a whole, and lists of plain values', () => {
    expect(merge({ roles: [{ value: 'a' }] }, { roles: [{ value: 'b' }] }, ['/roles'])).toEqual({
      roles: [{ value: 'b' }],
    });
    expect(merge({ tags: ['a', 'b'] }, { tags: ['c'] })).toEqual({ tags: ['c'] });
    expect(merge({ tags: ['a'] }, { tags: [] })).toEqual({});
  });

  it('accepts list positions that the mapping leaves empty', () => {
    const sparse: JsonObject[] = [];
    sparse[1] = { value: 'second' };

    expect(merge({}, { emails: sparse })).toEqual({ emails: [{ value: 'second' }] });
  });

  it('changes neither of its arguments', () => {
    const current = { emails: [{ ...work }], name: { givenName: 'A' } };
    const before = structuredClone(current);

    merge(current, { emails: [{ type: 'home', value: 'x', primary: true }], name: { givenName: 'B' } });

    expect(current).toEqual(before);
  });
});

describe('patchOperations', () => {
  it('contains exactly the differences', () => {
    const current = {
      id: '1',
      meta: {},
      schemas: ['a'],
      title: 'x',
      name: { givenName: 'A', familyName: 'L' },
      emails: [home],
      nickName: 'n',
    };
    const wanted = {
      title: 'x',
      name: { givenName: 'Ada' },
      emails: [work],
      nickName: null,
      active: true,
      [ENTERPRISE_SCHEMA]: { department: 'X' },
    };

    const operations = patchOperations(current, { ...merge(current, wanted), schemas: ['a', 'b'] });

    expect(operations).toEqual([
      { op: 'replace', path: 'name.givenName', value: 'Ada' },
      { op: 'replace', path: 'emails', value: [home, work] },
      { op: 'remove', path: 'nickName' },
      { op: 'add', path: 'active', value: true },
      { op: 'add', path: `${ENTERPRISE_SCHEMA}:department`, value: 'X' },
    ]);
  });

  it('is empty when nothing differs', () => {
    const current = { id: '1', title: 'x', name: { givenName: 'A' } };

    expect(patchOperations(current, merge(current, { name: { givenName: 'A' }, nickName: null }))).toEqual(
      [],
    );
  });
});
