/** The memory of a process and of the processes below it, from /proc. */
import fs from 'node:fs';

const MIB = 1024 * 1024;
const KIB = 1024;

function read(pid: number | string, file: string): string {
  try {
    return fs.readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // it has ended
  }
}

export const residentMib = (pid: number): number =>
  (Number(/VmRSS:\s+(\d+)/.exec(read(pid, 'status'))?.[1] ?? 0) * KIB) / MIB;

/** The processes below this one that run the program. */
export function programsBelow(pid: number, program: string): number[] {
  const parents = fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => [Number(name), Number(/\) \S (\d+)/.exec(read(name, 'stat'))?.[1])] as const);
  const below = (one: number): number[] =>
    parents.filter(([, parent]) => parent === one).flatMap(([child]) => [child, ...below(child)]);
  return below(pid).filter((one) => read(one, 'cmdline').includes(program));
}
