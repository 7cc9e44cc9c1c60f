import { citationsIn, isTest, readRules, rulesIn } from '../../dev/tools/rules';

const { rules, citations } = readRules();

it('cites only rules that docs/rules.md has', () => {
  const unknown = citations
    .filter(({ rule }) => !rules.includes(rule))
    .map(({ rule, file, line }) => `${file}:${line} cites ${rule}`);

  expect(unknown).toEqual([]);
});

it('finds at least one test for each rule of docs/rules.md', () => {
  const tested = new Set(citations.filter(isTest).map(({ rule }) => rule));

  expect(rules.length).toBeGreaterThan(45);
  expect(rules.filter((rule) => !tested.has(rule))).toEqual([]);
});

it.each([
  ['rules.md 6', ['6']],
  ['rules.md 10, 11, 35; R8, R9', ['10', '11', '35', 'R8', 'R9']],
  ['rules 24 to 27', ['24', '25', '26', '27']],
  ['(rules.md R11 to R13)', ['R11', 'R12', 'R13']],
  ['as rule 31 says, 12 records', ['31']],
  ['(R8)', ['R8']],
  ['const [r0, r1] = rows', []],
])('reads the citations of %j', (text, expected) => {
  expect(citationsIn('a.ts', text).map(({ rule }) => rule)).toEqual(expected);
});

it('reads the numbers of paragraphs and of table rows', () => {
  const text =
    '1. One.\n\n### 2. Two\n| rule | tests |\n| R1 | a |\n| S1 to S3 | b |\n| S6, S7 | c |\n| 9 | d |';

  expect(rulesIn(text)).toEqual(['1', '2', 'R1', 'S1', 'S2', 'S3', 'S6', 'S7']);
});
