/** The check of an integration: the connection first, then what its record types declare. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { createIntegrationCheckActivities } from '../../../activities/integrations/integration-check';
import type { ActivityDependencies } from '../../../activities/dependencies';
import type { Connector } from '../../../connectors/connector';
import { RecordRejected, Unauthorized, Unavailable, WrongAddress } from '../../../connectors/errors';
import { findIntegration } from '../../../db/integrations/integrations';
import { createTrial, endTrial } from '../../../db/integrations/trials';
import { newUuid } from '../../../db/sql/ids';
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

const MAPPINGS = { employees: { direction: 'pull', fields: [], onDelete: 'leave' } };

function activityFor(connector: Partial<Connector>, checkMs?: number) {
  const opened: { integration: unknown }[] = [];
  const openConnector = async (_tenantId: string, integration: unknown) => {
    opened.push({ integration });
    return {
      connector: { check: async () => undefined, ...connector },
      context: { config: { base_url: 'https://hr.example.com' }, mappings: MAPPINGS },
    };
  };
  const { checkIntegration } = createIntegrationCheckActivities(
    {
      database: db.database,
      openConnector: openConnector as unknown as ActivityDependencies['openConnector'],
      log: { error: () => undefined } as unknown as ActivityDependencies['log'],
    },
    checkMs,
  );
  return { opened, checkIntegration };
}

/** @returns what the activity answers, and what it has stored. */
async function check(connector: Partial<Connector>, checkMs?: number) {
  const { tenantId } = tenant;
  const integrationId = await tenant.integration();
  const { checkIntegration } = activityFor(connector, checkMs);
  const answer = await new MockActivityEnvironment().run(checkIntegration, { tenantId, integrationId });
  return { answer, stored: await lastCheckOf(integrationId) };
}

const lastCheckOf = (integrationId: string) =>
  db.database.withTenant(
    tenant.tenantId,
    async (work) => (await findIntegration(work, { integrationId }))?.lastCheck,
  );
const never = () => new Promise<never>(() => undefined);

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

describe('a third party that hangs', () => {
  it('is reported as not answering, and the check ends in time', async () => {
    const { answer, stored } = await check({ check: never }, 50);

    expect(answer).toEqual({ ok: false, kind: 'unavailable' });
    expect(stored?.message).toContain('did not answer in time');
  });

  it('that answers the check but no list leaves a warning at the record type', async () => {
    const { answer, stored } = await check({ checkRecordType: never }, 50);

    expect(answer).toEqual({ ok: true });
    expect(stored?.problems).toMatchObject([
      { pointer: '/config/record_types/employees', code: 'not_tried', severity: 'warn' },
    ]);
  });

  it('is not taken for an outage because its requests were stopped', async () => {
    const stopped = async () => {
      await new Promise((resolve) => setTimeout(resolve, 60));
      throw new Unavailable('The worker is stopping.');
    };

    expect((await check({ checkRecordType: stopped }, 50)).answer).toEqual({ ok: true });
  });
});

it.each([
  ['no JSON', new WrongAddress('That is no JSON.', 'not_json')],
  ['a web page', new Unavailable('That is a web page.', 200)],
])('D18: a check that is answered with %s is refused at the address', async (_title, error) => {
  const { stored } = await check({ check: async () => Promise.reject(error) });

  expect(stored).toMatchObject({
    ok: false,
    kind: 'record_rejected',
    problems: [{ pointer: '/config/base_url', code: 'not_json', severity: 'refuse' }],
  });
});

describe('a trial of settings that are not stored', () => {
  it('tries these settings and credentials, and leaves the last check of the integration as it was', async () => {
    const { tenantId } = tenant;
    const integrationId = await tenant.integration();
    const { opened, checkIntegration } = activityFor({});
    const trialId = await tenant.work((work) =>
      createTrial(work, {
        integrationId,
        connector: 'rest',
        config: { base_url: 'https://new.example.com' },
        recordTypes: {},
        credentials: 'encrypted',
      }),
    );

    await new MockActivityEnvironment().run(checkIntegration, { tenantId, integrationId, trialId });

    expect(opened).toMatchObject([
      {
        integration: {
          integrationId,
          config: { base_url: 'https://new.example.com' },
          encryptedCredentials: 'encrypted',
        },
      },
    ]);
    expect(await tenant.work((work) => endTrial(work, { trialId }))).toMatchObject({
      ok: true,
      problems: [],
    });
    expect(await lastCheckOf(integrationId)).toBeNull();
  });

  it('that was given up is not found', async () => {
    const { checkIntegration } = activityFor({});
    const { tenantId } = tenant;
    const given = { tenantId, integrationId: await tenant.integration(), trialId: newUuid() };

    const answer = await new MockActivityEnvironment().run(checkIntegration, given);

    expect(answer).toEqual({ ok: false, kind: 'not_found' });
  });
});

it('tries single calls instead if the trial names them, and keeps what was found', async () => {
  const { tenantId } = tenant;
  const integrationId = newUuid();
  const tries = { recordType: 'employees', tries: ['check', 'list'] as const };
  const trialId = await tenant.work((work) =>
    createTrial(work, {
      integrationId,
      connector: 'rest',
      config: {},
      recordTypes: {},
      credentials: null,
      tries,
    }),
  );
  const { checkIntegration } = activityFor({
    readAbilities: () => ({ canFilterByModified: false, isPagingStable: true }),
    readPage: async () => ({ records: [], unreadable: [], nextCursor: null, asOf: null, total: null }),
  });

  const answer = await new MockActivityEnvironment().run(checkIntegration, {
    tenantId,
    integrationId,
    trialId,
  });
  const result = await tenant.work((work) => endTrial(work, { trialId }));

  expect(answer).toEqual({ ok: true });
  expect(result?.tried).toMatchObject([
    { try: 'check', outcome: 'passed' },
    { try: 'list', outcome: 'passed', found: { records: 0 } },
  ]);
});
