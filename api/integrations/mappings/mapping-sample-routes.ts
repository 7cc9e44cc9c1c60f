/** Proposed mappings, tried on a few records of both sides before they are stored (rules.md 48). */
import { z } from 'zod';
import type { TenantWork } from '../../../db/database';
import type { Integration } from '../../../db/integrations/integrations';
import { readPicklists } from '../../../db/integrations/metadata';
import { createTrial, takeSamples } from '../../../db/integrations/trials';
import { listRecords } from '../../../db/records/records';
import { toTypeId } from '../../../db/sql/ids';
import type { MappingSamples } from '../../../db/tables/integrations';
import { sampleSent, type SampledValue } from '../../../domain/pull/sampled-values';
import { isEligible, type RecordTypeMappings } from '../../../domain/records/mapping';
import { pullsType, pushesType } from '../../../domain/records/mapping-directions';
import { HttpError } from '../../http/http-error';
import { jsonValue, recordTypeName } from '../../routing/common-schemas';
import type { TenantContext } from '../../routing/context';
import { defineRoute, type Route } from '../../routing/define-route';
import { checkTogether, readMappings } from '../integration-checks';
import { requireConnector } from '../integration-input';
import { integrationParams } from '../integration-schema';
import { requireIntegration } from '../integration-views';
import { recordTypeMappings } from '../mapping-schema';

const SAMPLES_MAX = 10;
/** Of all record types: a person looks at a few, and a request must not become slow. */
const SAMPLES_IN_ALL_MAX = 100;
/** A filter that selects few records may find none among these. */
const EXAMINED_MAX = 50;
const NO_ANSWER = 'No worker read records of the app in time.';

const sampledValue = z
  .object({
    names: z.array(z.string()).meta({ description: 'The Syncline fields; empty for a constant.' }),
    to: z.string(),
    before: jsonValue.meta({ description: 'The value where it comes from; long ones end with `…`.' }),
    after: jsonValue.meta({
      description: 'The value as it would be sent or stored; null if it does not fit.',
    }),
    problem: z.string().nullable().meta({ description: 'Why the value does not fit, in words.' }),
  })
  .meta({ id: 'SampledValue' });
const sampledRecord = z
  .object({
    id: z.string().meta({ description: 'The external id of a Syncline record, or the id in the app.' }),
    values: z.array(sampledValue),
  })
  .meta({ id: 'SampledRecord' });

const mappingSamples = z
  .object({
    record_types: z.array(
      z.object({
        record_type: recordTypeName,
        sent: z.array(sampledRecord).meta({ description: "Syncline's records as they would be sent." }),
        read: z.array(sampledRecord).meta({ description: "The app's records as they would be stored." }),
        read_problem: z.string().nullable().meta({ description: 'Why none could be read, in words.' }),
      }),
    ),
  })
  .meta({ id: 'MappingSamples' });

const proposed = z.strictObject({ record_types: recordTypeMappings });
type Proposed = z.output<typeof proposed>;

export const mappingSampleRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant_after_trial',
    method: 'post',
    path: '/v1/integrations/{integration_id}/mapping-preview',
    operationId: 'previewMapping',
    tag: 'Integrations',
    summary: 'Try a mapping on real records',
    description: [
      'Up to ten records of Syncline as they would be sent, and up to ten of the app as they would be stored.',
      'A worker reads those of the app, for up to 20 seconds. Nothing is stored or changed on either side.',
      'Ids of records that a field with `ref` refers to are shown as they are.',
    ].join(' '),
    params: integrationParams,
    body: proposed,
    responses: { 200: { description: 'The records, with a problem per value.', schema: mappingSamples } },
    problems: ['integration_not_found', 'invalid_mapping', 'invalid_config'],
    action: 'integration.mapping_previewed',
    prepare: preview,
  }),
];

async function preview(
  work: TenantWork,
  { params, body }: { params: z.output<typeof integrationParams>; body: Proposed },
  { services }: TenantContext,
) {
  const integration = await requireIntegration(work, params.integration_id);
  const connector = requireConnector(services.connectors, integration.connector);
  const recordTypes = readMappings(connector, integration.config, body.record_types);
  checkTogether(connector, integration.config, recordTypes);
  const sent = await sampleOurs(work, integration, recordTypes);
  const isRead = Object.values(recordTypes).some(pullsType);
  const wait = isRead ? await startReading(work, integration, recordTypes, services) : async () => null;
  return async () => {
    const read = await wait();
    const answer = {
      record_types: Object.entries(recordTypes).map(([recordType, mapping]) => {
        const problem = pullsType(mapping) ? NO_ANSWER : null;
        const there = read?.[recordType] ?? { records: [], problem };
        return {
          record_type: recordType,
          sent: (sent.get(recordType) ?? []).map(({ externalId, values }) => toWire(externalId, values)),
          read: there.records.map(({ remoteId, values }) => toWire(remoteId, values)),
          read_problem: there.problem,
        };
      }),
    };
    const audit = {
      target: toTypeId('int', integration.integrationId),
      detail: { record_types: Object.keys(recordTypes) },
    };
    return () => Promise.resolve({ status: 200 as const, body: answer, audit });
  };
}

const toWire = (id: string, values: readonly SampledValue[]) => ({
  id,
  values: values.map((value) => ({ ...value, names: [...value.names] })),
});

async function sampleOurs(work: TenantWork, integration: Integration, recordTypes: RecordTypeMappings) {
  const samples = new Map<string, { externalId: string; values: SampledValue[] }[]>();
  const picklists = await readPicklists(work, integration);
  let left = SAMPLES_IN_ALL_MAX;
  for (const [recordType, mapping] of Object.entries(recordTypes)) {
    if (!pushesType(mapping) || left === 0) continue;
    const { rows } = await listRecords(work, { recordType, limit: EXAMINED_MAX, withDeleted: false });
    const eligible = rows.filter(({ fields }) => isEligible(mapping, { fields, isDeleted: false }));
    const sampled = eligible.slice(0, Math.min(SAMPLES_MAX, left));
    left -= sampled.length;
    samples.set(
      recordType,
      sampled.map(({ externalId, fields }) => ({
        externalId,
        values: sampleSent(mapping, fields, picklists.get(recordType)),
      })),
    );
  }
  return samples;
}

/** The records of the app are in the row of a trial, which goes when they are taken. */
async function startReading(
  work: TenantWork,
  { integrationId, connector, config }: Integration,
  recordTypes: RecordTypeMappings,
  { temporal, database }: TenantContext['services'],
): Promise<() => Promise<MappingSamples | null>> {
  const { tenantId } = work;
  const settings = { integrationId, connector, config, recordTypes, credentials: null };
  const trialId = await createTrial(work, settings);
  return async () => {
    try {
      await temporal.readMappingSamples({ tenantId, integrationId, trialId });
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
    }
    return database.withTenant(tenantId, (after) => takeSamples(after, { trialId }));
  };
}
