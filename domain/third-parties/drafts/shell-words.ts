/** The words of one command line, as a POSIX shell splits them. What a shell would execute is refused. */
import { UnusableStart } from './draft';

const LENGTH_MAX = 65_536;

export function shellWords(line: string): string[] {
  if (line.length > LENGTH_MAX) throw new UnusableStart('The command is longer than 65,536 characters.');
  const words: string[] = [];
  let word: string | undefined;
  for (let index = 0; index < line.length; index += 1) {
    const char = line.charAt(index);
    const next = line.charAt(index + 1);
    if (char === "'" || char === '"') {
      const [text, end] = quoted(line, index);
      word = (word ?? '') + text;
      index = end;
    } else if (char === '$' && next === "'") {
      const [text, end] = quoted(line, index + 1, true);
      word = (word ?? '') + text;
      index = end;
    } else if (char === '\\') {
      // A backslash at the end of a line continues the command.
      if (next === '\r' && line.charAt(index + 2) === '\n') index += 2;
      else {
        if (next !== '\n') word = (word ?? '') + next;
        index += 1;
      }
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (/[;|&<>`]/.test(char) || (char === '$' && next === '(')) {
      throw new UnusableStart(`Enter one curl command alone: ${char} has a meaning for shells. Quote it.`);
    } else word = (word ?? '') + char;
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** @returns the text and the position of the closing quote. */
function quoted(line: string, begin: number, isAnsi = false): [text: string, end: number] {
  const quote = line.charAt(begin);
  let text = '';
  for (let index = begin + 1; index < line.length; index += 1) {
    const char = line.charAt(index);
    if (char === quote) return [text, index];
    const next = line.charAt(index + 1);
    const isEscape = char === '\\' && (isAnsi || (quote === '"' && /["\\$`\n]/.test(next)));
    if (!isEscape) text += char;
    else {
      text += isAnsi ? (ANSI[next] ?? next) : next === '\n' ? '' : next;
      index += 1;
    }
  }
  throw new UnusableStart(`The command has a ${quote} that nothing closes.`);
}

const ANSI: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };
