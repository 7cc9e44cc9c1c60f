/** What /readyz answers, by check. A failed check takes the process out of service, a warning does not. */
export interface Finding {
  status: 'ok' | 'warning' | 'failed';
  /** What is wrong and what to do, for operators. */
  detail?: string;
}
export type Findings = Readonly<Record<string, Finding>>;

const CLOCK_WARNING_MS = 5_000;
const CLOCK_FAILED_MS = 60_000;
const OK: Finding = { status: 'ok' };

export const failedUnless = (isOk: boolean, detail: string): Finding =>
  isOk ? OK : { status: 'failed', detail };

/** `skewMs`: how far this process's clock is ahead of PostgreSQL's. */
export function judgeClock(skewMs: number): Finding {
  const apart = Math.abs(skewMs);
  if (apart < CLOCK_WARNING_MS) return OK;
  const detail =
    `The clock of this machine is ${(apart / 1_000).toFixed(0)} s ${skewMs > 0 ? 'ahead of' : 'behind'} ` +
    "PostgreSQL's. Synchronize both (NTP).";
  return { status: apart < CLOCK_FAILED_MS ? 'warning' : 'failed', detail };
}

export const isReady = (findings: Findings): boolean =>
  Object.values(findings).every(({ status }) => status !== 'failed');

/** Every finding that is not ok, as one text. */
export const describeFindings = (findings: Findings): string =>
  Object.values(findings)
    .flatMap(({ status, detail }) => (status === 'ok' || detail === undefined ? [] : [detail]))
    .join(' ');
