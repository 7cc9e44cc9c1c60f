/**
 * `npm run lint:layout`: a folder holds at most 20 source files, and a line of a comment or of prose at most
 * 110 characters. The formatter bounds code; tables, code blocks and links in Markdown cannot be wrapped.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const FILES_PER_FOLDER_MAX = 20;
const LINE_LENGTH_MAX = 110;
const SOURCE = /\.(ts|tsx|mts|mjs|cjs)$/;
const GENERATED = /^(test\/replay\/histories|bench\/peers|dev\/mail-sink)\//;

/** @returns one message per folder with too many source files. */
export function crowdedFolders(files: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const file of files.filter((name) => SOURCE.test(name))) {
    const folder = path.dirname(file);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return [...counts]
    .filter(([folder, count]) => folder !== '.' && count > FILES_PER_FOLDER_MAX)
    .map(([folder, count]) => `${folder}: ${count} source files, at most ${FILES_PER_FOLDER_MAX}`);
}

/** @returns one message per comment line or line of prose that is too long. */
export function longLines(file: string, text: string): string[] {
  const isMarkdown = file.endsWith('.md');
  let isInCodeBlock = false;
  return text.split('\n').flatMap((line, index) => {
    if (isMarkdown && /^\s*```/.test(line)) isInCodeBlock = !isInCodeBlock;
    if (line.length <= LINE_LENGTH_MAX) return [];
    const isProse = isMarkdown
      ? !isInCodeBlock && !/^\s*\||^\s*!?\[[^\]]*\]\(|^\[[^\]]*\]: /.test(line)
      : /^\s*(\/\/|\/?\*)/.test(line) && !/https?:\/\/\S{60,}|oxlint-disable|eslint-disable/.test(line);
    return isProse ? [`${file}:${index + 1}: ${line.length} characters, at most ${LINE_LENGTH_MAX}`] : [];
  });
}

function main(): void {
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    encoding: 'utf8',
  })
    .split('\n')
    .filter((file) => file !== '' && !GENERATED.test(file) && fs.existsSync(file));
  const problems = [
    ...crowdedFolders(files),
    ...files
      .filter((file) => SOURCE.test(file) || file.endsWith('.md'))
      .flatMap((file) => longLines(file, fs.readFileSync(file, 'utf8'))),
  ];
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exit(1);
}

if (require.main === module) main();
