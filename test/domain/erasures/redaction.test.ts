/** Texts of other rows lose the names and values of erased records, and nothing else (rules.md 62). */
import { Redaction } from '../../../domain/erasures/redaction';
import { formsOf, inOneCase, textsIn } from '../../../domain/erasures/written-forms';

const redaction = new Redaction([
  {
    id: 'rec_1',
    recordType: 'employees',
    externalId: 'emp-1',
    remoteIds: ['7'],
    texts: ['Ada (Lovelace)', 'ada@example.com'],
  },
]);

it('rule 62: a record whose id begins like that of an erased one keeps its name', () => {
  expect(redaction.text('emp-10, emp-1.', 'ids')).toBe('emp-10, [erased].');
});

it('rule 62: values are erased from words of apps, and not from names', () => {
  expect(redaction.text('Ada (Lovelace) <ada@example.com> is taken.', 'words')).toBe(
    '[erased] <[erased]> is taken.',
  );
  expect(redaction.text('ada@example.com', 'ids')).toBe('ada@example.com');
});

it('rule 62: a short name is erased where the row names the record', () => {
  expect(
    redaction.json(
      [
        { id: 'rec_1', remote_id: '7' },
        { id: 'rec_2', remote_id: '7' },
      ],
      'ids',
    ),
  ).toEqual([
    { id: 'rec_1', remote_id: '[erased]' },
    { id: 'rec_2', remote_id: '7' },
  ]);
});

describe('rule 62: words of apps name a person', () => {
  const person = new Redaction([
    {
      id: 'rec_1',
      recordType: 'employees',
      externalId: 'emp-1',
      remoteIds: ['10001'],
      texts: ['Zoë Müller', 'Zoe.Mueller@Example.com', 'Zoë', '756123456789', '王伟', '김민수'],
    },
  ]);
  const cases = [
    ['in lower case', 'zoe.mueller@example.com is taken', '[erased] is taken'],
    ['in upper case', 'ZOË MÜLLER exists', '[erased] exists'],
    ['decomposed', `${'Zoë Müller'.normalize('NFD')} exists`, '[erased] exists'],
    ['with escapes of JSON', String.raw`{"d":"Zo\u00eb M\u00fcller"}`, '{"d":"[erased]"}'],
    ['in an address', 'GET /users?mail=Zoe.Mueller%40Example.com', 'GET /users?mail=[erased]'],
    ['as a number', 'Duplicate number 756123456789.', 'Duplicate number [erased].'],
    ['without spaces', '用户王伟已存在', '用户[erased]已存在'],
    ['with a particle', '김민수는 있습니다', '[erased]는 있습니다'],
    ['by the first name too', 'Zoë (zoe.mueller@example.com)', '[erased] ([erased])'],
    ['not by a first name alone', 'Zoë is no valid colour', 'Zoë is no valid colour'],
  ];

  it.each(cases)('%s', (_how, text, expected) => {
    expect(person.text(text, 'words')).toBe(expected);
    expect(person.searched('words').some((one) => text.toLowerCase().includes(one.toLowerCase()))).toBe(
      _how !== 'not by a first name alone',
    );
  });

  it('as a number in JSON', () => {
    expect(person.json({ ssn: 756123456789, pages: 12 }, 'words')).toEqual({ ssn: '[erased]', pages: 12 });
  });
});

it('rule 62: a record that another app calls by the same id keeps its name', () => {
  const named = `int_${'0'.repeat(26)}:10001`;
  const erased = new Redaction([
    { id: 'rec_1', recordType: 'contacts', externalId: 'ada', remoteIds: ['10001'], texts: [] },
  ]);
  expect(erased.json({ external_id: named, note: 'Row 10001' }, 'ids')).toEqual({
    external_id: named,
    note: 'Row [erased]',
  });
});

it('rule 62: values of a record are found at any depth, in lists and as numbers', () => {
  const values = {
    emails: [{ value: 'ada@example.com' }],
    ids: { ssn: 756123456789 },
    first: 'Ada',
    ok: 'yes',
  };
  expect(textsIn(values)).toEqual(['ada@example.com', '756123456789', 'Ada']);
});

describe('rule 62: words of apps name a person in spellings of their own', () => {
  const person = new Redaction([
    {
      id: 'rec_1',
      recordType: 'employees',
      externalId: 'Ibo@Example.com',
      remoteIds: ['ibo.y@corp.example'],
      texts: ['İbrahim Yıldız', 'Jörg Groß', "Sinéad O'Brien", 'Οδυσσευς', 'Jan'],
    },
  ]);
  const cases = [
    ['with a capital letter that has two lower-case units', 'İbrahim Yıldız exists', '[erased] exists'],
    ['with capital letters for one small letter', 'JÖRG GROSS exists', '[erased] exists'],
    ['after an escaped line break', String.raw`"Invalid:\nJörg Groß"`, String.raw`"Invalid:\n[erased]"`],
    ['after an escaped bracket', String.raw`\u003cJörg Groß\u003e`, String.raw`\u003c[erased]\u003e`],
    ['after an escaped sign of an address', 'q=name%3DJ%C3%B6rg%20Gro%C3%9F', 'q=name%3D[erased]'],
    ['by a first name after an escaped sign', 'a%3DJan, J%C3%B6rg%20Gro%C3%9F', 'a%3D[erased], [erased]'],
    ['with escapes of HTML', '<p>Sinéad O&#39;Brien</p>', '<p>[erased]</p>'],
    ['with numbers of HTML', '<p>Sin&#xE9;ad O&#x27;Brien</p>', '<p>[erased]</p>'],
    ['with a mark of an address', 'GET /?name=Sin%C3%A9ad%20O%27Brien', 'GET /?name=[erased]'],
    ['with escapes of .NET', String.raw`"Sin\u00E9ad O\u0027Brien"`, '"[erased]"'],
    ['in Greek capitals', 'ΟΔΥΣΣΕΥΣ.Α', '[erased].Α'],
    ['not in a word around it', 'IBO@EXAMPLE.COMMON', 'IBO@EXAMPLE.COMMON'],
    ['by an id in another case', 'ibo@example.com is taken', '[erased] is taken'],
    ['by an id in an address', 'GET /users/ibo.y%40corp.example', 'GET /users/[erased]'],
  ];

  it.each(cases)('%s', (_how, text, expected) => {
    expect(person.text(text, 'words')).toBe(expected);
    expect(person.searched('words').some((one) => inOneCase(text).includes(inOneCase(one)))).toBe(true);
  });
});

it('rule 62: a plain id or word has one form, so that a thousand records are soon compared', () => {
  expect(['emp-10001', 'Lovelace', '756123456789'].flatMap(formsOf)).toEqual([
    'emp-10001',
    'Lovelace',
    '756123456789',
  ]);
});
