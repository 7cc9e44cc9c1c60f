/** A few records of the app, as a proposed mapping would store them (ADR 0032). */
import { MockActivityEnvironment } from '@temporalio/testing';
import type { ActivityDependencies } from '../../../activities/dependencies';
import { createMappingSamplesActivities } from '../../../activities/integrations/mapping-samples';
import type { Connector } from '../../../connectors/connector';
import { Unavailable } from '../../../connectors/errors';
import { createTrial, takeSamples } from '../../../db/integrations/trials';
import type { JsonObject } from '../../../domain/json';
import type { RecordTypeMappings } from '../../../domain/records/mapping';
import { GivenTenant, openTestDb, type TestDb } from '../../db/given';

let db: TestDb;
let tenant: GivenTenant;
beforeAll(async () => {
  db = await openTestDb();
  tenant = await GivenTenant.create(db);
});
afterAll(() => db.end());

const MAPPINGS: RecordTypeMappings = {
  employees: {
    direction: 'both',
    onDelete: 'leave',
    fields: [
      { name: 'born', to: 'birthday', transform: [{ type: 'date', format: 'dd.MM.yyyy' }] },
      { name: 'manager', to: 'manager_id', type: 'number', ref: { recordType: 'employees' }, values: {} },
    ],
  },
  rooms: { direction: 'push', onDelete: 'leave', fields: [{ name: 'a', to: 'a' }] },
};

const readable = (list: JsonObject[]): Partial<Connector> => ({
  readAbilities: () => ({ canFilterByModified: true, isPagingStable: true }),
  readPage: async () => ({
    records: list.map((fields, index) => ({
      remoteId: `r${index}`,
      remoteVersion: null,
      fields,
      externalId: null,
      isDeleted: false,
    })),
    unreadable: [],
    nextCursor: null,
    asOf: null,
    total: null,
  }),
});

async function samplesOf(connector: Partial<Connector>, samplesMs?: number) {
  const { tenantId } = tenant;
  const integrationId = await tenant.integration();
  const settings = { integrationId, connector: 'rest', config: {}, recordTypes: MAPPINGS, credentials: null };
  const trialId = await db.database.withTenant(tenantId, (work) => createTrial(work, settings));
  const opened = { connector, context: { config: {}, mappings: MAPPINGS } };
  const { readMappingSamples } = createMappingSamplesActivities(
    {
      database: db.database,
      openConnector: (async () => opened) as unknown as ActivityDependencies['openConnector'],
      log: { error: () => undefined } as unknown as ActivityDependencies['log'],
    },
    samplesMs,
  );
  await new MockActivityEnvironment().run(readMappingSamples, { tenantId, integrationId, trialId });
  return db.database.withTenant(tenantId, (work) => takeSamples(work, { trialId }));
}

it('holds at most ten records of each pulled record type, with a problem per value that does not fit', async () => {
  const list = [{ birthday: '31.01.2000' }, { birthday: 'soon' }, ...Array.from({ length: 20 }, () => ({}))];

  const samples = await samplesOf(readable(list));

  expect(Object.keys(samples ?? {})).toEqual(['employees']);
  const { records, problem } = samples!['employees']!;
  expect([records.length, problem]).toEqual([10, null]);
  expect(records.slice(0, 2)).toEqual([
    {
      remoteId: 'r0',
      values: [{ names: ['born'], to: 'birthday', before: '31.01.2000', after: '2000-01-31', problem: null }],
    },
    {
      remoteId: 'r1',
      values: [
        {
          names: ['born'],
          to: 'birthday',
          before: 'soon',
          after: null,
          problem: 'The value "soon" of the app is not a date in the format dd.MM.yyyy.',
        },
      ],
    },
  ]);
});

it('shows the ids of the app as they are', async () => {
  const samples = await samplesOf(readable([{ manager_id: 7 }]));

  expect(samples?.['employees']?.records).toEqual([
    {
      remoteId: 'r0',
      values: [{ names: ['manager'], to: 'manager_id', before: 7, after: 7, problem: null }],
    },
  ]);
});

it.each<[string, Partial<Connector>, string]>([
  [
    'is down',
    { ...readable([]), readPage: () => Promise.reject(new Unavailable('Down for maintenance.')) },
    'Down for maintenance.',
  ],
  [
    'hangs',
    { ...readable([]), readPage: () => new Promise(() => undefined) },
    'The app did not answer in time.',
  ],
  ['cannot be read', {}, 'This record type cannot be read from the app.'],
])('says why there is none if the app %s', async (_title, connector, problem) => {
  expect(await samplesOf(connector, 200)).toEqual({ employees: { records: [], problem } });
});
