/**
 * Sends operators an e-mail when the installation has a problem, and when the problem has ended. Each process
 * stores what it finds (`runtime/health-log.ts`, `worker/leased-loop.ts`). One worker at a time examines the
 * outbox and stopped work, and sends all new findings in one e-mail, each finding at most once an hour.
 */
import type { ActivityLog } from '../../activities/dependencies';
import type { Database } from '../../db/database';
import {
  findUntold,
  noteFindings,
  noteTold,
  type OperatorFinding,
} from '../../db/notifications/operator-findings';
import { countRefusedMessages, REFUSALS_SHOWN } from '../../db/platform/outbox';
import { oldestOutboxAgeSeconds } from '../../db/platform/outbox-overview';
import { countParkedWork } from '../../db/platform/running-work';
import { newUuid } from '../../db/sql/ids';
import { countStoppedRollouts } from '../../db/third-parties/stopped-rollouts';
import type { OperatorContent } from '../../domain/notifications/email-kinds';
import type { Mailer } from '../../egress/mail/smtp-mailer';
import { startLeasedLoop } from '../leased-loop';

const INTERVAL_MS = 60_000;
/** Usually the outbox is empty within seconds. */
const BACKLOG_SECONDS = 300;
const SEND_WITHIN_MS = 60_000;

interface OperatorAlertOptions {
  database: Database;
  log: ActivityLog;
  mailer: Pick<Mailer, 'send'>;
  recipients: readonly string[];
}

export async function tellOperators({
  database,
  log,
  mailer,
  recipients,
}: OperatorAlertOptions): Promise<void> {
  const found = await findTrouble(database);
  const untold = await database.withDispatcher(async (work) => {
    await noteFindings(work, found);
    return findUntold(work);
  });
  if (untold.length === 0) return;
  const itemsOf = (wanted: 'appeared' | 'over') =>
    untold
      .filter(({ told }) => told === wanted)
      .map(({ finding, detail, appearedAt }) => ({ finding, detail, since: appearedAt.toISOString() }));
  const content: OperatorContent = { appeared: itemsOf('appeared'), over: itemsOf('over') };
  const send = (recipient: string) => {
    const email = { emailId: newUuid(), kind: 'operator_findings', recipient, content };
    return mailer.send(email, AbortSignal.timeout(SEND_WITHIN_MS));
  };
  // All at the same time, because the lease of this loop is not renewed meanwhile.
  const failures = (await Promise.all(recipients.map(send))).filter((answer) => answer.kind !== 'taken');
  for (const { code } of failures) log.warn({ code }, 'could not send an e-mail to an operator');
  // If one e-mail was accepted, none is sent again. If only answers were lost, all are sent again in an hour.
  const isTaken = failures.length < recipients.length;
  if (isTaken || failures.some(({ mayBeTaken }) => mayBeTaken === true))
    await database.withDispatcher((work) => noteTold(work, untold, { isTaken }));
}

async function findTrouble(database: Database): Promise<OperatorFinding[]> {
  const counts = await database.withDispatcher(async (work) => ({
    refused: await countRefusedMessages(work),
    oldest: await oldestOutboxAgeSeconds(work),
    parked: await countParkedWork(work),
  }));
  const rollouts = await database.withPlatform(countStoppedRollouts);
  const of = (isWrong: boolean, finding: string, detail: string) => (isWrong ? [{ finding, detail }] : []);
  return [
    ...of(
      counts.refused > 0,
      'outbox refusals',
      `${counts.refused} messages of the outbox were refused ${REFUSALS_SHOWN} times. GET /v1/platform/outbox says why.`,
    ),
    ...of(
      counts.oldest > BACKLOG_SECONDS,
      'outbox backlog',
      `The oldest message of the outbox has waited for ${Math.round(counts.oldest / 60)} minutes. ` +
        'GET /v1/platform/outbox shows which topic waits.',
    ),
    ...of(
      counts.parked > 0,
      'parked work',
      `${counts.parked} pieces of work have ended their worker repeatedly, and wait for a person.`,
    ),
    ...of(
      rollouts > 0,
      'stopped rollouts',
      `${rollouts} rollouts of third-party definitions stopped, because integrations failed.`,
    ),
  ];
}

export const startOperatorAlerts = (options: OperatorAlertOptions): { stop(): Promise<void> } =>
  startLeasedLoop({
    database: options.database,
    log: options.log,
    name: 'operator_alerts',
    intervalMs: INTERVAL_MS,
    run: () => tellOperators(options),
  });
