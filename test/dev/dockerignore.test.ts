import { createBuildContext } from './image/dockerignore';
import { readProjectFile } from './image/compose-file';

const admits = (text: string, file: string): boolean => createBuildContext(text).admits(file);

it.each([
  ['dist', 'dist/api/main.js', false],
  ['dist', 'api/dist/main.js', true],
  ['/dist/', 'dist', false],
  ['*.md', 'README.md', false],
  ['*.md', 'docs/rules.md', true],
  ['**/*.md', 'docs/rules.md', false],
  ['**/*.md', 'README.md', false],
  ['docs/**', 'docs/a/b.md', false],
  ['**/node_modules', 'bench/peers/node_modules/pg/index.js', false],
  ['?ist', 'dist/main.js', false],
  ['[a-d]ist', 'dist/main.js', false],
  ['# dist', 'dist/main.js', true],
  ['.env*\n!.env.example', '.env.example', true],
  ['.env*\n!.env.example', '.env', false],
  ['!dist\ndist', 'dist/main.js', false],
])('with the patterns %j, admitting %s is %s', (patterns, file, isAdmitted) => {
  expect(admits(patterns, file)).toBe(isAdmitted);
});

it.each(['.env', '.syncline/secrets.json', '.git/config'])(
  'keeps %s, which can hold secrets, out of the build context',
  (file) => {
    expect(admits(readProjectFile('.dockerignore'), file)).toBe(false);
  },
);

it('admits every folder and file that tsconfig.build.json and the Dockerfile name', () => {
  const { include } = JSON.parse(readProjectFile('tsconfig.build.json')) as { include: string[] };
  const copied = [...readProjectFile('Dockerfile').matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(
    ([, words]) => (words as string).split(' ').filter((word) => word !== '.'),
  );
  const { files } = JSON.parse(readProjectFile('tsconfig.published.json')) as { files: string[] };
  const configurations = ['tsconfig.json', 'tsconfig.build.json', 'tsconfig.published.json'];
  const needed = [...include, ...files, 'console', ...configurations, ...copied];

  expect(needed.filter((file) => !admits(readProjectFile('.dockerignore'), file))).toEqual([]);
});
