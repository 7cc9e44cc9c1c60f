/** Reading of what the webhooks of a third party have named, and whether they name what runs find. */
import type { ReadPage } from '../../connectors/connector';
import type { TenantWork } from '../../db/database';
import { findAppWebhooksOf } from '../../db/integrations/incoming/app-addresses';
import { findAddress } from '../../db/integrations/incoming/addresses';
import { isWholeTypeNamed, readNamedRecords } from '../../db/integrations/incoming/incoming-changes';
import type { SyncRun } from '../../db/pull/job-rows';
import type { CreatingPage, PassKey } from '../../db/pull/page';
import { findSyncDataset } from '../../db/sync-runs/sync-datasets';
import { readsNamedRecords } from '../../domain/sync-runs/sync-run';
import type { OpenConnector } from '../dependencies';

/** One call each; the next page goes out while this one is applied. */
const RECORDS_PER_PAGE = 40;

/** Reads the named records after the cursor, as a page. */
export type FetchNamed = (cursor: string | null) => Promise<ReadPage>;

type InTenant = <T>(callback: (work: TenantWork) => Promise<T>) => Promise<T>;

/** undefined: the list is read, because records cannot be read alone, or one was not named. */
export async function findNamed(
  inTenant: InTenant,
  pass: PassKey,
  { run, opened: { connector, context } }: { run: SyncRun; opened: OpenConnector },
): Promise<FetchNamed | undefined> {
  const { recordType } = pass;
  const { readNamed } = connector;
  if (!readsNamedRecords(run) || readNamed === undefined) return undefined;
  if (connector.canReadNamed?.(context.config, recordType) !== true) return undefined;
  if (await inTenant((work) => isWholeTypeNamed(work, pass))) return undefined;
  return async (cursor) => {
    const after = cursor ?? '';
    const { remoteIds, next } = await inTenant((work) =>
      readNamedRecords(work, { ...pass, after, limit: RECORDS_PER_PAGE }),
    );
    if (remoteIds.length === 0)
      return { records: [], unreadable: [], nextCursor: null, asOf: null, total: null };
    return { ...(await readNamed({ recordType, remoteIds }, context)), nextCursor: next };
  };
}

/**
 * The integration has webhooks for the record type, and had them when the list was last read: each change
 * that the list shows should have been announced.
 */
export async function expectsWebhooks(
  inTenant: InTenant,
  pass: PassKey,
  { run, opened: { connector, context } }: { run: SyncRun; opened: OpenConnector },
): Promise<boolean> {
  const { recordTypes = [] } = connector.incoming?.(context.config) ?? {};
  if (run.kind === 'webhook' || run.overviewId !== null || !recordTypes.includes(pass.recordType))
    return false;
  return inTenant(async (work) => {
    const own = await findAddress(work, pass);
    const address = own?.secret == null ? await findAppWebhooksOf(work, pass) : own;
    if (address === undefined) return false;
    const dataset = await findSyncDataset(work, pass);
    return dataset?.lastSucceededAt != null && dataset.lastSucceededAt > address.createdAt;
  });
}

/** All that a page has read, whatever came of it. */
export const idsOf = ({ records, tombstones, refused }: CreatingPage): string[] => [
  ...records.map(({ remoteId }) => remoteId),
  ...tombstones,
  ...refused.flatMap(({ remoteId }) => remoteId ?? []),
];
