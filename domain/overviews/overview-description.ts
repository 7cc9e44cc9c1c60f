/** A Sync Overview as text for operators in Temporal's UI. */
import { instantOf } from '../instant';

export function describeOverview(report: { state: 'more' | 'waiting' | 'ended'; until?: number }): string {
  if (report.state === 'more') return 'Reading the third party.';
  if (report.state === 'ended') return 'Ended. The data of the overview was deleted.';
  return `Waiting until ${instantOf(report.until ?? Number.NaN)}, or until the overview changes.`;
}
