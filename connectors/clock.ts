/**
 * The time that third parties are told, and that their times are compared with. If the machine's own clock is
 * wrong, third parties refuse signed requests, and correct credentials would seem wrong: a worker uses the
 * clock of the database (worker/main.ts).
 */
let clock = (): number => Date.now();

export const clockMs = (): number => clock();

export function followClock(another: () => number): void {
  clock = another;
}
