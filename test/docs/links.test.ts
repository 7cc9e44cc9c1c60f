/** The documentation refers only to files, headings and log lines that exist. */
import fs from 'node:fs';
import path from 'node:path';

const root = path.join(__dirname, '../..');
const pages = [
  ...fs.readdirSync(root),
  ...fs
    .readdirSync(path.join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .map((file) => `docs/${file}`),
].filter((file) => file.endsWith('.md'));
const read = (page: string): string => fs.readFileSync(path.join(root, page), 'utf8');
const withoutCodeBlocks = (text: string): string => text.replaceAll(/^ *```[^]*?^ *```$/gm, '');

/** As GitHub derives the anchor of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');
const anchorsOf = (page: string): string[] =>
  [...withoutCodeBlocks(read(page)).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    anchorOf(heading as string),
  );

const linksOf = (page: string): string[] =>
  [...withoutCodeBlocks(read(page)).matchAll(/\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"/g)]
    .map(([, markdown, html]) => (markdown ?? html) as string)
    .filter((link) => !/^[a-z]+:/.test(link));

function isDead(page: string, link: string): boolean {
  const [file, anchor] = link.split('#') as [string, string | undefined];
  const target = file === '' ? page : path.join(path.dirname(page), file);
  if (!fs.existsSync(path.join(root, target))) return true;
  return anchor !== undefined && !anchorsOf(target).includes(anchor);
}

/** Code spans that look like a path below a folder of the project: `db/records/`, `domain/retry.ts`. */
const FOLDERS = fs
  .readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !/^(node_modules|dist|\.(cache|git|syncline))$/.test(entry.name))
  .map(({ name }) => name.replace('.', '\\.'));
const CITED_PATH = new RegExp(`\`((?:${FOLDERS.join('|')})/[\\w./-]*(?:/|\\.[a-z]+))\``, 'g');
const citedPathsOf = (page: string): string[] =>
  [...read(page).matchAll(CITED_PATH)]
    .map(([, file]) => file as string)
    .filter((file) => !file.startsWith('dist/'));

it.each(pages)('%s links only to files and headings that exist', (page) => {
  expect(linksOf(page).filter((link) => isDead(page, link))).toEqual([]);
});

it.each(pages)('%s cites only paths that exist', (page) => {
  expect(citedPathsOf(page).filter((file) => !fs.existsSync(path.join(root, file)))).toEqual([]);
});

it.each(pages)('%s has at most 250 lines', (page) => {
  expect(read(page).trimEnd().split('\n').length).toBeLessThanOrEqual(250);
});

it('notices a dead link and a dead path', () => {
  expect(isDead('README.md', 'docs/README.md')).toBe(false);
  expect(isDead('README.md', 'docs/missing.md')).toBe(true);
  expect(isDead('README.md', 'docs/README.md#missing')).toBe(true);
  expect([...'see `db/missing.ts`'.matchAll(CITED_PATH)].map(([, file]) => file)).toEqual(['db/missing.ts']);
});

it('docs/operations/runbook.md lists only log lines that the code writes', () => {
  const [, table = ''] = /### Log lines\n([^]*?)\n\n/.exec(read('docs/operations/runbook.md')) ?? [];
  const lines = [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, line]) => line as string);
  const sources = ['api', 'worker', 'activities', 'runtime'].flatMap((folder) =>
    fs
      .readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.c?[jt]s$/.test(file))
      .map((file) => read(`${folder}/${file}`)),
  );

  expect(lines.length).toBeGreaterThan(5);
  expect(lines.filter((line) => !sources.some((source) => source.includes(line)))).toEqual([]);
});
