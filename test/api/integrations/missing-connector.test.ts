/** Integrations whose connector this process lacks, or has in a version that refuses their configuration. */
import { z } from 'zod';
import { createConnectorOpener } from '../../../activities/integrations/open-connector';
import { toSyncErrors } from '../../../activities/integrations/connector-failures';
import { connectors } from '../../../connectors';
import type { Connector } from '../../../connectors/connector';
import { Unavailable } from '../../../connectors/errors';
import { guardConnector } from '../../../connectors/packages/guard';
import { findIntegration } from '../../../db/integrations/integrations';
import { fromTypeId } from '../../../db/sql/ids';
import {
  expectProblem,
  givenIntegration,
  type GivenTenant,
  type Service,
  startService,
} from '../support/service';

const fail = () => {
  throw new Error('no licence');
};
const KIND = 'acme-people';
const acme = { ...(connectors['scim'] as Connector), kind: KIND };

let service: Service;
let tenant: GivenTenant;
let id: string;
let etag: string;

beforeAll(async () => {
  service = await startService();
  tenant = await service.givenTenant();
  connectors[KIND] = acme;
  ({ id, etag } = await givenIntegration(tenant, { connector: KIND }));
  delete connectors[KIND];
});
afterAll(() => service.close());
afterEach(() => delete connectors[KIND]);

async function errorOfWorker(): Promise<Unavailable> {
  const { database, encryption } = service;
  const nothing = () => Promise.reject(new Error('Nothing is sent here.'));
  const openConnector = createConnectorOpener({
    database,
    encryption,
    connectors,
    createHttpClient: () => ({ send: nothing }),
    createSocketOpener: () => ({ open: nothing }),
    log: { warn: () => undefined } as never,
  });
  const integration = await database.withTenant(tenant.uuid, (work) =>
    findIntegration(work, { integrationId: fromTypeId('int', id) as string }),
  );
  if (integration === undefined) throw new Error(`No integration ${id}.`);
  return openConnector(tenant.uuid, integration, new AbortController().signal, 'push').then(
    () => {
      throw new Error('It was opened.');
    },
    (error: Unavailable) => error,
  );
}

it('are shown unchanged, and their settings cannot be changed', async () => {
  const shown = await tenant.viewer.get(`/v1/integrations/${id}`).expect(200);
  const listed = await tenant.viewer.get('/v1/integrations').expect(200);
  const types = await tenant.viewer.get(`/v1/integrations/${id}/record-types`).expect(200);
  const change = { config: { base_url: 'https://other.example.com/scim' } };

  expect(shown.body).toMatchObject({ connector: KIND, app: 'Example HR', remote_record_types: [] });
  expect(listed.body.data).toHaveLength(1);
  expect(types.body.data).toEqual([]);
  expectProblem(
    await tenant.admin.patch(`/v1/integrations/${id}`, change).set('If-Match', etag),
    422,
    'unknown_connector',
  );
});

it('wait like those of an app that is down, and say what to do', async () => {
  const error = await errorOfWorker();

  expect(error).toBeInstanceOf(Unavailable);
  expect(toSyncErrors(error)).toEqual([
    {
      category: 'transient',
      origin: 'us',
      code: 'connector_not_usable',
      field: null,
      remote_field: null,
      message:
        'A worker of Syncline lacks the connector "acme-people". Install the package that holds it for every ' +
        'api and worker, name it in CONNECTOR_PACKAGES, and restart them.',
      explanation: expect.stringContaining('Syncline then continues automatically.') as string,
    },
  ]);
});

it.each([
  ['their configuration', { configSchema: z.looseObject({}).refine(() => fail()) }, 'configSchema threw'],
  [
    'their credentials',
    { credentialsSchema: z.looseObject({}).refine(() => fail()) },
    'credentialsSchema threw',
  ],
  ['its hosts', { hosts: () => fail() }, 'hosts threw'],
])(
  'wait, and ask nobody for credentials, if the package of the connector fails at %s',
  async (_what, part, words) => {
    connectors[KIND] = guardConnector({ ...acme, ...part }, '@acme/people');

    const error = await errorOfWorker();

    expect(error).toBeInstanceOf(Unavailable);
    expect(toSyncErrors(error)).toMatchObject([{ origin: 'us', code: 'connector_not_usable' }]);
    expect(error.message).toContain(
      `The connector package @acme/people is faulty: ${words} Error: no licence.`,
    );
  },
);

it('wait if the connector does not accept their configuration any more', async () => {
  connectors[KIND] = { ...acme, configSchema: z.strictObject({ region: z.string() }) };

  const error = await errorOfWorker();

  expect(error).toBeInstanceOf(Unavailable);
  expect(error.message).toContain(
    'The configuration does not fit this version of the connector "acme-people". /config/region: ',
  );
});

it('are shown as if they had no webhooks if the connector does not accept their configuration any more', async () => {
  const configSchema = z.strictObject({ region: z.string() });
  connectors[KIND] = { ...acme, configSchema, incoming: () => undefined };

  const shown = await tenant.admin.get(`/v1/integrations/${id}/incoming-webhooks`);

  expectProblem(shown, 422, 'webhooks_not_described');
});
