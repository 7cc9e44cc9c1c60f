/** The two checks of `npm run lint:layout` refuse what they say they refuse. */
import fs from 'node:fs';
import path from 'node:path';
import { crowdedFolders, longLines } from '../../dev/lint/check-layout';
import { projectFolder } from '../../dev/tools/paths';

const filesOf = (folder: string, count: number) =>
  Array.from({ length: count }, (_, n) => `${folder}/file-${n}.ts`);

describe('a folder', () => {
  it('may contain 20 source files, and other files besides', () => {
    expect(crowdedFolders([...filesOf('db/push', 20), 'db/push/README.md', 'db/push/a.json'])).toEqual([]);
  });

  it('may not contain 21', () => {
    expect(crowdedFolders([...filesOf('db/push', 21), ...filesOf('db/pull', 3)])).toEqual([
      'db/push: 21 source files, at most 20',
    ]);
  });
});

describe('a line', () => {
  const long = 'x'.repeat(120);

  it.each([
    ['a comment', 'a.ts', `  // ${long}`],
    ['a documentation comment', 'a.ts', `/** ${long} */`],
    ['a line inside one', 'a.ts', ` * ${long}`],
    ['a paragraph', 'a.md', long],
  ])('of %s may not be longer than 110 characters', (_, file, line) => {
    expect(longLines(file, `short\n${line}\n`)).toEqual([
      `${file}:2: ${line.length} characters, at most 110`,
    ]);
  });

  it.each([
    ['a table', 'a.md', `| ${long} |`],
    ['a code block', 'a.md', '```\n' + long + '\n```'],
    ['code, which the formatter bounds', 'a.ts', `const a = '${long}';`],
  ])('of %s may', (_, file, text) => {
    expect(longLines(file, text)).toEqual([]);
  });
});

it('names one version of Node.js for images and developers, newer than the oldest that is supported', () => {
  const read = (name: string) => fs.readFileSync(path.join(projectFolder, name), 'utf8');
  const version = read('.nvmrc').trim();

  expect(read('Dockerfile')).toContain(`FROM node:${version}-`);
  expect(Number(version.split('.')[0])).toBeGreaterThanOrEqual(20);
});
