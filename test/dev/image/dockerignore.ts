/**
 * What a build context admits, by the rules of `.dockerignore` (moby/patternmatcher): patterns are relative
 * to the root of the context, a pattern that matches a folder excludes everything below it, and the last
 * pattern that matches decides.
 */
import fs from 'node:fs';
import path from 'node:path';

interface Pattern {
  regExp: RegExp;
  /** Written with `!`: admits again what an earlier pattern excluded. */
  isException: boolean;
}

/**
 * `**` is any number of folders, `*` and `?` stay inside one name, `[…]` is a class, `\` takes the next
 * character literally.
 */
function toRegExp(pattern: string): RegExp {
  let source = '';
  for (let index = 0; index < pattern.length; index += 1) {
    const character = pattern[index] as string;
    if (pattern.startsWith('**', index)) {
      index += pattern[index + 2] === '/' ? 2 : 1;
      source += index === pattern.length - 1 ? '.*' : '(?:.*/)?';
    } else if (character === '*') source += '[^/]*';
    else if (character === '?') source += '[^/]';
    else if (character === '\\') source += escape(pattern[(index += 1)] ?? '\\');
    else source += '[]-^'.includes(character) ? character : escape(character);
  }
  return new RegExp(`^${source}$`, 's');
}

const escape = (text: string): string => text.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&');

function parsePatterns(text: string): Pattern[] {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.trim())
    .filter(Boolean)
    .map((line) => {
      const isException = line.startsWith('!');
      const written = isException ? line.slice(1).trim() : line;
      const cleaned = path.posix.normalize(written).replace(/^\/+|\/+$/g, '');
      return { regExp: toRegExp(cleaned), isException };
    });
}

export interface BuildContext {
  /** `file` is relative to the context's root, with `/` between names. */
  admits(file: string): boolean;
  /** Copies every file that the context admits. */
  copy(from: string, to: string): void;
}

/** @param text the content of `.dockerignore`. */
export function createBuildContext(text: string): BuildContext {
  const patterns = parsePatterns(text);
  const hasExceptions = patterns.some(({ isException }) => isException);

  function admits(file: string): boolean {
    const names = file.split('/');
    const paths = names.map((_name, index) => names.slice(0, index + 1).join('/'));
    let isExcluded = false;
    for (const { regExp, isException } of patterns)
      if (isException === isExcluded && paths.some((candidate) => regExp.test(candidate)))
        isExcluded = !isException;
    return !isExcluded;
  }

  function copy(from: string, to: string, folder = ''): void {
    for (const entry of fs.readdirSync(path.join(from, folder), { withFileTypes: true })) {
      const file = path.posix.join(folder, entry.name);
      const [source, target] = [path.join(from, file), path.join(to, file)];
      if (entry.isDirectory()) {
        if (admits(file) || hasExceptions) copy(from, to, file);
      } else if (admits(file)) {
        fs.mkdirSync(path.dirname(target), { recursive: true });
        fs.cpSync(source, target, { verbatimSymlinks: true });
      }
    }
  }

  return { admits, copy };
}
