/**
 * Compares docs/openapi.json with that of the last release (the newest tag `v*`). Fails on breaking changes
 * unless the version in package.json has a new minor or major number.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type ApiDescription, findBreakingChanges, isBreakAllowed } from './compatibility';

const root = path.join(__dirname, '..', '..');
const read = (file: string): unknown => JSON.parse(readFileSync(path.join(root, file), 'utf8'));
const git = (...parameters: string[]): string =>
  execFileSync('git', parameters, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1_024 * 1_024,
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();

function lastRelease(): { tag: string; description: ApiDescription } | undefined {
  try {
    const tag = git('describe', '--tags', '--abbrev=0', '--match', 'v[0-9]*');
    return { tag, description: JSON.parse(git('show', `${tag}:docs/openapi.json`)) as ApiDescription };
  } catch {
    return undefined;
  }
}

function main(): number {
  const release = lastRelease();
  if (release === undefined) {
    console.log('No release with an API description was found, so there is nothing to compare.');
    return 0;
  }
  const changes = findBreakingChanges(release.description, read('docs/openapi.json') as ApiDescription);
  const { version } = read('package.json') as { version: string };
  for (const change of changes) console.log(change);
  if (changes.length === 0) console.log(`The API is compatible with ${release.tag}.`);
  if (changes.length === 0 || isBreakAllowed(release.tag.slice(1), version)) return 0;
  console.error(
    `These changes break clients of ${release.tag}. Undo them, or raise the minor version in package.json.`,
  );
  return 1;
}

process.exit(main());
