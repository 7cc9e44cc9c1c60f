/**
 * `npm test` repeats random and racing tests a few times, `npm run test:all` and `npm run chaos` often.
 * A file named `*.slow.test.ts` runs in `npm run test:all` only; one named `*.repeated.test.ts` runs in both.
 */
export function repetitions({ quick, full }: { quick: number; full: number }): number {
  return process.env.TEST_TIER === 'full' ? full : quick;
}
