/**
 * The metadata job: fields and picklists as the third party has them now, stored and compared with what was
 * known (rules.md 28).
 */
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

/** @throws the connector's errors. */
export async function readMetadata({
  database,
  tenantId,
  run,
  integration,
  opened,
}: MetadataReaderOptions): Promise<void> {
  const { connector, context } = opened;
  const live = (await connector.describeRecordTypes?.(context)) ?? [];
  const seen = withUnaskedOnes(live, connector.recordTypes(context.config));
  await database.withTenant(tenantId, (work) =>
    saveRecordTypes(work, { integrationId: integration.integrationId, syncRunId: run.syncRunId, seen }),
  );
}

/** What cannot be asked live is what the connector or the configuration says. */
function withUnaskedOnes(live: readonly RecordType[], described: readonly RecordType[]): RecordType[] {
  const names = new Set(live.map(({ name }) => name));
  return [...live, ...described.filter(({ name }) => !names.has(name))];
}
