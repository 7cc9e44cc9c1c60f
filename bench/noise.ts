/**
 * The share of the machine that other programs used during a benchmark, which limits the value of its
 * figures. Linux only.
 */
import fs from 'node:fs';

interface CpuTimes {
  /** All clock ticks of all cores, idle ones too. */
  all: number;
  busy: number;
  /** Of this process and all its descendants, including those that have ended. */
  own: number;
}

/**
 * Called at the start. The returned function gives the share of processor time (0 to 1) that other programs
 * have used since.
 */
export function watchOthers(): () => number {
  const before = readCpuTimes();
  return () => {
    const after = readCpuTimes();
    const others = after.busy - before.busy - (after.own - before.own);
    return Math.max(0, others) / Math.max(1, after.all - before.all);
  };
}

function readCpuTimes(): CpuTimes {
  const [line = ''] = fs.readFileSync('/proc/stat', 'utf8').split('\n');
  const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number);
  const all = ticks.reduce((sum, tick) => sum + tick, 0);
  return { all, busy: all - (ticks[3] ?? 0) - (ticks[4] ?? 0), own: ticksOfTree() };
}

export function ticksOfTree(): number {
  const processes = new Map(
    fs.readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? readProcess(Number(name)) : [])),
  );
  const isDescendant = (pid: number): boolean =>
    pid === process.pid || (processes.has(pid) && isDescendant(processes.get(pid)?.parent ?? 0));
  return [...processes].reduce((sum, [pid, { ticks }]) => (isDescendant(pid) ? sum + ticks : sum), 0);
}

function readProcess(pid: number): [number, { parent: number; ticks: number }][] {
  try {
    const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    // Its own and its ended children's.
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return [[pid, { parent: Number(fields[1]), ticks }]];
  } catch {
    return []; // it has just ended
  }
}
