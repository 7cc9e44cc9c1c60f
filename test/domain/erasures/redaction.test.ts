/** Texts of other rows lose the names and values of erased records, and nothing else (rules.md 62). */
import { Redaction } from '../../../domain/erasures/redaction';

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
