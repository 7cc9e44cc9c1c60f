/**
 * Refreshes the tokens of idle accounts, so that their refresh tokens do not expire, and those
 * whose refresh was interrupted. One worker looks through the rows at a time.
 */
import type { ActivityDependencies } from '../../activities/dependencies';
import { ConnectorError } from '../../connectors/errors';
import { unlessDeleted } from '../../db/database';
import { findIntegration } from '../../db/integrations/integrations';
import { type DueAccount, findDueAccounts, postponeRefresh } from '../../db/integrations/oauth/refreshes';
import { typeIdOf } from '../../domain/typeid';
import { type MayContinue, startLeasedLoop } from '../leased-loop';

const INTERVAL_MS = 10_000;
const ACCOUNTS_PER_TURN = 200;
const AT_ONCE = 8;
const REFRESH_MS = 30_000;
const POSTPONED_MS = 600_000;

type RefresherOptions = Pick<ActivityDependencies, 'database' | 'openConnector' | 'log'>;

/**
 * Failures are kept in the rows, with the time of the next attempt. Accounts of a tenant that is being
 * deleted stay due, and hide no others. @returns the last account that was looked at; undefined: there are no
 * more.
 */
export async function refreshDueAccounts(
  options: RefresherOptions,
  after: DueAccount | undefined,
  mayContinue: MayContinue,
): Promise<DueAccount | undefined> {
  const due = await options.database.withDispatcher((work) =>
    findDueAccounts(work, { after, limit: ACCOUNTS_PER_TURN }),
  );
  let last = after;
  for (let start = 0; start < due.length; start += AT_ONCE) {
    if (!(await mayContinue())) return last;
    const some = due.slice(start, start + AT_ONCE);
    await Promise.all(some.map((account) => refreshOrPostpone(options, account)));
    last = some.at(-1);
  }
  return due.length < ACCOUNTS_PER_TURN ? undefined : last;
}

async function refreshOrPostpone(
  options: RefresherOptions,
  account: { tenantId: string; integrationId: string },
): Promise<void> {
  await refreshOne(options, account);
  const { tenantId, integrationId } = account;
  await unlessDeleted(
    options.database.withTenant(tenantId, (work) =>
      postponeRefresh(work, { integrationId, delayMs: POSTPONED_MS }),
    ),
  );
}

async function refreshOne(
  { database, openConnector, log }: RefresherOptions,
  { tenantId, integrationId }: { tenantId: string; integrationId: string },
): Promise<void> {
  try {
    const integration = await unlessDeleted(
      database.withTenant(tenantId, (work) => findIntegration(work, { integrationId })),
    );
    if (integration === undefined) return;
    const signal = AbortSignal.timeout(REFRESH_MS);
    const { context } = await openConnector(tenantId, integration, signal, 'hourly');
    await context.accessTokens?.current();
  } catch (error) {
    const fields = { integration_id: typeIdOf('int', integrationId) };
    if (error instanceof ConnectorError)
      log.info({ ...fields, kind: error.kind }, 'an access token was not refreshed');
    else log.warn({ ...fields, err: error }, 'an access token was not refreshed');
  }
}

export function startOAuthRefresher(options: RefresherOptions): { stop(): Promise<void> } {
  let after: DueAccount | undefined;
  return startLeasedLoop({
    database: options.database,
    log: options.log,
    name: 'oauth_refresher',
    intervalMs: INTERVAL_MS,
    async run(mayContinue) {
      after = await refreshDueAccounts(options, after, mayContinue);
    },
  });
}
