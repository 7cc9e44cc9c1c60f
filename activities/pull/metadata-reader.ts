/**
 * The metadata job: reads fields and picklists from the third party, compares them with the stored ones and
 * stores them (rules.md 28).
 */
import { Unavailable } from '../../connectors/errors';
import type { Database } from '../../db/database';
import type { Integration } from '../../db/integrations/integrations';
import { saveRecordTypes } from '../../db/integrations/metadata';
import type { SyncRun } from '../../db/pull/job-rows';
import type { RecordType } from '../../domain/records/record-type';
import type { OpenConnector } from '../dependencies';

export interface MetadataReaderOptions {
  database: Database;
  tenantId: string;
  run: SyncRun;
  integration: Integration;
  opened: OpenConnector;
}

/** @throws the connector's errors; they say that metadata could not be read. */
export async function readMetadata({
  database,
  tenantId,
  run,
  integration,
  opened,
}: MetadataReaderOptions): Promise<void> {
  const { connector, context } = opened;
  const live = await describe(opened);
  const seen = withDescribedTypes(live, connector.recordTypes(context.config));
  await database.withTenant(tenantId, (work) =>
    saveRecordTypes(work, { integrationId: integration.integrationId, syncRunId: run.syncRunId, seen }),
  );
}

async function describe({ connector, context }: OpenConnector): Promise<readonly RecordType[]> {
  try {
    return (await connector.describeRecordTypes?.(context)) ?? [];
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    throw new Unavailable(`Fields and picklists cannot be read: ${error.message}`, error.status, {
      cause: error,
    });
  }
}

/** Metadata that the third party cannot be asked for comes from the connector or the configuration. */
function withDescribedTypes(live: readonly RecordType[], described: readonly RecordType[]): RecordType[] {
  const names = new Set(live.map(({ name }) => name));
  return [...live, ...described.filter(({ name }) => !names.has(name))];
}
