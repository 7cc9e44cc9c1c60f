/** The check of an integration: the connection first, then what its record types declare. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { createIntegrationCheckActivities } from '../../../activities/integrations/integration-check';
import type { ActivityDependencies } from '../../../activities/dependencies';
import type { Connector } from '../../../connectors/connector';
import { RecordRejected, Unauthorized, Unavailable } from '../../../connectors/errors';
import { findIntegration } from '../../../db/integrations/integrations';
import { GivenTenant, openTestDb, type TestDb } from '../../db/given';

let db: TestDb;
let tenant: GivenTenant;
beforeAll(async () => {
  db = await openTestDb();
  tenant = await GivenTenant.create(db);
});
afterAll(() => db.end());

const WELL = 'The third party answers and accepts the credentials.';
const notUnique = new RecordRejected('The id is not unique.', [
  {
    field: null,
    remoteField: null,
    code: 'id_not_unique',
    message: 'The id is not unique.',
    explanation: '',
  },
]);

/** @returns what the activity answers, and what it has stored. */
async function check(connector: Partial<Connector>) {
  const { tenantId } = tenant;
  const integrationId = await tenant.integration();
  const mappings = { employees: { direction: 'pull', fields: [], onDelete: 'leave' } };
  const openConnector = async () => ({
    connector: { check: async () => undefined, ...connector },
    context: { config: {}, mappings },
  });
  const { checkIntegration } = createIntegrationCheckActivities({
    database: db.database,
    openConnector: openConnector as unknown as ActivityDependencies['openConnector'],
    log: { error: () => undefined } as unknown as ActivityDependencies['log'],
  });
  const answer = await new MockActivityEnvironment().run(checkIntegration, { tenantId, integrationId });
  const integration = await db.database.withTenant(tenantId, (work) =>
    findIntegration(work, { integrationId }),
  );
  return { answer, stored: integration?.lastCheck };
}

it('is good if nothing is wrong', async () => {
  const { answer, stored } = await check({ checkRecordType: async () => undefined });

  expect(answer).toEqual({ ok: true });
  expect(stored).toMatchObject({ ok: true, kind: null, message: WELL, problems: [] });
});

it('fails if a record type cannot be read as it is configured, and says where', async () => {
  const { answer, stored } = await check({
    async checkRecordType() {
      throw notUnique;
    },
  });

  expect(answer).toEqual({ ok: false, kind: 'record_rejected' });
  expect(stored).toMatchObject({
    ok: false,
    message: 'The id is not unique.',
    problems: [
      { pointer: '/config/record_types/employees', code: 'id_not_unique', message: 'The id is not unique.' },
    ],
  });
});

it('is good with a warning if runs read more than they should', async () => {
  const record = { remoteId: 'a', remoteVersion: null, fields: {}, externalId: null, isDeleted: false };
  const { answer, stored } = await check({
    readAbilities: () => ({ canFilterByModified: true, isPagingStable: true }),
    readPage: async () => ({ records: [record], unreadable: [], nextCursor: null, asOf: null, total: null }),
  });

  expect(answer).toEqual({ ok: true });
  expect(stored).toMatchObject({ ok: true, problems: [{ code: 'filter_ignored', severity: 'warn' }] });
  expect(stored?.message).toContain('every incremental run reads all records');
});

it.each([
  ['the connection fails', { check: async () => Promise.reject(new Unauthorized('No.')) }, 'unauthorized'],
  [
    'the third party goes down meanwhile',
    { checkRecordType: async () => Promise.reject(new Unavailable('Down.')) },
    'unavailable',
  ],
  [
    'Syncline itself fails',
    { checkRecordType: async () => Promise.reject(new TypeError('x is undefined')) },
    'internal',
  ],
])('fails if %s', async (_title, connector, kind) => {
  const { answer, stored } = await check(connector);

  expect(answer).toEqual({ ok: false, kind });
  expect(stored).toMatchObject({ ok: false, kind, problems: [] });
});
