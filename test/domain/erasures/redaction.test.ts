/** Texts of other rows lose the names and values of erased records, and nothing else (rules.md 62). */
import { ESCAPED, folded } from '../../../domain/erasures/readings';
import { Redaction } from '../../../domain/erasures/redaction';
import { formsOf, textsIn } from '../../../domain/erasures/written-forms';

/** Whether PostgreSQL has the text examined. */
function isFound(person: Redaction, text: string): boolean {
  const inOneCase = (one: string) => folded({ text: one }).text;
  return (
    new RegExp(ESCAPED).test(text) ||
    person.searched('words').some((one) => inOneCase(text).includes(inOneCase(one)))
  );
}

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
    expect(isFound(person, text)).toBe(_how !== 'not by a first name alone');
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
      texts: [
        'İbrahim Yıldız',
        'Jörg Groß',
        "Sinéad O'Brien",
        'Οδυσσευς',
        'Jan',
        'Deniz Çiftçi',
        'Åsa Øst',
        'Ada Lovelace',
        '가나다',
      ],
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
    ['in Turkish capitals', 'DENİZ ÇİFTÇİ, IBRAHIM YILDIZ', '[erased], [erased]'],
    ['with letters i without a dot', 'denız çıftçı, ıbrahim yildiz', '[erased], [erased]'],
    ['with a typographic apostrophe', 'Sinéad O’Brien', '[erased]'],
    [
      'with names of HTML',
      'Sin&eacute;ad&nbsp;O&rsquo;Brien, J&ouml;rg Gro&szlig;, &Aring;sa &Oslash;st',
      '[erased], [erased], [erased]',
    ],
    ['in an address in small letters', 'q=j%c3%b6rg+gro%c3%9f&x', 'q=[erased]&x'],
    ['in an address in Latin-1', 'q=J%F6rg+Gro%DF&x', 'q=[erased]&x'],
    ['decomposed in an address', 'q=Jo%CC%88rg+Gro%C3%9F&x', 'q=[erased]&x'],
    ['decomposed in escapes', String.raw`"Sine\u0301ad O'Brien"`, '"[erased]"'],
    ['decomposed without spaces', '가나다'.normalize('NFD'), '[erased]'],
    ['escaped twice', String.raw`"{\"d\":\"J\\u00f6rg Gro\\u00DF\"}"`, String.raw`"{\"d\":\"[erased]\"}"`],
    [
      'in an address that is a parameter',
      'next=%2F%3Fq%3DJ%25C3%25B6rg%2520Gro%25C3%259F',
      'next=%2F%3Fq%3D[erased]',
    ],
    ['in bytes of Python', String.raw`b'J\xc3\xb6rg Gro\xc3\x9f'`, "b'[erased]'"],
    ['in half an escape', 'J%C3%B6rg Gro&szlig;', '[erased]'],
    ['quoted-printable', 'To: J=C3=B6rg =\r\nGro=C3=9F, ibo=40example.com', 'To: [erased], [erased]'],
    ['in words of a header', '550 =?UTF-8?Q?J=C3=B6rg_Gro=C3=9F?= <a@b.c>', '550 [erased] <a@b.c>'],
    [
      'in several words',
      '=?iso-8859-1?q?J=F6rg?=\r\n =?iso-8859-1?q?_Gro=DF?= is unknown',
      '[erased] is unknown',
    ],
    ['in Base64', '550 =?utf-8?b?SsO2cmcgR3Jvw58gYW5kIErDtnJnIEdyb8Of?=', '550 [erased]'],
    [
      'behind a parameter that looks like a byte',
      'mail=ada@b.c&u=ibo@example.com',
      'mail=ada@b.c&u=[erased]',
    ],
    [
      'plain after an escaped line break',
      String.raw`"Invalid:\nAda Lovelace"`,
      String.raw`"Invalid:\n[erased]"`,
    ],
    ['in Greek capitals', 'ΟΔΥΣΣΕΥΣ.Α', '[erased].Α'],
    ['not in a word around it', 'IBO@EXAMPLE.COMMON', 'IBO@EXAMPLE.COMMON'],
    ['by an id in another case', 'ibo@example.com is taken', '[erased] is taken'],
    ['by an id in an address', 'GET /users/ibo.y%40corp.example', 'GET /users/[erased]'],
  ];

  it.each(cases)('%s', (_how, text, expected) => {
    expect(person.text(text, 'words')).toBe(expected);
    expect(isFound(person, text)).toBe(true);
  });
});

it('rule 62: a text with strange escapes is left as it is', () => {
  const person = new Redaction([
    { id: 'rec_1', recordType: 'employees', externalId: 'e', remoteIds: [], texts: ['Ada Lovelace'] },
  ]);
  for (const text of [
    '%ZZ %C3 %',
    String.raw`\u12 \ud83d \x`,
    '&#99999999; &#xFFFFFF; &; &toString; &xvalueOf;',
    '=?a?b?*?= =?x?q?=',
    '=E9 =\r\n',
  ])
    expect(person.text(text, 'words')).toBe(text);
});

it('rule 62: ids of other records that contain an erased one are kept', () => {
  const others = ['emp-1.2', 'crm:emp-1', 'emp-1@corp', 'emp-1/a', 'a/emp-1'];
  expect(
    redaction.json(
      others.map((name) => ({ external_id: name, remote_id: name })),
      'ids',
    ),
  ).toEqual(others.map((name) => ({ external_id: name, remote_id: name })));
  expect(redaction.text('emp-1.2 crm:emp-1 emp-1@corp', 'ids')).toBe('emp-1.2 crm:emp-1 emp-1@corp');
  expect(redaction.json({ external_id: 'emp-1', target: 'contacts/emp-1' }, 'ids')).toEqual({
    external_id: '[erased]',
    target: 'contacts/[erased]',
  });
});

it('rule 62: a plain id or word has one form, so that a thousand records are soon compared', () => {
  expect(['emp-10001', 'Lovelace', '756123456789'].flatMap(formsOf)).toEqual([
    'emp-10001',
    'Lovelace',
    '756123456789',
  ]);
});

it('rule 62: numbers of others in the same JSON keep their digits', () => {
  const others = String.raw`{"a": 9007199254740993, "b": [1.10, 1e400, -0.50], "c": "1.10 \" \\u00001.10\""`;
  const kept = String.raw`{"a":9007199254740993,"b":[1.10,1e400,-0.50],"c":"1.10 \" \\u00001.10\""`;
  expect(redaction.jsonText(`${others}, "by": "ada@example.com"}`, 'words')).toBe(`${kept},"by":"[erased]"}`);
  expect(redaction.jsonText(`${others}}`, 'words')).toBe(`${others}}`);
});

it('rule 62: a number of the person is erased however many digits it has', () => {
  const person = new Redaction([], ['12345678901234567890', '71.5']);
  expect(person.jsonText('{"ssn": 12345678901234567890, "size": 71.50, "other": 7.10}', 'words')).toBe(
    '{"ssn":"[erased]","size":"[erased]","other":7.10}',
  );
});
