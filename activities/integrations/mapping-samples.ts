/**
 * Reads a few records of each pulled record type, as a proposed mapping would store them. A person waits, so
 * there is a time limit: record types that were not read by then say so.
 */
import { Context } from '@temporalio/activity';
import { ConnectorError, RecordRejected } from '../../connectors/errors';
import { beforeAbort, TimedOut } from '../../connectors/probe';
import type { MappingSamplesInput } from '../../contract/mapping-samples';
import { findTrial, saveSamples } from '../../db/integrations/trials';
import type { MappingSamples } from '../../db/tables/integrations';
import { sampleRead } from '../../domain/pull/sampled-values';
import { pulledRecordTypes } from '../../domain/records/mapping-directions';
import { typeIdOf } from '../../domain/typeid';
import type { ActivityDependencies, OpenConnector } from '../dependencies';

export interface MappingSamplesActivities {
  readMappingSamples(input: MappingSamplesInput): Promise<void>;
}

type Dependencies = Pick<ActivityDependencies, 'database' | 'openConnector' | 'log'>;

const SAMPLES_MS = 20_000;
const SAMPLES_MAX = 10;

export const createMappingSamplesActivities = (
  { database, openConnector, log }: Dependencies,
  samplesMs = SAMPLES_MS,
): MappingSamplesActivities => ({
  async readMappingSamples({ tenantId, integrationId, trialId }) {
    const trial = await database.withTenant(tenantId, (work) => findTrial(work, { trialId }));
    if (trial === undefined) return;
    const signal = AbortSignal.any([Context.current().cancellationSignal, AbortSignal.timeout(samplesMs)]);
    const settings = {
      ...trial,
      credentialsUpdatedAt: trial.createdAt,
      encryptedCredentials: trial.credentials,
    };
    const wordsOf = (error: unknown): string => {
      if (error instanceof TimedOut) return 'The app did not answer in time.';
      if (error instanceof ConnectorError) return error.message;
      log.error({ err: error, integration_id: typeIdOf('int', integrationId) }, 'samples failed');
      return 'The records could not be read inside Syncline; the log of the worker says why.';
    };
    const samples: MappingSamples = {};
    let opened: OpenConnector | undefined;
    for (const recordType of pulledRecordTypes(trial))
      try {
        opened ??= await beforeAbort(signal, openConnector(tenantId, settings, signal, 'manual'));
        samples[recordType] = { records: await readRecords(opened, recordType, signal), problem: null };
      } catch (error) {
        samples[recordType] = { records: [], problem: wordsOf(error) };
      }
    await database.withTenant(tenantId, (work) => saveSamples(work, { trialId, samples }));
  },
});

async function readRecords(
  { connector, context }: OpenConnector,
  recordType: string,
  signal: AbortSignal,
): Promise<MappingSamples[string]['records']> {
  const mapping = context.mappings[recordType];
  const canRead = connector.readAbilities?.(context.config, recordType) ?? null;
  if (connector.readPage === undefined || canRead === null || mapping === undefined)
    throw new RecordRejected('This record type cannot be read from the app.', []);
  const request = { recordType, modifiedSince: null, cursor: null };
  const { records } = await beforeAbort(signal, connector.readPage(request, context));
  return records
    .filter(({ isDeleted }) => !isDeleted)
    .slice(0, SAMPLES_MAX)
    .map(({ remoteId, fields }) => ({ remoteId, values: sampleRead(mapping, fields) }));
}
