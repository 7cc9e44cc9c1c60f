/**
 * The rules of docs/rules.md and docs/reliability.md, and what cites them. `npm run rules` prints which tests
 * carry each rule; test/dev/rules.test.ts fails when a citation points nowhere or a rule has no test.
 */
import fs from 'node:fs';
import path from 'node:path';
import { projectFolder } from './paths';

export interface Citation {
  rule: string;
  /** Relative to the project folder. */
  file: string;
  line: number;
}

const SOURCES = /\.(ts|tsx|mts|cjs|mjs|md)$/;
const IGNORED =
  /^(node_modules|dist|\..*)$|^test\/replay\/(histories|reordered)$|^console\/api\/schema\.d\.ts$/;
/** A number, or several: "6", "R5, R6", "19 to 23", "8 and 11", "10, 11; R8". */
const LIST = String.raw`[RS]?\d{1,2}\b(?:(?:,| and| to|, and|;| or)\s[RS]?\d{1,2}\b(?!\s*(?:%|[a-z])))*`;
const CITATIONS = new RegExp(
  String.raw`\b[Rr]ules?(?:\.md)?\s(${LIST})|(?<![\w'./-])([RS]\d{1,2}(?![\w'/-])(?:\s(?:to|and)\s[RS]\d{1,2})*)`,
  'g',
);

/** Expands "R11 to R13, 5" into R11, R12, R13, 5. */
function expand(list: string): string[] {
  const rules: string[] = [];
  for (const [, joint, letter = '', digits] of list.matchAll(/(\bto\s)?([RS])?(\d{1,2})/g)) {
    const last = rules.at(-1);
    if (joint && last) {
      const prefix = last.replace(/\d+/, '');
      for (let next = Number(last.replace(/\D/, '')) + 1; next <= Number(digits); next += 1)
        rules.push(`${prefix}${next}`);
    } else rules.push(`${letter}${Number(digits)}`);
  }
  return rules;
}

export function citationsIn(file: string, text: string): Citation[] {
  return text
    .split('\n')
    .flatMap((content, index) =>
      [...content.matchAll(CITATIONS)].flatMap(([, numbers, letters]) =>
        expand((numbers ?? letters) as string).map((rule) => ({ rule, file, line: index + 1 })),
      ),
    );
}

/** Numbered paragraphs ("6. …", "### 6. …") and the first column of the tables of R and S rows. */
export function rulesIn(text: string): string[] {
  const rules = text.split('\n').flatMap((line) => {
    const numbered = /^(?:#+ )?(?:\*\*)?(\d{1,2})\.(?:\*\*)? /.exec(line);
    if (numbered) return [String(Number(numbered[1]))];
    const row = /^\| *((?:[RS]\d+|,|to|and| )+) *\|/.exec(line);
    return row ? expand(row[1] as string) : [];
  });
  return [...new Set(rules)];
}

function sourceFiles(root: string, folder = ''): string[] {
  return fs.readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = path.posix.join(folder, entry.name);
    if (IGNORED.test(entry.name) || IGNORED.test(file)) return [];
    if (entry.isDirectory()) return sourceFiles(root, file);
    return SOURCES.test(entry.name) ? [file] : [];
  });
}

export function readRules(root = projectFolder): { rules: string[]; citations: Citation[] } {
  const rulesFiles = ['rules.md', 'rules-accuracy.md', 'rules-safety.md', 'reliability.md'].map(
    (page) => `docs/${page}`,
  );
  const citations = sourceFiles(root)
    .filter((file) => !rulesFiles.includes(file))
    .flatMap((file) => citationsIn(file, fs.readFileSync(path.join(root, file), 'utf8')));
  const rules = rulesFiles.flatMap((file) => rulesIn(fs.readFileSync(path.join(root, file), 'utf8')));
  return { rules, citations };
}

export const isTest = ({ file }: Citation): boolean => file.startsWith('test/');

export function rulesTable(root?: string): string {
  const { rules, citations } = readRules(root);
  const rows = rules.map((rule) => {
    const files = citations.filter((one) => one.rule === rule && isTest(one)).map(({ file }) => file);
    return `| ${rule} | ${[...new Set(files)].join(', ') || 'none'} |`;
  });
  const unknown = citations.filter(({ rule }) => !rules.includes(rule));
  return [
    '| rule | tests |',
    '|---|---|',
    ...rows,
    '',
    `${rules.length} rules, ${rows.filter((row) => row.endsWith('| none |')).length} without a test; ` +
      `${citations.length} citations, ${unknown.length} of no rule.`,
    ...unknown.map(
      ({ rule, file, line }) => `${file}:${line} cites ${rule}, which docs/rules.md does not have.`,
    ),
  ].join('\n');
}

if (require.main === module) console.log(rulesTable(process.argv[2]));
